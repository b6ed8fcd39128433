// The plots of an explanation, drawn as SVG.

import { element, shape } from './dom.js';
import { decimal, percent } from './i18n.js';

const WIDTH = 340;
const HEIGHT = 150;
const EDGE = { top: 26, right: 10, bottom: 34, left: 10 };

let plots = 0;

/**
 * How near a store's own members are to one another, and where the text stands among them. The share that is coloured,
 * of members that are as far away or farther, is the p-value.
 */
export function histogram({ store, p_value: share, distribution: { edges, counts, value } }) {
  const low = Math.min(edges[0], value);
  const high = Math.max(edges.at(-1), value);
  const x = (at) => EDGE.left + ((at - low) / (high - low || 1)) * (WIDTH - EDGE.left - EDGE.right);
  const floor = HEIGHT - EDGE.bottom;
  const tallest = Math.max(...counts, 1);
  const bars = (kind) =>
    counts.map((count, i) => {
      const height = (count / tallest) * (floor - EDGE.top);
      const width = Math.max(x(edges[i + 1]) - x(edges[i]) - 1, 0.5);
      return shape('rect', { class: kind, x: x(edges[i]), y: floor - height, width, height });
    });
  const id = `plot-${(plots += 1)}`;
  const at = x(value);
  const anchor = at < WIDTH * 0.2 ? 'start' : at > WIDTH * 0.8 ? 'end' : 'middle';
  const told = { store, value: decimal(value), share: percent(share) };
  return element(
    'figure',
    { class: 'plot' },
    shape(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', label: ['plot.told', told] },
      shape('clipPath', { id }, shape('rect', { x: 0, y: 0, width: Math.max(at, 0), height: HEIGHT })),
      bars('bar'),
      shape('g', { 'clip-path': `url(#${id})` }, bars('bar beyond')),
      shape('line', { class: 'axis', x1: EDGE.left, x2: WIDTH - EDGE.right, y1: floor, y2: floor }),
      ticks(low, high).map((tick) =>
        shape('text', { x: x(tick), y: floor + 14, 'text-anchor': 'middle' }, decimal(tick, 1)),
      ),
      shape('text', { x: WIDTH / 2, y: HEIGHT - 4, 'text-anchor': 'middle', t: 'plot.axis' }),
      shape('line', { class: 'here', x1: at, x2: at, y1: EDGE.top - 6, y2: floor }),
      shape('text', { class: 'here', x: at, y: EDGE.top - 12, 'text-anchor': anchor, t: ['plot.here', told] }),
    ),
    element('figcaption', { t: ['plot.caption', told] }),
  );
}

/** A probability on a line from 0 to 1, with the threshold that it had to reach. */
export function level(value, threshold) {
  return shape(
    'svg',
    { class: 'level', viewBox: '0 0 120 12', 'aria-hidden': 'true' },
    shape('rect', { class: 'track', x: 0, y: 4, width: 120, height: 4, rx: 2 }),
    shape('rect', {
      class: value >= threshold ? 'reached' : 'short',
      x: 0,
      y: 4,
      width: 120 * value,
      height: 4,
      rx: 2,
    }),
    threshold === null
      ? null
      : shape('line', { class: 'here', x1: 120 * threshold, x2: 120 * threshold, y1: 0, y2: 12 }),
  );
}

/** A bar for a number in a table, as a share of the largest. */
export function bar(share) {
  return shape(
    'svg',
    { class: 'share', viewBox: '0 0 60 6', 'aria-hidden': 'true' },
    shape('rect', { class: 'track', x: 0, y: 0, width: 60, height: 6, rx: 3 }),
    shape('rect', { class: 'reached', x: 0, y: 0, width: Math.max(0, Math.min(share, 1)) * 60, height: 6, rx: 3 }),
  );
}

/** Tenths between two values, few enough to stand beside each other. */
function ticks(low, high) {
  const step = high - low > 0.8 ? 0.2 : 0.1;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
