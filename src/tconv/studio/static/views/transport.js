// Play, pause, step, scrub; by input cells (distribute) or by output cells (collect).
import {choice, h, icon} from "../dom.js";

const SPEEDS = [1, 2, 4, 12, 30, 60];
const CALM = 2;

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function createTransport(app) {
  const button = (label, name, onclick) => h("button", {type: "button", class: "round", "aria-label": label, title: label, onclick},
    icon(name));
  const play = h("button", {type: "button", class: "round primary", "aria-label": "Play", title: "Play", onclick: () => toggle()},
    icon("play"));
  const scrub = h("input", {type: "range", min: 0, max: 1, value: 1, "aria-label": "Step",
    oninput: () => { stop(); app.go(Number(scrub.value)); }});
  const count = h("div", {class: "count"});
  const speed = h("select", {"aria-label": "Steps a second"},
    SPEEDS.map((value) => h("option", {value, selected: value === 4}, `${value} / s`)));
  const walk = choice("walk", "Go by", {input: "input cells", output: "output cells"}, app.state.walk,
    (value) => { stop(); app.change({walk: value}, {rewind: false}); app.go(0); });
  const element = h("div", {class: "transport card", role: "group", "aria-label": "Steps"},
    h("div", {class: "keys"},
      button("To the start", "start", () => { stop(); app.go(0); }),
      button("One step back", "back", () => { stop(); app.go(app.step - 1); }),
      play,
      button("One step on", "on", () => { stop(); app.go(app.step + 1); }),
      button("To the end", "end", () => { stop(); app.go(app.steps); })),
    h("div", {class: "scrub"}, scrub), h("div", {}, count), h("label", {class: "speed"}, speed), walk.element);
  let [last, slid] = [null, 0];

  function stop() {
    if (!app.playing) return;
    app.playing = false;
    scrub.value = app.step;
    face();
  }

  function toggle() {
    if (app.playing) return stop();
    if (!app.drawn) return undefined;
    if (app.step >= app.steps) app.go(0);
    app.playing = true;
    last = null;
    face();
    requestAnimationFrame(tick);
    return undefined;
  }

  function tick(now) {
    if (!app.playing) return;
    last ??= now;
    const pace = 1000 / (calm() ? Math.min(CALM, Number(speed.value)) : Number(speed.value));
    const steps = Math.floor((now - last + 1) / pace);
    if (steps > 0) {
      last += steps * pace;
      if (app.step + steps > app.steps) {
        app.go(app.steps);
        stop();
        app.say("Played to the end.");
        return;
      }
      app.go(app.step + steps);
    }
    requestAnimationFrame(tick);
  }

  function face() {
    const label = app.playing ? "Pause" : "Play";
    play.replaceChildren(icon(app.playing ? "pause" : "play"));
    play.setAttribute("aria-label", label);
    play.title = label;
  }

  function update() {
    if (!app.drawn) return stop();
    scrub.max = app.steps;
    walk.choose(app.state.walk);
    return undefined;
  }

  function mark() {
    // A slider that moves makes the browser put all its layers together anew: ten times a second is enough for the eye.
    const now = performance.now();
    if (!app.playing || now - slid > 100) [scrub.value, slid] = [app.step, now];
    scrub.setAttribute("aria-valuetext", `step ${app.step} of ${app.steps}`);
    count.textContent = `${app.step} / ${app.steps}`;
  }

  return {element, update, mark, stop};
}
