// A text with its entities marked in place, also where they nest or cross.

import { element } from './dom.js';
import { decimal, say } from './i18n.js';
import { hueClass, tag } from './labels.js';

/**
 * The pieces of a text with nested marks; `text` is a Text, entities are {start, end, label, score} in code points.
 * Where entities cross, the inner is cut at the outer's end and goes on after it; its label stands where it ends.
 * With `pressable` the labels are buttons that know their entity's index.
 */
export function marked(text, entities, hues, { pressable = false } = {}) {
  const waiting = entities
    .map((entity, index) => ({ ...entity, index }))
    .sort((a, b) => a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : 1));
  const edges = [...new Set(entities.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const root = document.createDocumentFragment();
  const opened = []; // [{entity, node}] from the outermost to the innermost
  const innermost = () => opened.at(-1)?.node ?? root;
  let position = 0;
  for (const edge of edges) {
    innermost().append(text.slice(position, edge));
    position = edge;
    const outermost = opened.findIndex(({ entity }) => entity.end === edge);
    const interrupted = outermost < 0 ? [] : opened.splice(outermost);
    for (const { entity, node } of interrupted.toReversed()) {
      if (entity.end === edge) node.append(tail(node, label(entity, hues, pressable)));
      else node.classList.add('goes-on');
    }
    const coming = interrupted.map(({ entity }) => entity).filter(({ end }) => end > edge);
    while (waiting[0]?.start === edge) coming.push(waiting.shift());
    for (const entity of coming) {
      const node = mark(entity, edge, hues);
      innermost().append(node);
      opened.push({ entity, node });
    }
  }
  root.append(text.slice(position, text.length));
  return root;
}

/** Where a selection within a marked text begins and ends, in UTF-16 units of the text without its labels. */
export function selectedUnits(container, range) {
  const before = document.createRange();
  before.setStart(container, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const from = bareLength(before);
  return { from, to: from + bareLength(range) };
}

function mark(entity, position, hues) {
  const from = position > entity.start ? ' came-on' : '';
  return element('mark', { class: `${hueClass(entity.label, hues)}${from}`, 'data-entity': entity.index });
}

/** A label with the last word before it, between which no line ends. */
function tail(node, tagged) {
  const last = node.lastChild;
  const bare = last?.nodeType === Node.TEXT_NODE;
  const word = bare && /(?:\p{Script=Han}|[^\s\p{Script=Han}]{1,12})$/u.exec(last.data);
  return element('span', { class: 'tail' }, word && last.splitText(word.index), tagged);
}

function label(entity, hues, pressable) {
  const score = entity.score === null || entity.score === undefined ? '' : decimal(entity.score);
  if (!pressable) return tag(entity.label, hues, score);
  const described = { mention: entity.text, label: entity.label, score };
  const button = tag(entity.label, hues, score, 'button', {
    type: 'button',
    tabindex: '-1',
    'data-entity': entity.index,
    label: [score ? 'result.entity' : 'result.entityUnscored', described],
  });
  say(button, 'result.offsets', { start: entity.start, end: entity.end }, 'title');
  return button;
}

function bareLength(range) {
  const copy = range.cloneContents();
  for (const each of copy.querySelectorAll('.tag')) each.remove();
  return copy.textContent.length;
}
