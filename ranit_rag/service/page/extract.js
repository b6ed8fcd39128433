// The first tab: one text in, its entities and their reasons out.

import { askEvents, askJson, ServiceError, toldError } from './api.js';
import { announce } from './announce.js';
import { catalog, loadStores, onStores, suggestedTypes } from './catalog.js';
import { choose, chosenSource, offerSources } from './choose.js';
import { TypesField } from './chips.js';
import { difference } from './correction.js';
import { byId, element, foreign, goTo } from './dom.js';
import { say } from './i18n.js';
import { huesOf, tag } from './labels.js';
import { clearProblem, showProblem, showWaiting } from './problems.js';
import { showResult } from './result.js';
import { SAMPLES } from './samples.js';
import { countPoints } from './text.js';
import { showWhy } from './why.js';
import { Working } from './working.js';

const LONG = 2000; // characters from which progress is worth showing
const SMALL = 8; // examples below which the judge does not take a store for a domain
const STILL = 600; // milliseconds without a keystroke before types are suggested

export function openExtract() {
  const text = byId('text');
  const language = byId('text-language');
  const store = byId('text-store');
  const problem = byId('extract-problem');
  const working = new Working('run', 'stop', 'extract-progress');
  const types = new TypesField(byId('extract-types'));
  const answers = new Map(); // text -> the entities last found in it

  onStores((stores) => offerSources(store, stores));

  const run = () => {
    types.take();
    const missing = !text.value.trim();
    complain(missing);
    if (missing) text.focus();
    else working.during(extract);
  };
  const extract = async (signal) => {
    clearProblem(problem);
    const length = countPoints(text.value);
    const request = {
      text: text.value,
      types: types.value,
      language: language.value || null,
      ...chosenSource(store),
      explain: length <= (catalog.info?.limits.explained_characters ?? LONG),
    };
    const options = { json: request, signal, onWait: showWaiting(problem) };
    try {
      const extraction =
        length < LONG ? await askJson('POST', 'v1/extract', options) : await inWindows(options, working);
      clearProblem(problem);
      show(extraction);
    } catch (error) {
      showProblem(problem, error, run);
    }
  };

  const show = (extraction) => {
    byId('extract-empty').hidden = true;
    byId('result').hidden = byId('why').hidden = false;
    const hues = showResult(extraction, { types: types.names, stores: catalog.stores, again: run, saved });
    showWhy(extraction, hues);
    showChange(answers.get(extraction.text), extraction.entities, hues);
    answers.set(extraction.text, extraction.entities);
    announce('result.found', { n: extraction.entities.length });
    goTo(byId('result'));
  };

  /** What was just saved shall count at once, also where the store is too small for the judge to choose it. */
  const saved = async (name) => {
    await loadStores();
    const small = catalog.stores.some((each) => each.name === name && each.size < SMALL);
    if (small) choose(store, name);
    return small;
  };

  const suggest = async () => types.suggest(await suggestedTypes(text.value));

  let timer;
  text.addEventListener('input', () => {
    say(byId('text-count'), 'text.count', { n: countPoints(text.value) });
    complain(false);
    clearTimeout(timer);
    timer = setTimeout(suggest, STILL);
  });
  byId('extract-form').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  byId('extract-form').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
  });
  byId('samples').append(
    ...SAMPLES.map((sample) =>
      sampleButton(sample, () => {
        text.value = sample.text;
        text.dispatchEvent(new Event('input'));
        types.set(sample.types);
        run();
      }),
    ),
  );
  onStores(() => suggest());
}

function complain(missing) {
  const line = byId('text-missing');
  line.textContent = '';
  if (missing) say(line, 'text.missing');
  byId('text').setAttribute('aria-invalid', String(missing));
}

/** A long text by events, with progress from window to window. */
async function inWindows(options, working) {
  for await (const { event, data } of askEvents('v1/extract', options)) {
    if (event === 'progress') working.step(data.done, data.total);
    if (event === 'result' && data.error) throw toldError(data.error);
    if (event === 'result') return data.extraction;
  }
  throw new ServiceError(0);
}

function sampleButton({ key, text, types, language }, choose) {
  const hues = huesOf(types);
  return element(
    'button',
    { type: 'button', class: 'sample', on: { click: choose } },
    element('strong', { t: key }),
    foreign('span', text, language, { class: 'excerpt' }),
    element(
      'span',
      { class: 'tags' },
      types.map((type) => tag(type, hues)),
    ),
  );
}

/** What is different from the answer that the same text had before. */
function showChange(before, entities, answerHues) {
  const place = byId('result-change');
  place.replaceChildren();
  if (!before) return;
  const { gained, lost } = difference(before, entities);
  if (!gained.length && !lost.length) {
    place.append(element('p', { class: 'change quiet', t: 'change.same' }));
    return;
  }
  const hues = huesOf([...answerHues.keys(), ...lost.map(({ label }) => label)]);
  const one = (sign) => (entity) =>
    element(
      'li',
      { class: sign === '+' ? 'gained' : 'lost' },
      element('span', { class: 'sign', t: sign === '+' ? 'change.gained' : 'change.lost' }),
      foreign('span', entity.text),
      tag(entity.label, hues),
    );
  place.append(
    element(
      'div',
      { class: 'change' },
      element('strong', { t: 'change.title' }),
      element('ul', {}, gained.map(one('+')), lost.map(one('−'))),
    ),
  );
}
