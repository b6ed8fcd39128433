// What went wrong, in the user's language, and what to do about it; below that the service's own words.

import { element } from './dom.js';
import { announce } from './announce.js';
import { say } from './i18n.js';

const BY_STATUS = {
  0: 'away',
  401: 'key',
  403: 'forbidden',
  404: 'gone',
  409: 'conflict',
  413: 'large',
  422: 'refused',
  400: 'refused',
  429: 'busy',
  502: 'behind',
  503: 'behind',
  504: 'slow',
};

/** Shows an error of the service in `place`; `again` is called when the user asks for another try. */
export function showProblem(place, error, again = null) {
  if (error.name === 'AbortError') return clearProblem(place);
  if (error.status === undefined) throw error; // a mistake of this page's own
  const kind = BY_STATUS[error.status] ?? 'broken';
  const said = error.status === 0 ? '' : [error.message, error.hint].filter(Boolean).join(' — ');
  place.replaceChildren(
    element(
      'div',
      { class: 'problem', role: 'alert', 'data-kind': kind },
      element('h3', { t: `problem.${kind}` }),
      element('p', { t: `problem.${kind}.do` }),
      said && element('p', { class: 'said', lang: 'en' }, said),
      error.request && element('p', { class: 'said', t: ['problem.request', { id: error.request }] }),
      again && element('button', { type: 'button', class: 'small', t: 'again', on: { click: again } }),
    ),
  );
}

/** What says in `place` that the service is busy, and counts the seconds until it is asked again. */
export function showWaiting(place) {
  return (seconds, status) => {
    const key = status === 429 ? 'problem.waiting' : 'problem.opening';
    const line = element('p', { t: [key, { n: seconds }] });
    place.replaceChildren(element('div', { class: 'problem calm', 'data-kind': 'waiting' }, line));
    announce(key, { n: seconds });
    let left = seconds;
    const timer = setInterval(() => {
      left -= 1;
      if (left < 1 || !line.isConnected) clearInterval(timer);
      else say(line, key, { n: left });
    }, 1000);
  };
}

export function clearProblem(place) {
  place.replaceChildren();
}
