// What the page knows of the service: what it is, and its stores. Whoever shows stores listens here.

import { askJson } from './api.js';
import { languageOf } from './dom.js';
import { interfaceLanguage } from './i18n.js';
import { Text } from './text.js';

const READ = 2000; // characters of a text that tell which store it belongs to

const listeners = new Set();

export const catalog = { info: null, stores: [] };

/** `listener` is called now and after every change of the stores. */
export function onStores(listener) {
  listeners.add(listener);
  listener(catalog.stores);
}

/** `options` are those of `ask`. */
export async function loadStores(options) {
  const { stores } = await askJson('GET', 'v1/stores', options);
  catalog.stores = stores.toSorted((a, b) => Number(a.readonly) - Number(b.readonly) || a.name.localeCompare(b.name));
  for (const listener of listeners) listener(catalog.stores);
}

/** What the service is; a page that cannot learn it works all the same, without its limits. */
export async function loadInfo() {
  catalog.info = await askJson('GET', 'v1/info', { quiet: true });
  return catalog.info;
}

/** Types to offer for a text: those of its store, then what is frequent in stores of its language. Never fails. */
export async function suggestedTypes(text) {
  const query = new URLSearchParams({ text: new Text(text).slice(0, READ) });
  const nothing = { types: [], frequent: [] };
  const { types, frequent } = await askJson('GET', `v1/types?${query}`, { quiet: true }).catch(() => nothing);
  const spoken = text.trim() ? languageOf(text) : interfaceLanguage();
  return [...types, ...frequent.map(({ type }) => type).filter((type) => languageOf(type) === spoken)];
}
