// Why the answer is what it is: the route, the text among the store's own, the examples shown, the exact prompt.

import { byId, element, folded, foreign, languageOf } from './dom.js';
import { decimal } from './i18n.js';
import { marked } from './highlights.js';
import { huesOf } from './labels.js';
import { bar, histogram, level } from './plot.js';
import { table } from './table.js';
import { Text } from './text.js';

const MEMBERS = 8; // that a store has at least, for a distribution of them to say anything

/** Draws why an Extraction is what it is, window by window; `hues` are the answer's. */
export function showWhy(extraction, hues) {
  const explanations = extraction.explanations ?? extraction.decisions.map(unexplained);
  const about = element('div', { class: 'about' });
  const show = (index) => about.replaceChildren(...parts(explanations[index], hues).filter(Boolean));
  const body = byId('why-body');
  body.replaceChildren(about);
  if (!extraction.explanations) body.prepend(element('p', { class: 'notice', t: 'why.tooLong' }));
  if (explanations.length > 1) body.prepend(windows(explanations, show));
  show(0);
}

/** What a decision alone tells: the service explains only texts that are not too long. */
function unexplained(decision) {
  const examples = decision.examples.map((example) => ({ ...example, store: decision.store ?? '', entities: [] }));
  return { decision, candidates: [], examples, prompt: [] };
}

function windows(explanations, show) {
  const choice = element(
    'select',
    { id: 'window', on: { change: () => show(Number(choice.value)) } },
    explanations.map(({ decision: { start, end } }, i) =>
      element('option', { value: i, t: ['why.windowOf', { i: i + 1, start, end }] }),
    ),
  );
  return element('div', { class: 'field' }, element('label', { for: 'window', t: 'why.window' }), choice);
}

function parts({ decision, candidates, examples, prompt }, hues) {
  const { route, store, reason } = decision;
  const told = judged(decision) ? `route.${route}.told` : `route.${route}.asked`;
  return [
    element(
      'p',
      { class: 'route' },
      element('span', { class: `badge ${route}`, t: `route.${route}` }),
      element('span', { t: [told, { n: examples.length, store: store ?? '' }] }),
    ),
    element('p', { class: 'said', lang: 'en' }, reason),
    measures(decision),
    distributions(
      candidates.filter(({ size }) => size >= MEMBERS),
      store,
    ),
    candidates.length > 0 && element('h3', { t: 'why.candidates' }),
    candidates.length > 0 && candidateTable(candidates),
    element('h3', { t: ['why.shown', { n: examples.length }] }),
    examples.length ? shownExamples(examples, hues) : element('p', { class: 'quiet', t: 'why.noneShown' }),
    prompt.length > 0 && folded(['why.prompt', { n: prompt.length }], promptOf(prompt)),
  ];
}

/** Whether the route is the judge's finding, not what it was told to do. */
function judged({ route, probability, text_score: similarity }) {
  return route === 'none' ? similarity !== null : route !== 'in_domain' || probability !== null;
}

function measures({ probability, threshold, margin, p_value: share }) {
  if (probability === null) return null;
  const fact = (key, value, picture = null) =>
    element('div', {}, element('dt', { t: key }), element('dd', {}, value, picture));
  const told = { p: decimal(probability), threshold: decimal(threshold) };
  return element(
    'dl',
    { class: 'measures' },
    fact('why.probability', element('span', { t: ['why.ofThreshold', told] }), level(probability, threshold)),
    margin !== null && fact('why.margin', decimal(margin)),
    share !== null && fact('why.pValue', decimal(share)),
  );
}

/** Where the text stands among the members of a store: of the one that was chosen, or any other. */
function distributions(candidates, store) {
  if (!candidates.length) return null;
  const place = element('div');
  const show = (index) => place.replaceChildren(histogram(candidates[index]));
  const choice = element(
    'select',
    { id: 'distribution', on: { change: () => show(Number(choice.value)) } },
    candidates.map((candidate, i) => element('option', { value: i, dir: 'auto' }, candidate.store)),
  );
  const first = Math.max(
    0,
    candidates.findIndex((candidate) => candidate.store === store),
  );
  choice.value = first;
  show(first);
  return element(
    'div',
    {},
    candidates.length > 1 &&
      element(
        'div',
        { class: 'field inline' },
        element('label', { for: 'distribution', t: 'why.distribution' }),
        choice,
      ),
    place,
  );
}

function candidateTable(candidates) {
  const best = Math.max(...candidates.map(({ score }) => score), 0.01);
  const rows = candidates.map(({ store, size, text_score: text, wording, types_score: types, score }) => [
    foreign('span', store),
    size.toLocaleString(),
    decimal(text),
    decimal(wording),
    decimal(types),
    element('span', { class: 'with-bar' }, bar(score / best), decimal(score)),
  ]);
  const columns = ['column.store', 'column.size', 'column.text', 'column.wording', 'column.types', 'column.sum'];
  return element(
    'div',
    {},
    table('why.candidates', columns, rows, { numbers: 5 }),
    element('p', { class: 'quiet help', t: 'why.candidatesHelp' }),
  );
}

function shownExamples(shown, hues) {
  const labels = shown.flatMap(({ entities }) => entities.map(({ label }) => label));
  const shared = huesOf([...hues.keys(), ...labels]);
  return element(
    'ol',
    { class: 'examples' },
    shown.map((example) =>
      element(
        'li',
        {},
        element(
          'div',
          { class: 'text', dir: 'auto', lang: languageOf(example.text) },
          marked(new Text(example.text), example.entities, shared),
        ),
        element(
          'p',
          { class: 'quiet' },
          foreign('span', example.store),
          ' · ',
          element('span', { t: ['why.similarity', { value: decimal(example.similarity) }] }),
          example.bm25 !== null && [' · ', element('span', { t: ['why.bm25', { value: decimal(example.bm25) }] })],
        ),
      ),
    ),
  );
}

/** The conversation as it is sent, one for each query. */
function promptOf(prompts) {
  const turns = element('ol', { class: 'turns' });
  const show = (index) =>
    turns.replaceChildren(
      ...prompts[index].messages.map(({ role, content }) =>
        element(
          'li',
          { class: role },
          element('span', { class: 'role', lang: 'en' }, role),
          foreign('pre', content, undefined, { tabindex: '0' }),
        ),
      ),
    );
  const choice = element(
    'select',
    { id: 'prompt-query', on: { change: () => show(Number(choice.value)) } },
    prompts.map(({ types }, i) => element('option', { value: i }, types.join(', '))),
  );
  if (prompts.length) show(0);
  return [
    element('p', { class: 'quiet help', t: 'why.promptHelp' }),
    prompts.length > 1 &&
      element('div', { class: 'field' }, element('label', { for: 'prompt-query', t: 'why.query' }), choice),
    turns,
  ];
}
