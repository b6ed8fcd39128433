// Saving a corrected answer as an example: into a store that is there, or a new one.

import { askJson } from './api.js';
import { announce } from './announce.js';
import { element } from './dom.js';
import { clearProblem, showProblem } from './problems.js';
import { chosenStore, offerTargets, writable } from './choose.js';

/**
 * The form under an answer. `correction` is saved into the store chosen; `suggested` is chosen at first where it can
 * be written. `again` runs the text once more; `saved(store)` is told, and says whether the store is so
 * small that it had to be chosen by hand.
 */
export function saveForm({ correction, language, stores, suggested, again, saved }) {
  const choice = element('select', { id: 'save-store' });
  offerTargets(choice, writable(stores), suggested);
  const name = element('input', { id: 'save-name', dir: 'auto', autocomplete: 'off' });
  const naming = element('div', { class: 'field' }, element('label', { for: 'save-name', t: 'save.name' }), name);
  const problem = element('div');
  const done = element('div', { class: 'saved' });
  const button = element('button', { type: 'submit', t: 'save.save' });
  const chosen = () => (naming.hidden = chosenStore(choice) !== null);
  choice.addEventListener('change', chosen);
  chosen();

  const submit = async (event) => {
    event.preventDefault();
    clearProblem(problem);
    done.replaceChildren();
    const store = chosenStore(choice) ?? name.value.trim();
    if (!store) return name.focus();
    button.disabled = true;
    try {
      const path = `v1/stores/${encodeURIComponent(store)}/corrections?create=${chosenStore(choice) === null}`;
      await askJson('POST', path, { json: { text: correction.text.text, entities: correction.spans, language } });
      announce('save.done', { store });
      const small = await saved(store);
      done.append(
        element('p', { t: ['save.done', { store }] }),
        element('p', { class: 'quiet', t: 'save.next' }),
        ...(small ? [element('p', { class: 'quiet', t: ['save.small', { store }] })] : []),
        element('button', { type: 'button', class: 'small', t: 'save.again', on: { click: again } }),
      );
    } catch (error) {
      showProblem(problem, error);
    } finally {
      button.disabled = false;
    }
  };
  return element(
    'form',
    { class: 'save', novalidate: true, on: { submit } },
    element(
      'div',
      { class: 'row' },
      element('div', { class: 'field' }, element('label', { for: 'save-store', t: 'save.store' }), choice),
      naming,
      button,
    ),
    problem,
    done,
  );
}
