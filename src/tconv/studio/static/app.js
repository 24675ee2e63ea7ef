// The page's heart: the state, what follows from it, and who wants to know.
import {WAYS, distribute, terms} from "./compute.js";
import {cells, channels, groupOf, problemOf, sizes} from "./problem.js";
import {arrays, decoded, encoded, settled, tooLarge, trouble} from "./state.js";

export const placeOf = (problem, grid, index) => {
  const [, columns] = sizes(problem, grid);
  return [Math.floor(index / columns), index % columns];
};

export const indexOf = (problem, grid, [row, column]) => row * sizes(problem, grid)[1] + column;

/** The application over a state: `change` it, `look` at a cell, `go` to a step; listeners hear once a frame. */
export function createApp(opening, {frame = requestAnimationFrame} = {}) {
  const listeners = {setting: [], mark: [], notice: [], say: []};
  const app = {state: opening.state, step: 0, looked: null, playing: false, inChannel: 0, outChannel: 0};
  let [dirty, waiting] = [null, false];

  const tell = (topic, value) => listeners[topic].forEach((listener) => listener(app, value));

  function derive() {
    const problem = problemOf(app.state);
    app.problem = problem;
    app.trouble = trouble(app.state, problem);
    app.large = app.trouble ? null : tooLarge(problem);
    app.drawn = !app.trouble && !app.large;
    if (!app.drawn) return;
    Object.assign(app, arrays(app.state, problem));
    app.y = distribute(problem, app.x, app.w);
    app.inChannel = Math.min(app.inChannel, channels(problem, problem.input) - 1);
    app.outChannel = Math.min(app.outChannel, channels(problem, problem.output) - 1);
    app.steps = cells(problem, app.state.walk === "input" ? problem.input : problem.output);
    app.step = Math.min(app.step, app.steps);
    if (app.looked && !inside(app.looked)) app.looked = null;
  }

  const inside = ({grid, at, channel}) =>
    sizes(app.problem, grid).every((size, i) => at[i] < size) && (grid === "kernel" || channel < channels(app.problem, grid));

  function flush() {
    waiting = false;
    if (dirty === "setting") tell("setting");
    if (dirty && app.drawn) {
      app.marks = marksOf(app);
      tell("mark");
    }
    dirty = null;
  }

  function schedule(what) {
    dirty = dirty === "setting" ? dirty : what;
    if (!waiting) {
      waiting = true;
      frame(flush);
    }
  }

  Object.assign(app, {
    flush,
    on: (topic, listener) => listeners[topic].push(listener),
    notice: (sentence) => tell("notice", sentence),
    say: (sentence) => tell("say", sentence),
    /** Change settings; a sentence tells what is wrong with the whole, and the rest waits for its cure. */
    change(patch, {rewind = true} = {}) {
      const before = app.state;
      app.state = settled({...before, ...patch}, before);
      derive();
      if (rewind && app.drawn) app.step = app.steps;
      tell("notice", app.trouble ?? app.large);
      schedule("setting");
    },
    /** Take a whole state, as an address has it. */
    open(text) {
      const {state, complaints} = decoded(text);
      app.state = state;
      derive();
      if (app.drawn) app.step = app.steps;
      tell("notice", complaints[0] ?? app.trouble ?? app.large);
      schedule("setting");
    },
    look(cell) {
      app.looked = cell;
      schedule("mark");
    },
    go(step) {
      app.step = Math.max(0, Math.min(app.steps, step));
      app.looked = null;
      schedule("mark");
    },
    /** Draw everything again: another width, other colours. */
    refresh: () => schedule("setting"),
    show(which, channel) {
      app[which] = channel;
      app.looked = null;
      schedule("setting");
    },
    /** The cell that is looked at: under the pointer, or the step's. */
    focus() {
      if (app.looked) return app.looked;
      const grid = app.state.walk === "input" ? app.problem.input : app.problem.output;
      const channel = app.state.walk === "input" ? app.inChannel : app.outChannel;
      if (app.step < 1 || app.step >= app.steps + (app.playing ? 1 : 0)) return null;
      return {grid, at: placeOf(app.problem, grid, app.step - 1), channel};
    },
    /** The output as far as the steps have come; null where a cell is not there yet. */
    partial() {
      if (app.looked || app.step >= app.steps) return app.y;
      if (app.state.walk === "input") return distribute(app.problem, app.x, app.w, app.step);
      const count = channels(app.problem, app.problem.output);
      return app.y.map((value, i) => (i < app.step * count ? value : null));
    },
    results: () => Object.fromEntries(Object.entries(WAYS).map(([name, way]) => [name, way(app.problem, app.x, app.w)])),
    address: () => encoded(app.state),
  });

  derive();
  if (app.drawn) app.step = app.steps;
  dirty = "setting";
  return app;
}

/** What belongs to the cell that is looked at, in the channels that are shown: sets of cell indices for each grid. */
function marksOf(app) {
  const {problem} = app;
  const focus = app.focus();
  const marks = {focus, coarse: new Set(), fine: new Set(), kernel: new Set(), terms: []};
  if (!focus) return marks;
  if (focus.grid === "kernel") return tapMarks(app, marks);
  marks.terms = terms(problem, app.x, app.w, focus);
  const other = focus.grid === "coarse" ? "fine" : "coarse";
  marks[focus.grid].add(indexOf(problem, focus.grid, focus.at));
  for (const term of marks.terms) {
    marks[other].add(indexOf(problem, other, term.at));
    marks.kernel.add(indexOf(problem, "kernel", term.tap));
  }
  return marks;
}

/** A tap joins a coarse cell and a fine one wherever it fits. */
function tapMarks(app, marks) {
  const {problem} = app;
  const {at: tap} = marks.focus;
  marks.kernel.add(indexOf(problem, "kernel", tap));
  const along = problem.axes.map((axis, i) => Array.from({length: axis.coarse}, (_, coarse) =>
    [coarse, coarse * axis.stride + tap[i] * axis.dilation - axis.lo]).filter(([, fine]) => fine >= 0 && fine < axis.fine));
  marks.pairs = along[0].flatMap((row) => along[1].map((column) => ({coarse: [row[0], column[0]], fine: [row[1], column[1]]})));
  for (const {coarse, fine} of marks.pairs) {
    marks.coarse.add(indexOf(problem, "coarse", coarse));
    marks.fine.add(indexOf(problem, "fine", fine));
  }
  return marks;
}

/** The coarse and the fine channel that are shown, and whether the groups join them. */
export function shownChannels(app) {
  const coarse = app.problem.transposed ? app.inChannel : app.outChannel;
  const fine = app.problem.transposed ? app.outChannel : app.inChannel;
  const joined = groupOf(app.problem, "coarse", coarse) === groupOf(app.problem, "fine", fine);
  return {coarse, fine, joined, row: fine % (app.problem.fineChannels / app.problem.groups)};
}
