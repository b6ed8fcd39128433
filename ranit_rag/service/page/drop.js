// A place to drop a file on; the file's own field stays, for those who do not drag.

import { element } from './dom.js';

export function dropTarget(input, ...children) {
  return takesDrops(element('div', { class: 'drop' }, input, children), input);
}

export function takesDrops(node, input) {
  const over = (is) => (event) => {
    event.preventDefault();
    node.classList.toggle('over', is);
  };
  node.addEventListener('dragover', over(true));
  node.addEventListener('dragleave', over(false));
  node.addEventListener('drop', (event) => {
    over(false)(event);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event('change'));
  });
  return node;
}
