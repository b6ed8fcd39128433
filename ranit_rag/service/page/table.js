// Tables that scroll within themselves where the window is narrow.

import { element } from './dom.js';

/** Rows of cells, each a string or a node. `name` is a key of the dictionary; the last `numbers` columns are figures. */
export function table(name, columns, rows, { numbers = 0 } = {}) {
  const figure = (i) => (i >= columns.length - numbers ? 'figure' : null);
  const head = columns.map((key, i) => element('th', { scope: 'col', class: figure(i), t: key }));
  const body = rows.map((cells) =>
    element(
      'tr',
      {},
      cells.map((cell, i) => element('td', { class: figure(i) }, cell)),
    ),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', label: name },
    element('table', {}, element('thead', {}, element('tr', {}, head)), element('tbody', {}, body)),
  );
}
