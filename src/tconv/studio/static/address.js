// The state in the address: written a moment after a change, read when somebody else changes it.
import {byId} from "./dom.js";

const PAUSE = 150;

export function createAddress(app) {
  let [timer, written] = [0, null];

  function write() {
    timer = 0;
    const text = app.address();
    if (text === written) return;
    written = text;
    try {
      history.replaceState(null, "", `#${text}`);
    } catch {
      location.hash = text; // where a page from disk may not use its history
    }
  }

  app.on("setting", () => {
    timer ||= setTimeout(write, PAUSE);
  });
  addEventListener("hashchange", () => {
    const text = location.hash.slice(1);
    if (text !== written) app.open(text);
  });
  byId("link").addEventListener("click", async () => {
    clearTimeout(timer);
    write();
    try {
      await navigator.clipboard.writeText(location.href);
      app.say("Link copied.");
      byId("link").dataset.done = "copied";
    } catch {
      app.notice("The browser does not let this page copy; take the link from the address bar, it holds everything.");
    }
    setTimeout(() => { delete byId("link").dataset.done; }, 1600);
  });
}
