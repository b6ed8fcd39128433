// Elements are built here and nowhere else. Text goes in as text nodes: nothing that came from a server, a file or a
// user is ever read as HTML.

import { say } from './i18n.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. `on` takes handlers by event; `t` a key of the dictionary, or [key, parameters], for its text; `label`
 * the same for aria-label. Attributes that are false, null or undefined are left out, and so are such children.
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** The text of a language: marks it for speech and fonts where it differs from the page's. */
export function foreign(tag, text, language = languageOf(text), attributes = {}) {
  return element(tag, { lang: language, dir: 'auto', ...attributes }, text);
}

/** What a text without a named language is read as. */
export function languageOf(text) {
  return /\p{Script=Han}/u.test(text) ? 'zh' : 'en';
}

/** Takes the reader to a part of the page that has just changed: the focus, and the view if it shows little of it. */
export function goTo(node) {
  node.focus({ preventScroll: true });
  const { top } = node.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) node.scrollIntoView({ block: 'start' });
}

/** Something that stands ready behind a line. */
export function folded(key, ...inside) {
  return element('details', {}, element('summary', { t: key }), inside);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === 'on') {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === 't') {
      say(node, ...[value].flat());
    } else if (name === 'label') {
      say(node, ...[value].flat(), 'aria-label');
    } else {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
