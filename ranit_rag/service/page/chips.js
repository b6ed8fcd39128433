// Entity types as chips: typed with Enter or a comma, taken from suggestions, each with a definition if one is wanted.

import { announce } from './announce.js';
import { element, foreign } from './dom.js';
import { say } from './i18n.js';
import { hueClass, huesOf } from './labels.js';

const SEPARATORS = /[,，、;；\n\t]+/;
const SUGGESTED = 6;

let fields = 0;

export class TypesField {
  /** Builds the field in `place`. `onChange` is called after every change of the types. */
  constructor(place, onChange = () => {}) {
    this.definitions = new Map(); // type -> definition, or ''
    this.offered = [];
    this.onChange = onChange;
    const id = `types-${(fields += 1)}`;
    this.list = element('ul', { class: 'chip-list', label: 'types.chosen' });
    this.input = element('input', { id, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': `${id}-help` });
    this.input.addEventListener('keydown', (event) => this.typed(event));
    this.input.addEventListener('input', () => SEPARATORS.test(this.input.value) && this.take());
    this.box = element('div', { class: 'chips' }, this.list, this.input);
    this.box.addEventListener('click', (event) => event.target === this.box && this.input.focus());
    this.definition = element('div', { class: 'definition' });
    this.suggestions = element('div', { class: 'suggestions', role: 'group', label: 'types.suggestions' });
    place.replaceChildren(
      element(
        'div',
        { class: 'field' },
        element('label', { for: id, t: 'types.label' }),
        this.box,
        element('p', { id: `${id}-help`, class: 'quiet help', t: 'types.help' }),
        this.definition,
        this.suggestions,
      ),
    );
    this.draw();
  }

  get names() {
    return [...this.definitions.keys()];
  }

  /** The types as the service takes them: null, names, or names with definitions. */
  get value() {
    if (!this.definitions.size) return null;
    return [...this.definitions.values()].some(Boolean) ? Object.fromEntries(this.definitions) : this.names;
  }

  set(names) {
    this.definitions = new Map(names.map((name) => [name, '']));
    this.changed();
  }

  suggest(names) {
    this.offered = names;
    this.drawSuggestions();
  }

  add(written) {
    const names = written
      .split(SEPARATORS)
      .map((name) => name.trim())
      .filter(Boolean);
    for (const name of names) if (!this.definitions.has(name)) this.definitions.set(name, '');
    if (names.length) this.changed();
  }

  remove(name) {
    const at = this.names.indexOf(name);
    this.definitions.delete(name);
    this.changed();
    announce('types.removed', { type: name });
    const next = this.list.querySelectorAll('.chip-remove')[at];
    (next ?? this.input).focus();
  }

  /** Takes what was typed and not yet confirmed. */
  take() {
    const written = this.input.value;
    this.input.value = '';
    this.add(written);
  }

  typed(event) {
    if (event.isComposing) return; // Enter chooses a character of an input method
    if (event.key === 'Enter' && this.input.value.trim() && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.take();
    } else if (event.key === 'Backspace' && !this.input.value && this.definitions.size) {
      event.preventDefault();
      this.remove(this.names.at(-1));
      this.input.focus();
    }
  }

  changed() {
    this.draw();
    this.onChange(this.names);
  }

  draw() {
    this.hues = huesOf(this.names);
    this.list.replaceChildren(...this.names.map((name) => this.chip(name)));
    say(this.input, this.definitions.size ? 'types.more' : 'types.placeholder', 'placeholder');
    this.definition.replaceChildren();
    this.drawSuggestions();
  }

  chip(name) {
    const defined = Boolean(this.definitions.get(name));
    const open = element(
      'button',
      {
        type: 'button',
        class: 'chip-name',
        'aria-expanded': 'false',
        on: { click: () => this.define(name, open) },
        label: [defined ? 'types.defined' : 'types.define', { type: name }],
      },
      foreign('span', name),
    );
    say(open, defined ? 'types.defined' : 'types.define', { type: name }, 'title');
    const close = element(
      'button',
      {
        type: 'button',
        class: 'chip-remove',
        label: ['types.remove', { type: name }],
        on: { click: () => this.remove(name) },
      },
      '×',
    );
    return element('li', { class: `chip ${hueClass(name, this.hues)}${defined ? ' defined' : ''}` }, open, close);
  }

  /** Opens or closes the line in which a type is defined. */
  define(name, button) {
    const opening = button.getAttribute('aria-expanded') === 'false';
    for (const other of this.list.querySelectorAll('.chip-name')) other.setAttribute('aria-expanded', 'false');
    this.definition.replaceChildren();
    if (!opening) return;
    button.setAttribute('aria-expanded', 'true');
    const input = element('input', { dir: 'auto' });
    input.value = this.definitions.get(name);
    input.addEventListener('input', () => this.definitions.set(name, input.value.trim()));
    const done = () => {
      this.draw();
      this.list.querySelectorAll('.chip-name')[this.names.indexOf(name)]?.focus();
    };
    input.addEventListener('keydown', (event) => {
      if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
      event.preventDefault();
      done();
    });
    this.definition.append(
      element('label', {}, element('span', { t: ['types.definition', { type: name }] }), input),
      element('button', { type: 'button', class: 'small', t: 'done', on: { click: done } }),
    );
    input.focus();
  }

  drawSuggestions() {
    const left = this.offered.filter((name) => !this.definitions.has(name)).slice(0, SUGGESTED);
    this.suggestions.hidden = !this.offered.length;
    this.suggestions.replaceChildren(
      element('span', { class: 'quiet', t: 'types.suggestions' }),
      ...left.map((name) => this.suggestion(name)),
    );
  }

  suggestion(name) {
    const take = () => {
      this.add(name);
      announce('types.added', { type: name });
      (this.suggestions.querySelector('button') ?? this.input).focus();
    };
    return foreign('button', name, undefined, { type: 'button', class: 'suggestion', on: { click: take } });
  }
}
