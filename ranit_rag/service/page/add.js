// Marking a mention by its words, for those who cannot select a passage with a mouse.

import { element } from './dom.js';
import { say } from './i18n.js';

/** The form; `labels()` are suggested, and `mark(spans, label)` is called with what was asked for. */
export function addByTyping({ correction, labels, mark }) {
  const mention = element('input', { id: 'add-mention', dir: 'auto', autocomplete: 'off' });
  const label = element('input', { id: 'add-label', dir: 'auto', autocomplete: 'off', list: 'add-labels' });
  const where = element('select', { id: 'add-where' });
  const place = element(
    'div',
    { class: 'field', hidden: true },
    element('label', { for: 'add-where', t: 'add.where' }),
    where,
  );
  const complaint = element('p', { class: 'refused', role: 'alert' });
  let found = [];
  const look = () => {
    found = correction.text.occurrences(mention.value.trim());
    place.hidden = found.length < 2;
    where.replaceChildren(
      element('option', { value: '', t: ['add.all', { n: found.length }] }),
      ...found.map((span, i) => element('option', { value: i }, around(correction.text, span))),
    );
    complaint.textContent = '';
  };
  mention.addEventListener('input', look);
  const submit = (event) => {
    event.preventDefault();
    const wanted = label.value.trim();
    if (!found.length) say(complaint, 'add.missing', { mention: mention.value.trim() });
    else if (!wanted) say(complaint, 'add.unlabelled');
    else mark(where.value === '' ? found : [found[Number(where.value)]], wanted);
  };
  return element(
    'form',
    { class: 'add', novalidate: true, on: { submit } },
    element('div', { class: 'field' }, element('label', { for: 'add-mention', t: 'add.mention' }), mention),
    element(
      'div',
      { class: 'field' },
      element('label', { for: 'add-label', t: 'add.label' }),
      label,
      element(
        'datalist',
        { id: 'add-labels' },
        labels().map((each) => element('option', { value: each })),
      ),
    ),
    place,
    element('button', { type: 'submit', class: 'small', t: 'add.add' }),
    complaint,
  );
}

/** A passage with a little of what stands around it. */
function around(text, { start, end }) {
  return `…${text.slice(Math.max(0, start - 12), start)}[${text.slice(start, end)}]${text.slice(end, end + 12)}…`;
}
