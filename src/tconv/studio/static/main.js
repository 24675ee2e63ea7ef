// Puts the page together.
import {createApp} from "./app.js";
import {byId, h} from "./dom.js";
import {decoded} from "./state.js";
import {createAddress} from "./address.js";
import {createTheme} from "./theme.js";
import {createTabs} from "./tabs.js";
import {createControls, factRows} from "./views/controls.js";
import {createStage} from "./views/stage.js";
import {createTransport} from "./views/transport.js";
import {createDistribute} from "./views/distribute.js";
import {createCollect} from "./views/collect.js";
import {createMatrix} from "./views/matrix.js";
import {createPhases} from "./views/phases.js";
import {onResize} from "./views/width.js";
import {PANELS} from "./panels/panels.js";
import * as api from "./api.js";

const opening = decoded(location.hash);
const app = createApp(opening);

const notice = byId("notice");
app.on("notice", (_, sentence) => {
  notice.textContent = sentence ?? "";
  notice.hidden = !sentence;
});
let speaking = 0;
app.on("say", (_, sentence) => {
  clearTimeout(speaking);
  speaking = setTimeout(() => { byId("live").textContent = sentence; }, 120);
});

const transport = createTransport(app);
const matrix = createMatrix(app);
const layer = [createStage(app), transport, createDistribute(app), createCollect(app), matrix, createPhases(app)];
const [stage, , ...views] = layer;
const summary = h("dl", {class: "facts summary card", hidden: true});
const views_ = h("div", {class: "views"}, views.map((view) => view.element));
byId("layer").append(summary, stage.element, transport.element, views_);

const controls = createControls(app);
byId("drawer").open = matchMedia("(min-width: 860px)").matches;
byId("controls").append(controls.element);

const panels = Object.fromEntries(Object.entries(PANELS).map(([name, create]) => {
  const panel = create(app);
  byId(name).append(panel.element);
  return [name, panel];
}));

function showLayer() {
  for (const element of [stage.element, transport.element, views_]) element.hidden = !app.drawn;
  summary.hidden = app.drawn;
  if (app.drawn) layer.forEach((view) => view.update());
  else {
    transport.update();
    summary.replaceChildren(...factRows(app).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
  }
}

function show() {
  tabs.update();
  controls.update();
  if (app.state.tab === "layer") showLayer();
  else panels[app.state.tab].update();
}

matchMedia("(min-width: 860px)").addEventListener("change", (wide) => { byId("drawer").open = wide.matches; });

const tabs = createTabs(app, () => transport.stop());
app.on("setting", show);
app.on("mark", () => {
  if (app.state.tab === "layer") layer.forEach((view) => view.mark());
});
onResize(() => app.refresh());
createTheme(byId("theme"), () => app.refresh());
createAddress(app);

if (opening.complaints.length) app.notice(opening.complaints[0]);
else if (app.trouble ?? app.large) app.notice(app.trouble ?? app.large);
app.flush();
globalThis.studio = {app, layer, ...api};
