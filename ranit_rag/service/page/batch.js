// The third tab: a file of texts in, a file of results out, with progress between.

import { askEvents, ServiceError } from './api.js';
import { announce } from './announce.js';
import { BatchResults } from './batch-results.js';
import { catalog, onStores, suggestedTypes } from './catalog.js';
import { chosenSource, offerSources } from './choose.js';
import { TypesField } from './chips.js';
import { byId, element, goTo } from './dom.js';
import { takesDrops } from './drop.js';
import { clearProblem, showProblem, showWaiting } from './problems.js';
import { readRecords } from './records.js';
import { Working } from './working.js';

const SHARE = { texts: 64, characters: 200_000 }; // of one request, where the service allows as much

export function openBatch() {
  const input = byId('batch-file');
  const column = byId('batch-column');
  const store = byId('batch-store');
  const problem = byId('batch-problem');
  const types = new TypesField(byId('batch-types'));
  const working = new Working('batch-run', 'batch-stop', 'batch-progress');
  const results = new BatchResults(byId('batch-result'));
  let file = null; // {name, content}
  let records = [];

  onStores((stores) => offerSources(store, stores));

  const suggest = async () => types.suggest(await suggestedTypes(records[0]?.text ?? ''));
  onStores(suggest);

  const read = (wanted = null) => {
    const found = readRecords(file.name, file.content, wanted);
    records = found.records;
    byId('batch-column-field').hidden = !found.columns;
    column.replaceChildren(
      ...(found.columns ?? []).map((each, i) => element('option', { value: i, dir: 'auto' }, each || String(i + 1))),
    );
    column.value = found.column ?? '';
    byId('batch-read').replaceChildren(
      element('p', { role: 'status', t: ['batch.read', { n: records.length, name: file.name }] }),
      ...found.problems.slice(0, 5).map(({ line, key }) => element('p', { class: 'refused', t: [key, { line }] })),
      ...(found.problems.length > 5
        ? [element('p', { class: 'refused', t: ['records.more', { n: found.problems.length - 5 }] })]
        : []),
    );
    results.begin(records, file.name);
    suggest();
  };

  const run = () => {
    types.take();
    if (!records.length) {
      byId('batch-read').replaceChildren(
        element('p', { class: 'refused', role: 'alert', t: file ? 'batch.noTexts' : 'batch.noFile' }),
      );
      return input.focus();
    }
    if (!results.waiting.length) results.begin(records, file.name); // all are done: once more from the beginning
    results.asked(types.names);
    working.during(work);
  };

  const work = async (signal) => {
    clearProblem(problem);
    const step = () => working.step(results.done, records.length);
    try {
      for (const part of parts(results.waiting, catalog.info?.limits)) {
        const json = { texts: part.map(({ text }) => text), types: types.value, ...chosenSource(store) };
        const options = { json, signal, onWait: showWaiting(problem) };
        for await (const { event, data } of askEvents('v1/extract', options)) {
          clearProblem(problem);
          if (event !== 'result') continue;
          results.put(part[data.index], data);
          step();
        }
        if (part.some((record) => !results.has(record))) throw new ServiceError(0);
      }
      announce('batch.finished', { n: records.length, failed: results.failed });
      goTo(byId('batch-result'));
    } catch (error) {
      showProblem(problem, error, run);
    } finally {
      results.draw();
    }
  };

  input.addEventListener('change', async () => {
    const [given] = input.files;
    if (!given) return;
    file = { name: given.name, content: await given.text() };
    read();
  });
  column.addEventListener('change', () => read(Number(column.value)));
  takesDrops(byId('batch-drop'), input);
  byId('batch-form').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
}

/** The records in parts that the service takes in one request. */
function* parts(records, limits = {}) {
  const most = Math.min(SHARE.texts, limits.texts ?? SHARE.texts, limits.queue ?? SHARE.texts);
  let part = [];
  let characters = 0;
  for (const record of records) {
    const full = part.length === most || characters + record.text.length > SHARE.characters;
    if (part.length && full) {
      yield part;
      [part, characters] = [[], 0];
    }
    part.push(record);
    characters += record.text.length;
  }
  if (part.length) yield part;
}
