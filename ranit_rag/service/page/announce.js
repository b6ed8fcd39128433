// What a screen reader is told as it happens.

import { byId } from './dom.js';
import { t } from './i18n.js';

export function announce(key, values) {
  const line = byId('announcer');
  line.textContent = '';
  // A change within one frame is not heard.
  setTimeout(() => (line.textContent = t(key, values)), 50);
}
