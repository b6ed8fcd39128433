// A form while the service works on it: its button makes room for one that stops, and a bar says how far it is.

import { byId } from './dom.js';
import { say } from './i18n.js';
import { announce } from './announce.js';

export class Working {
  /** The ids of a button that starts, one that stops, and a progress line. */
  constructor(start, stop, progress) {
    Object.assign(this, { start: byId(start), stop: byId(stop), progress: byId(progress), controller: null });
    this.stop.addEventListener('click', () => this.controller?.abort());
  }

  /** Runs `work(signal)` unless there is work already. */
  async during(work) {
    if (this.controller) return;
    this.controller = new AbortController();
    this.show(true);
    this.step(0, 0);
    try {
      await work(this.controller.signal);
    } finally {
      const held = document.activeElement === this.stop;
      this.controller = null;
      this.show(false);
      if (held) this.start.focus();
    }
  }

  /** So many of the whole are done; of an unknown whole nothing is known but that there is work. */
  step(done, total) {
    const [bar, words] = this.progress.children;
    if (total) bar.setAttribute('value', done / total);
    else bar.removeAttribute('value');
    say(words, total ? 'progress.of' : 'progress.working', { done, total });
    if (total && done === total) announce('progress.of', { done, total });
  }

  show(working) {
    this.start.hidden = working;
    this.stop.hidden = !working;
    this.progress.hidden = !working;
    if (working) this.stop.focus();
  }
}
