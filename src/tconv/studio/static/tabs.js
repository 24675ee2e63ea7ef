// The page's parts as tabs: arrow keys move, the state remembers.
import {CHOICES} from "./state.js";
import {byId} from "./dom.js";

export function createTabs(app, leave) {
  const tabs = CHOICES.tab.map((name) => byId(`tab-${name}`));

  const go = (name) => {
    leave();
    app.change({tab: name}, {rewind: false});
  };

  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => go(CHOICES.tab[i]));
    tab.addEventListener("keydown", (event) => {
      const to = {ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = (to + tabs.length) % tabs.length;
      tabs[next].focus();
      go(CHOICES.tab[next]);
    });
  });

  return {update() {
    CHOICES.tab.forEach((name, i) => {
      const on = name === app.state.tab;
      tabs[i].setAttribute("aria-selected", String(on));
      tabs[i].tabIndex = on ? 0 : -1;
      byId(name).hidden = !on;
    });
    document.body.dataset.tab = app.state.tab;
  }};
}
