// The little window that asks for the type of a passage: a popover, so Escape and a click beside it close it.

import { element, foreign } from './dom.js';
import { say } from './i18n.js';
import { tag } from './labels.js';

const GAP = 8; // pixels between the window, what it is about, and the edges of the page

let open = null;

/**
 * Asks for a label. `at` is the rectangle of the passage on the screen, `labels` those on offer, `now` the label that
 * it has; `pick(label)` and, for an entity, `remove()` are called with the answer.
 */
export function askForLabel({ at, mention, labels, hues, now = null, pick, remove = null }) {
  closePicker();
  const answered = (answer) => () => {
    closePicker();
    answer();
  };
  const other = element('input', { label: 'picker.other', dir: 'auto', autocomplete: 'off' });
  say(other, 'picker.other', 'placeholder');
  const take = () => other.value.trim() && answered(() => pick(other.value.trim()))();
  other.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    take();
  });
  const choices = labels.map((label) =>
    tag(label, hues, '', 'button', {
      type: 'button',
      'aria-pressed': String(label === now),
      on: { click: answered(() => pick(label)) },
    }),
  );
  open = element(
    'div',
    { class: 'picker', popover: 'auto', role: 'dialog', label: ['picker.title', { mention }] },
    foreign('p', mention, undefined, { class: 'mention' }),
    choices.length > 0 && element('div', { class: 'choices', role: 'group', label: 'picker.choices' }, choices),
    element(
      'div',
      { class: 'row' },
      other,
      element('button', { type: 'button', class: 'small', t: 'picker.use', on: { click: take } }),
    ),
    remove &&
      element('button', { type: 'button', class: 'small danger', t: 'picker.remove', on: { click: answered(remove) } }),
  );
  const mine = open;
  mine.addEventListener('toggle', (event) => event.newState === 'closed' && mine.remove());
  document.body.append(mine);
  mine.showPopover();
  place(mine, at);
  (choices.find((choice) => choice.getAttribute('aria-pressed') === 'true') ?? choices[0] ?? other).focus();
}

export function closePicker() {
  if (open?.isConnected) open.hidePopover();
  open = null;
}

function place(node, at) {
  const room = document.documentElement.clientWidth - node.offsetWidth - GAP;
  const below = at.bottom + GAP + node.offsetHeight < window.innerHeight || at.top < node.offsetHeight + GAP;
  const top = below ? at.bottom + GAP : at.top - GAP - node.offsetHeight;
  node.style.setProperty('left', `${Math.max(GAP, Math.min(at.left, room)) + window.scrollX}px`);
  node.style.setProperty('top', `${top + window.scrollY}px`);
}
