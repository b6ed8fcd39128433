// Choosing a store in a list.

import { element } from './dom.js';

export function writable(stores) {
  return stores.filter((store) => !store.readonly);
}

/**
 * Fills a select with stores. `also` is what stands beside them: 'auto' leaves the choice to the judge, 'new' makes a
 * new store. What was chosen stays chosen where it still is there.
 */
export function storeOptions(select, stores, { also }) {
  const before = select.value;
  const extra = element('option', { value: also === 'new' ? 'new:' : '', t: `store.${also}` });
  const named = stores.map(({ name }) => element('option', { value: `store:${name}`, dir: 'auto' }, name));
  select.replaceChildren(...(also === 'new' ? [...named, extra] : [extra, ...named]));
  if ([...select.options].some(({ value }) => value === before)) select.value = before;
}

/** The store that is chosen; null where that is left to the judge. */
export function chosenStore(select) {
  return select.value.startsWith('store:') ? select.value.slice('store:'.length) : null;
}

/** The store that is chosen, or the name given to a new one. */
export function newName(select, input) {
  return chosenStore(select) ?? input.value.trim();
}
