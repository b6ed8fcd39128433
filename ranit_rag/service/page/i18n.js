// The page's own words in English and Chinese. What is said through `say` follows a switch of the language by itself.

import en from './en.js';
import zh from './zh.js';

const DICTIONARIES = { en, zh };
const MEMORY = 'ranit.language';
const PLACES = ['', 'aria-label', 'placeholder', 'title']; // '' is an element's text
const EVERYWHERE = PLACES.map((place) => `[${marker(place)}]`).join(',');

const parameters = new WeakMap(); // element -> {place: parameters}
let current = 'en';

export function interfaceLanguage() {
  return current;
}

/** The words for a key. `{name}` in them stands for a parameter; `n` chooses between singular and plural. */
export function t(key, values = {}) {
  let words = DICTIONARIES[current][key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  if (typeof words === 'object') words = words[new Intl.PluralRules(current).select(values.n)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (_, name) => told(values[name]));
}

/** Writes the words for a key as an element's text or into an attribute: `say(node, key, values?, attribute?)`. */
export function say(node, key, values = {}, place = '') {
  if (typeof values === 'string') [values, place] = [{}, values];
  parameters.set(node, { ...parameters.get(node), [place]: values });
  node.setAttribute(marker(place), key);
  write(node, place);
}

/** The language last chosen, else the first of the browser's that the page speaks. */
export function preferredLanguage() {
  const wanted = [localStorage.getItem(MEMORY), ...navigator.languages].filter(Boolean);
  return wanted.map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in DICTIONARIES) ?? 'en';
}

export function chooseLanguage(language) {
  localStorage.setItem(MEMORY, language);
  speak(language);
}

export function speak(language) {
  current = language;
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  for (const node of document.querySelectorAll(EVERYWHERE)) {
    for (const place of PLACES) if (node.hasAttribute(marker(place))) write(node, place);
  }
}

/** A score or probability with two decimals, or a dash where there is none. */
export function decimal(value, digits = 2) {
  return value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−');
}

/** A share in percent. */
export function percent(value) {
  return `${Math.round(value * 100)} %`;
}

function write(node, place) {
  const words = t(node.getAttribute(marker(place)), parameters.get(node)?.[place]);
  if (place) node.setAttribute(place, words);
  else node.textContent = words;
}

function marker(place) {
  return place ? `data-t-${place}` : 'data-t';
}

function told(value) {
  return typeof value === 'number' ? value.toLocaleString(current) : String(value);
}
