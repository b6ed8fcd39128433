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
      class: 'text',
      dir: 'auto',
      lang: language,
      role: 'group',
      label: 'result.text',
      'aria-describedby': describedBy,
    });
    this.node.addEventListener('click', (event) => this.clicked(event));
    this.node.addEventListener('keydown', (event) => this.moved(event));
    this.watchSelection();
    place.append(this.node);
    this.draw();
  }

  /** A mouse selects until it is released, anywhere; a finger's selection is done when it has not moved for a while. */
  watchSelection() {
    let finger = false;
    let timer;
    const watching = new AbortController();
    const watch = (event, act) =>
      document.addEventListener(event, (happened) => (this.node.isConnected ? act(happened) : watching.abort()), {
        signal: watching.signal,
      });
    const soon = (wait) => {
      clearTimeout(timer);
      timer = setTimeout(() => this.selected(), wait);
    };
    watch('pointerdown', ({ pointerType }) => {
      clearTimeout(timer); // a selection that begins is not read before it ends
      finger = pointerType === 'touch';
    });
    watch('mouseup', () => finger || soon(0)); // after the click that ends the selection
    watch('selectionchange', () => finger && soon(STILL));
  }

  draw() {
    const { text, entities } = this.correction;
    this.node.replaceChildren(marked(text, entities, this.hues(), { pressable: true }));
    this.reach(this.buttons[0]);
  }

  /** Makes a label the one that Tab comes to. */
  reach(button) {
    for (const each of this.buttons) each.tabIndex = each === button ? 0 : -1;
    return button;
  }

  get buttons() {
    return [...this.node.querySelectorAll('button.tag')];
  }

  clicked(event) {
    const target = event.target.closest('[data-entity]');
    if (!target || !getSelection().isCollapsed) return;
    const button = this.reach(this.buttonOf(Number(target.dataset.entity)));
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
      this.reach(buttons[to]).focus();
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
        this.after();
        this.reach(this.buttons[at]).focus();
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
    this.after();
    this.reach(this.buttonOf(entity)).focus();
  }

  removed(entity, at) {
    this.correction.remove(entity);
    announce('correct.removed', { mention: entity.text });
    this.after();
    const left = this.buttons;
    if (left.length) this.reach(left[Math.min(at, left.length - 1)]).focus();
  }

  after() {
    this.changed();
    this.draw();
  }

  buttonOf(entity) {
    return this.buttons.find((button) => Number(button.dataset.entity) === entity);
  }

  entityOf(button) {
    return this.correction.entities[Number(button.dataset.entity)];
  }
}
