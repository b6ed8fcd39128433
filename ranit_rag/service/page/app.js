// Where the page begins.

import { askForKey } from './dialogs.js';
import { hasKey, keepKey, onKeyNeeded } from './api.js';
import { openBatch } from './batch.js';
import { loadInfo, loadStores } from './catalog.js';
import { byId } from './dom.js';
import { openExtract } from './extract.js';
import { chooseLanguage, interfaceLanguage, preferredLanguage, say, speak } from './i18n.js';
import { showProblem, showWaiting } from './problems.js';
import { openStores } from './stores.js';
import { openTabs } from './tabs.js';

const OTHER = { en: ['zh', 'zh-CN', '中文'], zh: ['en', 'en', 'English'] };

function offerOtherLanguage() {
  const [language, lang, name] = OTHER[interfaceLanguage()];
  const button = byId('language-button');
  button.lang = lang;
  button.textContent = name;
  button.onclick = () => {
    chooseLanguage(language);
    offerOtherLanguage();
  };
}

async function meet() {
  const places = ['extract-problem', 'stores-problem', 'batch-problem'].map(byId);
  try {
    const info = await loadInfo();
    say(byId('about'), 'foot.about', { version: info.version, model: info.engine.model ?? '…' });
    if (info.key_needed && !hasKey()) await askForKey(false);
    byId('key-button').hidden = !info.key_needed;
    await loadStores({ onWait: (...pause) => places.forEach((place) => showWaiting(place)(...pause)) });
    for (const place of places) place.replaceChildren();
  } catch (error) {
    for (const place of places) showProblem(place, error, meet);
  }
}

function open() {
  speak(preferredLanguage());
  offerOtherLanguage();
  onKeyNeeded(askForKey);
  byId('skip').addEventListener('click', (event) => {
    event.preventDefault();
    byId('content').focus();
  });
  byId('key-button').addEventListener('click', async () => {
    keepKey('');
    if (await askForKey(false)) await meet();
  });
  openExtract();
  const showStores = openStores();
  openBatch();
  openTabs(document.querySelector('.tabs'), (name) => name === 'stores' && showStores());
  meet();
}

open();
