// Correcting an answer: with the mouse (select a passage, press a label), a finger, or the keyboard.

import { announce } from './announce.js';
import { element } from './dom.js';
import { marked, selectedUnits } from './highlights.js';
import { askForLabel } from './picker.js';

const STILL = 500; // milliseconds in which a finger's selection has not moved

export class MarkedText {
  /** The text of a Correction in `place`. `labels()` and `hues()` are asked for when needed; `changed()` is told. */
  constructor(place, correction, { language, labels, hues, changed, describedBy }) {
    Object.assign(this, { correction, labels, hues, changed });
    this.node = element('div', {
      class: 'text', dir: 'auto', lang: language, role: 'group', label: 'result.text', 'aria-describedby': describedBy,
    });
    this.node.addEventListener('click', (event) => this.clicked(event));
    this.node.addEventListener('keydown', (event) => this.moved(event));
    const released = () => {
      if (this.node.isConnected) setTimeout(() => this.selected()); // after the click that ends the selection
      else document.removeEventListener('mouseup', released);
    };
    document.addEventListener('mouseup', released); // which may end anywhere
    this.node.addEventListener('touchend', () => setTimeout(() => this.selected(), STILL));
    place.append(this.node);
    this.draw();
  }

  draw(focused = null) {
    const { text, entities } = this.correction;
    this.node.replaceChildren(marked(text, entities, this.hues(), { pressable: true }));
    const buttons = this.buttons;
    const next = focused === null ? 0 : Math.min(focused, buttons.length - 1);
    if (buttons.length) buttons[next].tabIndex = 0;
    if (focused !== null) buttons[next]?.focus();
  }

  get buttons() {
    return [...this.node.querySelectorAll('button.tag')];
  }

  clicked(event) {
    const target = event.target.closest('[data-entity]');
    if (!target || !getSelection().isCollapsed) return;
    const button = this.buttons.find((each) => each.dataset.entity === target.dataset.entity);
    button.focus();
    this.edit(button);
  }

  /** One stop for Tab; the arrows go from entity to entity, Delete removes one. */
  moved(event) {
    const buttons = this.buttons;
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    const last = buttons.length - 1;
    const to = { ArrowRight: Math.min(at + 1, last), ArrowLeft: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    if (to !== undefined) {
      buttons[at].tabIndex = -1;
      buttons[to].tabIndex = 0;
      buttons[to].focus();
    } else if (event.key === 'Delete') {
      this.removed(this.entityOf(event.target), at);
    } else {
      return;
    }
    event.preventDefault();
  }

  edit(button) {
    const entity = this.entityOf(button);
    const at = this.buttons.indexOf(button);
    askForLabel({
      at: button.getBoundingClientRect(),
      mention: entity.text,
      labels: this.labels(),
      hues: this.hues(),
      now: entity.label,
      pick: (label) => {
        this.correction.relabel(entity, label);
        announce('correct.relabelled', { mention: entity.text, label });
        this.after(at);
      },
      remove: () => this.removed(entity, at),
    });
  }

  selected() {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount) return;
    if (!this.node.contains(selection.anchorNode)) return;
    const range = selection.getRangeAt(0).cloneRange();
    if (!this.node.contains(range.startContainer)) range.setStart(this.node, 0);
    if (!this.node.contains(range.endContainer)) range.setEnd(this.node, this.node.childNodes.length);
    const { from, to } = selectedUnits(this.node, range);
    const span = this.correction.text.selection(from, to);
    if (span === null) return;
    askForLabel({
      at: range.getBoundingClientRect(),
      mention: this.correction.text.slice(span.start, span.end),
      labels: this.labels(),
      hues: this.hues(),
      pick: (label) => {
        selection.removeAllRanges();
        this.mark([span], label);
      },
    });
  }

  /** Adds spans as entities, and goes to the first of them. */
  mark(spans, label) {
    announce('correct.added', { n: this.correction.add(spans, label), label });
    const [{ start, end }] = spans;
    const entity = this.correction.entities.findIndex((e) => e.start === start && e.end === end && e.label === label);
    this.after(0);
    this.draw(this.buttons.findIndex((button) => Number(button.dataset.entity) === entity));
  }

  removed(entity, at) {
    this.correction.remove(entity);
    announce('correct.removed', { mention: entity.text });
    this.after(at);
  }

  after(focused) {
    this.changed();
    this.draw(focused);
  }

  entityOf(button) {
    return this.correction.entities[Number(button.dataset.entity)];
  }
}
