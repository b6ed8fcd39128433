// The second tab: the stores, and what is in one of them.

import { catalog, loadStores, onStores } from './catalog.js';
import { byId, element, foreign, goTo } from './dom.js';
import { interfaceLanguage } from './i18n.js';
import { importForm } from './import.js';
import { showProblem } from './problems.js';
import { storeView } from './store.js';

/** Returns what shows the tab's present state, for when it is turned to. */
export function openStores() {
  const problem = byId('stores-problem');
  let chosen = null; // the name of the store that is shown
  let making = false; // a new one
  let turns = 0; // how often something else was to be shown

  const draw = (stores) =>
    byId('store-list').replaceChildren(
      ...stores.map((store) => row(store, !making && store.name === chosen, () => choose(store.name, { focus: true }))),
      ...(stores.length ? [] : [element('li', { class: 'quiet', t: 'stores.none' })]),
    );

  const detail = byId('store-detail');
  const fill = (...nodes) => {
    turns += 1; // what was still on its way is not wanted any more
    detail.replaceChildren(...nodes);
    detail.inert = false;
  };
  const choose = async (name, { focus = false } = {}) => {
    [chosen, making] = [name, false];
    const turn = (turns += 1);
    draw(catalog.stores);
    problem.replaceChildren();
    detail.inert = true; // it is about to give way, and what were done in it with it
    try {
      const view = await storeView(name, { changed: loadStores, deleted });
      if (turn !== turns) return;
      fill(view);
      if (focus) go();
    } catch (error) {
      if (turn !== turns) return;
      detail.inert = false;
      showProblem(problem, error, () => choose(name, { focus }));
    }
  };
  const go = () => goTo(detail);
  const deleted = async () => {
    chosen = null;
    await loadStores();
    show();
    go();
  };
  const make = () => {
    [chosen, making] = [null, true];
    draw(catalog.stores);
    fill(
      element('h2', { id: 'store-name', t: 'stores.new' }),
      element('p', { class: 'quiet', t: 'stores.newHelp' }),
      importForm({
        store: null,
        done: async (name) => {
          [chosen, making] = [name, false];
          await loadStores();
        },
      }),
    );
    go();
    byId('import-name').focus();
  };
  const show = () => {
    if (chosen === null && !making && catalog.stores.length) choose(catalog.stores[0].name);
    else if (!catalog.stores.length && !making) fill(empty());
  };

  byId('store-new').addEventListener('click', make);
  onStores((stores) => {
    draw(stores);
    if (!byId('stores').hidden) show();
  });
  return show;
}

function row({ name, size, language, types, readonly }, current, choose) {
  const kinds = Object.keys(types).slice(0, 4);
  const comma = interfaceLanguage() === 'zh' ? '、' : ', ';
  return element(
    'li',
    {},
    element(
      'button',
      { type: 'button', class: 'store', 'aria-current': current && 'true', on: { click: choose } },
      element(
        'span',
        { class: 'store-head' },
        foreign('strong', name, language),
        readonly && element('span', { class: 'badge', t: 'stores.seed' }),
        element('span', { class: 'quiet figure', t: ['stores.size', { n: size }] }),
      ),
      foreign('span', kinds.join(comma), language, { class: 'quiet excerpt' }),
    ),
  );
}

function empty() {
  return element(
    'div',
    {},
    element('h2', { id: 'store-name', t: 'stores.emptyTitle' }),
    element('p', { t: 'stores.emptyText' }),
  );
}
