// The results of a batch: a table of texts with their entities, failures among them, and the file to take away.

import { element, foreign } from './dom.js';
import { download } from './download.js';
import { say } from './i18n.js';
import { marked } from './highlights.js';
import { huesOf } from './labels.js';
import { table } from './table.js';
import { Text } from './text.js';

const PAGE = 50; // rows that are drawn at first, and more each time
const CLIPPED = 600; // characters of a text that are shown; the file has all
const FILTERS = {
  all: () => true,
  found: (row) => row.extraction?.entities.length > 0,
  failed: (row) => Boolean(row.error),
};

export class BatchResults {
  constructor(place) {
    this.place = place;
    this.results = new Map(); // record -> {extraction} or {error}
    Object.assign(this, { records: [], types: [], filter: 'all', rows: PAGE, name: '' });
    this.draw();
  }

  begin(records, name) {
    this.results.clear();
    Object.assign(this, { records, name, filter: 'all', rows: PAGE });
    this.draw();
  }

  asked(types) {
    this.types = types;
  }

  put(record, result) {
    this.results.set(record, result);
    if (this.done <= PAGE) this.draw();
  }

  has(record) {
    return this.results.has(record);
  }

  get waiting() {
    return this.records.filter((record) => !this.has(record));
  }

  get done() {
    return this.results.size;
  }

  get failed() {
    return [...this.results.values()].filter(({ error }) => error).length;
  }

  draw() {
    const title = element('h2', { id: 'batch-title', t: 'batch.results' });
    if (!this.records.length || !this.done) {
      const lines = ['batch.empty.one', 'batch.empty.two', 'batch.empty.three'].map((key) => element('li', { t: key }));
      this.place.replaceChildren(title, element('ul', { class: 'teaching' }, lines));
      return;
    }
    const done = this.records
      .filter((record) => this.has(record))
      .map((record) => ({ record, ...this.results.get(record) }));
    const chosen = done.filter(FILTERS[this.filter]);
    const labels = done.flatMap(({ extraction }) => extraction?.entities.map(({ label }) => label) ?? []);
    const hues = huesOf([...this.types, ...labels]);
    const rows = chosen
      .slice(0, this.rows)
      .map((row) => [String(row.record.line), cell(row, hues), String(row.extraction?.entities.length ?? '–')]);
    this.place.replaceChildren(
      element(
        'div',
        { class: 'card-head' },
        title,
        element('button', { type: 'button', class: 'small', t: 'batch.download', on: { click: () => this.save() } }),
      ),
      element('p', {
        class: 'quiet',
        id: 'batch-facts',
        t: ['batch.facts', { n: this.records.length, done: this.done, failed: this.failed, entities: labels.length }],
      }),
      this.filterField(),
      table('batch.results', ['column.line', 'column.result', 'column.number'], rows, { numbers: 1 }),
      ...(chosen.length > this.rows ? [this.more(chosen.length)] : []),
    );
  }

  filterField() {
    const choice = element(
      'select',
      { id: 'batch-filter' },
      Object.keys(FILTERS).map((name) => element('option', { value: name, t: `filter.${name}` })),
    );
    choice.value = this.filter;
    choice.addEventListener('change', () => {
      Object.assign(this, { filter: choice.value, rows: PAGE });
      this.draw();
      document.getElementById('batch-filter').focus();
    });
    return element(
      'div',
      { class: 'field inline' },
      element('label', { for: 'batch-filter', t: 'filter.label' }),
      choice,
    );
  }

  more(number) {
    const button = element('button', {
      type: 'button',
      class: 'small',
      on: { click: () => ((this.rows += PAGE), this.draw()) },
    });
    say(button, 'batch.more', { n: number - this.rows });
    return button;
  }

  /** All results so far in the order of the file, each with the id that its record had. */
  save() {
    const lines = this.records
      .filter((record) => this.has(record))
      .map((record) => {
        const { extraction, error } = this.results.get(record);
        const id = record.id === undefined ? {} : { id: record.id };
        return JSON.stringify(error ? { ...id, text: record.text, error } : { ...id, ...extraction });
      });
    const blob = new Blob([`${lines.join('\n')}\n`], { type: 'application/x-ndjson' });
    download(blob, `${this.name.replace(/\.[^.]*$/, '')}.entities.jsonl`);
  }
}

function cell({ record, extraction, error }, hues) {
  if (error) {
    return element(
      'div',
      { class: 'failed' },
      foreign('p', record.text.slice(0, CLIPPED), undefined, { class: 'excerpt' }),
      element('p', { class: 'refused', lang: 'en' }, [error.message, error.hint].filter(Boolean).join(' — ')),
    );
  }
  const whole = new Text(extraction.text);
  const clipped = new Text(whole.slice(0, CLIPPED) + (whole.length > CLIPPED ? '…' : ''));
  const inside = extraction.entities.filter(({ end }) => end <= CLIPPED);
  return element('div', { class: 'text small', dir: 'auto', lang: extraction.language }, marked(clipped, inside, hues));
}
