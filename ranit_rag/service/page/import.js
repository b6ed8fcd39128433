// Importing a file of examples into a store; what is wrong with it is said line by line.

import { askJson } from './api.js';
import { announce } from './announce.js';
import { catalog } from './catalog.js';
import { element } from './dom.js';
import { dropTarget } from './drop.js';
import { say } from './i18n.js';
import { clearProblem, showProblem, showWaiting } from './problems.js';
import { table } from './table.js';

/** The form for a store, or for a new one where `store` is null. `done(name)` is called when something was imported. */
export function importForm({ store, done }) {
  const name = element('input', { id: 'import-name', dir: 'auto', autocomplete: 'off', required: true });
  const file = element('input', { id: 'import-file', type: 'file' });
  const format = element(
    'select',
    { id: 'import-format' },
    element('option', { value: '', t: 'import.auto' }),
    (catalog.info?.formats ?? ['jsonl', 'conll', 'sharegpt']).map((each) =>
      element('option', { value: each, lang: 'en' }, each),
    ),
  );
  const missing = element('p', { class: 'refused', role: 'alert' });
  const button = element('button', { type: 'submit', class: 'primary', t: 'import.run' });
  const problem = element('div');
  const report = element('div', { class: 'report' });

  const submit = async (event) => {
    event.preventDefault();
    const target = store ?? name.value.trim();
    missing.textContent = '';
    if (!target) return (say(missing, 'import.unnamed'), name.focus());
    if (!file.files.length) return (say(missing, 'import.noFile'), file.focus());
    await send(target, false);
  };

  const send = async (target, skip) => {
    clearProblem(problem);
    report.replaceChildren(element('p', { class: 'quiet', t: 'import.working' }));
    button.disabled = true;
    const query = new URLSearchParams({ create: store === null, skip_broken: skip });
    if (format.value) query.set('format', format.value);
    const body = new FormData();
    body.append('file', file.files[0]); // with its name, which tells the format
    try {
      const path = `v1/stores/${encodeURIComponent(target)}/import?${query}`;
      const outcome = await askJson('POST', path, { body, onWait: showWaiting(problem) });
      clearProblem(problem);
      showReport(report, outcome);
      await done(target);
    } catch (error) {
      report.replaceChildren();
      if (error.type === 'BrokenRecords') showRefused(report, error.problems, () => send(target, true));
      else showProblem(problem, error);
    } finally {
      button.disabled = false;
    }
  };
  return element(
    'form',
    { class: 'import', novalidate: true, on: { submit } },
    store === null &&
      element('div', { class: 'field' }, element('label', { for: 'import-name', t: 'import.name' }), name),
    element(
      'div',
      { class: 'field' },
      element('label', { for: 'import-file', t: 'import.file' }),
      dropTarget(file, element('p', { class: 'quiet', t: 'import.help' })),
    ),
    element('div', { class: 'field' }, element('label', { for: 'import-format', t: 'import.format' }), format),
    missing,
    element('div', { class: 'actions' }, button),
    problem,
    report,
  );
}

function showReport(place, outcome) {
  announce('import.report', outcome);
  place.replaceChildren(element('p', { class: 'notice', t: ['import.report', outcome] }), ...listed(outcome.problems));
}

/** Nothing was written, for some lines are not sound: the user sees them, and may go on without them. */
function showRefused(place, problems, goOn) {
  const broken = problems.filter(({ kind }) => kind === 'broken').length;
  announce('import.refused', { n: broken });
  place.replaceChildren(
    element(
      'div',
      { class: 'problem calm' },
      element('p', { t: ['import.refused', { n: broken }] }),
      element('button', { type: 'button', class: 'small', t: 'import.skip', on: { click: goOn } }),
    ),
    ...listed(problems),
  );
}

function listed(problems) {
  if (!problems.length) return [];
  const rows = problems.map(({ line, message, hint }) => [
    String(line),
    element('span', { lang: 'en' }, [message, hint].filter(Boolean).join(' — ')),
  ]);
  const about = ['import.problems', { n: problems.length }];
  return [element('h4', { t: about }), table(about, ['column.line', 'column.problem'], rows)];
}
