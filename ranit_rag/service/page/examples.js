// The examples of a store, page by page, with a search.

import { ask, askJson } from './api.js';
import { announce } from './announce.js';
import { confirmed } from './dialogs.js';
import { element, foreign, languageOf } from './dom.js';
import { say } from './i18n.js';
import { marked } from './highlights.js';
import { huesOf } from './labels.js';
import { showProblem } from './problems.js';
import { Text } from './text.js';

const PAGE = 10;
const STILL = 300; // milliseconds without a keystroke before the search begins

let lists = 0;

export class ExampleList {
  /** The examples at a store's `path`. `deleted()` is called when one was removed. */
  constructor(path, { hues, readonly, deleted }) {
    Object.assign(this, { path, hues, readonly, deleted, offset: 0, query: '' });
    const id = `search-${(lists += 1)}`;
    const search = element('input', { id, type: 'search', dir: 'auto', autocomplete: 'off' });
    let timer;
    search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.find(search.value.trim()), STILL);
    });
    this.problem = element('div');
    this.count = element('p', { class: 'quiet', role: 'status' });
    this.list = element('ol', { class: 'examples' });
    this.earlier = element('button', {
      type: 'button',
      class: 'small',
      t: 'examples.earlier',
      on: { click: () => this.turn(-PAGE) },
    });
    this.later = element('button', {
      type: 'button',
      class: 'small',
      t: 'examples.later',
      on: { click: () => this.turn(PAGE) },
    });
    this.pages = element('nav', { class: 'actions', label: 'examples.pages' }, this.earlier, this.later);
    this.node = element(
      'div',
      { class: 'browse' },
      element(
        'div',
        { class: 'card-head' },
        element('h3', { t: 'examples.title' }),
        element('div', { class: 'field inline' }, element('label', { for: id, t: 'examples.search' }), search),
      ),
      this.count,
      this.problem,
      this.list,
      this.pages,
    );
  }

  find(query) {
    Object.assign(this, { query, offset: 0 });
    return this.load();
  }

  async turn(by) {
    this.offset = Math.max(0, this.offset + by);
    await this.load();
    this.node.scrollIntoView({ block: 'nearest' });
    const button = by > 0 ? this.later : this.earlier;
    if (button.disabled) (by > 0 ? this.earlier : this.later).focus();
  }

  async load() {
    const wanted = new URLSearchParams({ offset: this.offset, limit: PAGE });
    if (this.query) wanted.set('query', this.query);
    try {
      const { total, examples } = await askJson('GET', `${this.path}/examples?${wanted}`);
      this.problem.replaceChildren();
      this.draw(total, examples);
    } catch (error) {
      showProblem(this.problem, error, () => this.load());
    }
  }

  draw(total, examples) {
    const range = { n: total, from: this.offset + 1, to: this.offset + examples.length };
    say(this.count, total ? 'examples.range' : this.query ? 'examples.notFound' : 'examples.none', range);
    const labels = examples.flatMap(({ entities }) => entities.map(({ label }) => label));
    const hues = huesOf([...this.hues.keys(), ...labels]);
    this.list.replaceChildren(...examples.map((example) => this.row(example, hues)));
    this.pages.hidden = total <= PAGE;
    this.earlier.disabled = this.offset === 0;
    this.later.disabled = this.offset + examples.length >= total;
  }

  row(example, hues) {
    const remove =
      !this.readonly &&
      element('button', {
        type: 'button',
        class: 'plain',
        t: 'examples.delete',
        label: ['examples.deleteThis', { text: example.text.slice(0, 40) }],
        on: { click: () => this.remove(example) },
      });
    return element(
      'li',
      {},
      element(
        'div',
        { class: 'text', dir: 'auto', lang: example.language || languageOf(example.text) },
        marked(new Text(example.text), example.entities, hues),
      ),
      element('p', { class: 'quiet' }, !this.readonly && example.source && foreign('span', example.source), remove),
    );
  }

  async remove(example) {
    const values = { text: example.text.slice(0, 80) };
    if (
      !(await confirmed({
        title: 'examples.deleteTitle',
        text: 'examples.deleteText',
        action: 'examples.delete',
        values,
      }))
    )
      return;
    try {
      await ask('DELETE', `${this.path}/examples/${encodeURIComponent(example.id)}`);
      announce('examples.deleted');
      await this.deleted();
    } catch (error) {
      showProblem(this.problem, error);
    }
  }
}
