// An answer: the text with its entities, what was corrected in it, the same as a table, and what was dropped.

import { addByTyping } from './add.js';
import { MarkedText } from './correct.js';
import { Correction } from './correction.js';
import { byId, element, folded, foreign } from './dom.js';
import { decimal, say } from './i18n.js';
import { huesOf, tag } from './labels.js';
import { saveForm } from './save.js';
import { table } from './table.js';
import { Text } from './text.js';

/**
 * Draws an Extraction. `types` are those that were asked for; `stores`, `again` and `saved` are for the form that
 * saves. Returns the hues of its labels, which the explanation shares.
 */
export function showResult(extraction, { types, stores, again, saved }) {
  const text = new Text(extraction.text);
  const correction = new Correction(text, extraction.entities);
  const labels = () => [...new Set([...types, ...correction.entities.map(({ label }) => label)])];
  const hues = () => huesOf([...types, ...extraction.entities.map(({ label }) => label), ...labels()]);

  const legend = element('ul', { class: 'legend', label: 'result.legend' });
  const nothing = element('p', { class: 'notice', t: 'result.nothing' });
  const edited = element('div', { class: 'edited', hidden: true });
  const place = element('div');
  const listing = element('div');

  const changed = () => {
    const counts = new Map();
    for (const { label } of correction.entities) counts.set(label, (counts.get(label) ?? 0) + 1);
    legend.replaceChildren(...[...counts].map(([label, n]) => element('li', {}, tag(label, hues(), n))));
    legend.hidden = !counts.size;
    nothing.hidden = counts.size > 0;
    edited.hidden = !correction.changed;
    listing.replaceChildren(entityTable(correction.entities, hues()));
  };
  const back = (way) => () => {
    correction[way]();
    changed();
    view.draw();
  };
  edited.append(
    element('span', { t: 'correct.edited' }),
    element('button', { type: 'button', class: 'plain', t: 'correct.undo', on: { click: back('undo') } }),
    element('button', { type: 'button', class: 'plain', t: 'correct.discard', on: { click: back('discard') } }),
  );

  const view = new MarkedText(place, correction, {
    language: extraction.language,
    labels,
    hues,
    changed,
    describedBy: 'correct-help',
  });
  changed();

  byId('result-body').replaceChildren(
    element(
      'div',
      {},
      legend,
      nothing,
      place,
      element('p', { class: 'quiet help', id: 'correct-help', t: 'correct.help' }),
      edited,
      folded('add.title', addByTyping({ correction, labels, mark: (spans, label) => view.mark(spans, label) })),
      folded('result.table', listing),
      extraction.dropped.length > 0 &&
        folded(['result.dropped', { n: extraction.dropped.length }], dropped(extraction)),
      element('h3', { t: 'save.title' }),
      element('p', { class: 'quiet help', t: 'save.help' }),
      saveForm({
        correction,
        language: extraction.language,
        stores,
        suggested: extraction.decisions[0]?.store,
        again,
        saved,
      }),
    ),
  );
  facts(extraction);
  return hues();
}

function facts({ entities, usage, decisions }) {
  const seconds = decimal(Object.values(usage.seconds).reduce((sum, each) => sum + each, 0));
  const tokens = usage.prompt_tokens + usage.output_tokens;
  const key = decisions.length > 1 ? 'result.factsWindows' : 'result.facts';
  say(byId('result-facts'), key, { n: entities.length, seconds, tokens, windows: decisions.length });
}

function entityTable(entities, hues) {
  return table(
    'result.table',
    ['column.entity', 'column.type', 'column.offsets', 'column.score'],
    entities.map((entity) => [
      foreign('span', entity.text),
      tag(entity.label, hues),
      `${entity.start}–${entity.end}`,
      decimal(entity.score),
    ]),
    { numbers: 2 },
  );
}

function dropped(extraction) {
  return table(
    'result.droppedTable',
    ['column.written', 'column.type', 'column.reason'],
    extraction.dropped.map((each) => [
      foreign('span', each.text),
      foreign('span', each.label),
      element('span', { t: `dropped.${each.reason}` }),
    ]),
  );
}
