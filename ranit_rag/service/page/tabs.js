// Tabs after the ARIA Authoring Practices: one stop for Tab, the arrows choose. The address names the tab.

export function openTabs(list, opened) {
  const tabs = [...list.querySelectorAll('[role=tab]')];
  const panel = (tab) => document.getElementById(tab.getAttribute('aria-controls'));

  const choose = (chosen, { focus = false } = {}) => {
    for (const tab of tabs) {
      const here = tab === chosen;
      tab.setAttribute('aria-selected', String(here));
      tab.tabIndex = here ? 0 : -1;
      panel(tab).hidden = !here;
    }
    if (focus) chosen.focus();
    opened(panel(chosen).id);
  };
  const named = () => tabs.find((tab) => `#${panel(tab).id}` === location.hash);

  const turn = (tab, options) => {
    history.replaceState(null, '', `#${panel(tab).id}`);
    choose(tab, options);
  };
  list.addEventListener('click', (event) => tabs.includes(event.target) && turn(event.target));
  list.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    turn(tabs[(to + tabs.length) % tabs.length], { focus: true });
  });
  window.addEventListener('hashchange', () => named() && choose(named()));
  choose(named() ?? tabs[0]);
}
