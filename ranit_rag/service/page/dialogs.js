// Questions that stop everything else: the key to the service, and whether something is really to be deleted.

import { keepKey } from './api.js';
import { byId } from './dom.js';
import { say } from './i18n.js';

let asking = null; // requests that are refused at one time share one question

/** Asks for a key; resolves to whether one was given. `refused` says that the last one was not accepted. */
export function askForKey(refused) {
  asking ??= question(refused).finally(() => (asking = null));
  return asking;
}

async function question(refused) {
  const dialog = byId('key-dialog');
  const input = byId('key');
  input.value = '';
  if (refused) say(byId('key-refused'), 'key.refused');
  byId('key-refused').hidden = !refused;
  byId('key-form').onsubmit = (event) => {
    event.preventDefault();
    if (input.value.trim()) dialog.close(input.value.trim());
  };
  byId('key-cancel').onclick = () => dialog.close('');
  const key = await shown(dialog, input);
  if (key) keepKey(key);
  return Boolean(key);
}

/** Asks before something is lost; resolves to whether to go on. The keys are of the dictionary. */
export async function confirmed({ title, text, action, values }) {
  const dialog = byId('confirm-dialog');
  say(byId('confirm-title'), title, values);
  say(byId('confirm-text'), text, values);
  say(byId('confirm-yes'), action, values);
  byId('confirm-yes').onclick = () => dialog.close('yes');
  byId('confirm-no').onclick = () => dialog.close('');
  return (await shown(dialog, byId('confirm-no'))) === 'yes';
}

function shown(dialog, focused) {
  dialog.returnValue = '';
  dialog.showModal();
  focused.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
  });
}
