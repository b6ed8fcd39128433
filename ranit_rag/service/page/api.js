// The way to the service: keys, waiting where it is busy, server-sent events, and one kind of error for all that fails.

const KEY = 'ranit.key'; // in sessionStorage: forgotten when the window is closed
// Times that a busy service is asked again, and one that says when it will be ready.
const PATIENCE = { 429: 6, 503: 60 };

/** What the service said, or `status` 0 where it said nothing; `wait` are the seconds until it may be asked again. */
export class ServiceError extends Error {
  constructor(status, { type = '', message = '', hint = '', request_id: request = '', problems = [] } = {}, wait = 0) {
    super(message);
    Object.assign(this, { status, type, hint, request, problems, wait });
  }
}

/** An error that came in an event, which has no status of its own. */
export function toldError(error) {
  return new ServiceError(error.type === 'DeadlineExceeded' ? 504 : 500, error);
}

let askForKey = async () => false;

/** `ask(refused)` gets a key from the user; it is told whether one was refused, and says whether there is a new one. */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

export function hasKey() {
  return Boolean(sessionStorage.getItem(KEY));
}

export function keepKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/**
 * Ask the service; resolves to its Response. `json` or `body` is what is sent, `onWait(seconds, status)` is called
 * before each pause for a busy service, `quiet` asks the user for nothing. Raises ServiceError, and AbortError through
 * `signal`.
 */
export async function ask(method, path, { json, body, accept, signal, onWait = () => {}, quiet = false } = {}) {
  for (let asked = 0; ;) {
    const headers = { Accept: accept ?? 'application/json' };
    const key = sessionStorage.getItem(KEY);
    if (key) headers.Authorization = `Bearer ${key}`;
    if (json !== undefined) headers['Content-Type'] = 'application/json';
    const response = await reach(path, {
      method,
      headers,
      body: json === undefined ? body : JSON.stringify(json),
      signal,
    });
    if (response.ok) return response;
    const error = await refusal(response);
    if (error.status === 401 && !quiet && (sessionStorage.getItem(KEY) !== key || (await askForKey(Boolean(key)))))
      continue;
    if (!error.wait || quiet || asked >= PATIENCE[error.status]) throw error;
    asked += 1;
    onWait(error.wait, error.status);
    await pause(error.wait, signal);
  }
}

export async function askJson(method, path, options) {
  return (await ask(method, path, options)).json();
}

/** The answer as server-sent events: {event, data}, data read as JSON. An `error` event is raised. */
export async function* askEvents(path, options) {
  const response = await ask('POST', path, { ...options, accept: 'text/event-stream' });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read().catch((error) => lost(error));
    held += (value ?? '').replaceAll('\r', '');
    const blocks = held.split('\n\n');
    held = blocks.pop();
    for (const { event, data } of blocks.map(readEvent)) {
      if (event === 'error') throw toldError(data.error);
      if (data !== null) yield { event, data };
    }
    if (done) return;
  }
}

function readEvent(block) {
  const fields = { event: 'message', data: [] };
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === 'data') fields.data.push(value);
    else if (name === 'event') fields.event = value;
  }
  return { event: fields.event, data: fields.data.length ? JSON.parse(fields.data.join('\n')) : null };
}

async function reach(path, request) {
  try {
    return await fetch(path, { ...request, cache: 'no-store' });
  } catch (error) {
    return lost(error);
  }
}

function lost(error) {
  if (error.name === 'AbortError') throw error;
  throw new ServiceError(0, { message: error.message });
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  const wait = response.status in PATIENCE ? Number(response.headers.get('Retry-After')) : 0;
  return new ServiceError(response.status, answer.error ?? { message: response.statusText }, wait);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
