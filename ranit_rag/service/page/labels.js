// The colour of a label: one of twelve hues by a hash of its name, the same as in RANIT's notebooks and HTML reports.

import { element, foreign } from './dom.js';

const NUMBER = 12;

/** A hue for each label: the one that its name calls for where it is free, its own while they last. */
export function huesOf(labels) {
  const hues = new Map();
  const used = new Array(NUMBER).fill(0);
  for (const label of labels) {
    if (hues.has(label)) continue;
    const wanted = crc32(label.toLowerCase()) % NUMBER;
    let best = wanted;
    for (let step = 1; step < NUMBER; step += 1) {
      const hue = (wanted + step) % NUMBER;
      if (used[hue] < used[best]) best = hue;
    }
    used[best] += 1;
    hues.set(label, best);
  }
  return hues;
}

export function hueClass(label, hues) {
  return `hue-${hues.get(label) ?? 0}`;
}

/** A label as a coloured tag, with a count or a score behind it. `name` and `attributes` may make it a button. */
export function tag(label, hues, number = '', name = 'span', attributes = {}) {
  return element(
    name,
    { ...attributes, class: `tag ${hueClass(label, hues)}` },
    foreign('span', label),
    number !== '' && element('span', { class: 'number' }, number),
  );
}

function crc32(text) {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
