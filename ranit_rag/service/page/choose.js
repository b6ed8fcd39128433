// Choosing a store in a list.

import { element } from './dom.js';

export function writable(stores) {
  return stores.filter((store) => !store.readonly);
}

/** Offers where examples are taken from: what the judge chooses, a store, or nowhere. What was chosen stays so. */
export function offerSources(select, stores) {
  const before = select.value;
  select.replaceChildren(
    element('option', { value: '', t: 'store.auto' }),
    ...named(stores),
    element('option', { value: 'none', t: 'store.none' }),
  );
  if ([...select.options].some(({ value }) => value === before)) select.value = before;
}

/** The same as the service takes it. A store that was chosen by hand shows its examples whatever the judge thinks. */
export function chosenSource(select) {
  if (select.value === 'none') return { judge: 'never' };
  return select.value ? { domain: chosenStore(select), judge: 'always' } : {};
}

/** Offers where an example is saved: a store that can be written, or a new one. */
export function offerTargets(select, stores, suggested) {
  select.replaceChildren(...named(stores), element('option', { value: 'new', t: 'store.new' }));
  choose(select, stores.some(({ name }) => name === suggested) ? suggested : stores[0]?.name);
}

export function choose(select, name) {
  select.value = name === undefined ? 'new' : `store:${name}`;
}

/** The name of the store that is chosen; null where none is. */
export function chosenStore(select) {
  return select.value.startsWith('store:') ? select.value.slice('store:'.length) : null;
}

function named(stores) {
  return stores.map(({ name }) => element('option', { value: `store:${name}`, dir: 'auto' }, name));
}
