// One store: what is in it, and what can be done with it.

import { ask, askJson } from './api.js';
import { announce } from './announce.js';
import { confirmed } from './dialogs.js';
import { element, folded, foreign } from './dom.js';
import { download } from './download.js';
import { ExampleList } from './examples.js';
import { say } from './i18n.js';
import { importForm } from './import.js';
import { huesOf, tag } from './labels.js';
import { showProblem } from './problems.js';

const KINDS = 16; // types that are shown before the rest is counted

/** A store as a node. `changed()` is called when there are other examples in it, `deleted()` when it is gone. */
export async function storeView(name, { changed, deleted }) {
  const path = `v1/stores/${encodeURIComponent(name)}`;
  const store = await askJson('GET', path);
  const hues = huesOf(Object.keys(store.types));
  const problem = element('div');
  const about = element('div');
  const examples = new ExampleList(path, { hues, readonly: store.readonly, deleted: () => refresh() });
  const describe = (now) => about.replaceChildren(measures(now), kinds(now.types, hues));
  const refresh = async () => {
    describe(await askJson('GET', path));
    await Promise.all([examples.load(), changed()]);
  };

  const save = async () => {
    try {
      const response = await ask('GET', `${path}/export`, { accept: 'application/x-ndjson, */*' });
      download(await response.blob(), `${name.replace(/[\\/:*?"<>|]/g, '_')}.jsonl`);
      announce('store.exported', { store: name });
    } catch (error) {
      showProblem(problem, error, save);
    }
  };
  const remove = async () => {
    const sure = {
      title: 'store.deleteTitle',
      text: 'store.deleteText',
      action: 'store.delete',
      values: { store: name, n: store.size },
    };
    if (!(await confirmed(sure))) return;
    try {
      await ask('DELETE', path);
      announce('store.deleted', { store: name });
      await deleted();
    } catch (error) {
      showProblem(problem, error, remove);
    }
  };

  describe(store);
  await examples.load();
  return element(
    'div',
    {},
    element(
      'div',
      { class: 'card-head' },
      foreign('h2', name, store.language, { id: 'store-name' }),
      element(
        'div',
        { class: 'actions' },
        element('button', { type: 'button', class: 'small', t: 'store.export', on: { click: save } }),
        !store.readonly &&
          element('button', { type: 'button', class: 'small danger', t: 'store.delete', on: { click: remove } }),
      ),
    ),
    problem,
    store.readonly && element('p', { class: 'notice', t: 'store.readonly' }),
    store.unfinished && element('p', { class: 'notice', lang: 'en' }, store.unfinished),
    about,
    !store.readonly && folded('store.import', importForm({ store: name, done: refresh })),
    examples.node,
  );
}

function measures({ size, mentions, language, embedding }) {
  const fact = (key, value) => element('div', {}, element('dt', { t: key }), element('dd', {}, value));
  return element(
    'dl',
    { class: 'measures' },
    fact('store.examples', size.toLocaleString()),
    fact('store.mentions', mentions.toLocaleString()),
    fact('store.language', language ? element('span', { t: `language.${language}` }) : '–'),
    fact('store.embedding', element('span', { lang: 'en' }, embedding.name)),
  );
}

function kinds(types, hues) {
  const all = Object.entries(types);
  const list = element('ul', { class: 'legend', label: 'store.types' });
  const show = (number) =>
    list.replaceChildren(...all.slice(0, number).map(([label, n]) => element('li', {}, tag(label, hues, n))));
  show(KINDS);
  if (all.length <= KINDS) return list;
  const more = element('button', {
    type: 'button',
    class: 'plain',
    on: { click: () => (show(all.length), more.remove()) },
  });
  say(more, 'store.allTypes', { n: all.length });
  return element('div', {}, list, more);
}
