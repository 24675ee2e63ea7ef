// A grid of cells that can be looked at with pointer and keyboard, and, where it makes sense, edited.
import {h} from "../dom.js";
import {parseNumber, short} from "../numbers.js";

const GAP = 1;
const SMALLEST_TEXT = 7.5;
const TINTS = 25; // as many as the style sheet has

/**
 * @param options name: for screen readers; tone: "coarse", "kernel", "fine" or "added"; most: the largest cell in px;
 *   look(index) and leave(): the pointer or the keyboard's focus; edit(index, value): a new value was typed;
 *   refuse(sentence): what was typed is no number.
 */
export function createGrid({name, tone, most = 40, look, leave, edit, refuse}) {
  const element = h("div", {class: `grid ${tone}`, role: "grid", "aria-label": name});
  let [rows, columns, cells, memory, at] = [0, 0, [], [], 0];

  /** Each row is a box of its own, so that a change in it costs the layout and the painting of that row alone. */
  function line(r, children) {
    const row = h("div", {role: "row", "aria-rowindex": r + 1}, children);
    row.style.top = `calc(var(--pitch) * ${r})`;
    return row;
  }

  function build(newRows, newColumns) {
    [rows, columns, cells, memory] = [newRows, newColumns, [], []];
    at = Math.min(at, rows * columns - 1);
    const lines = Array.from({length: rows}, (_, r) => line(r, Array.from({length: columns}, (_, c) => {
      const cell = h("div", {role: "gridcell", class: "cell", "aria-colindex": c + 1, tabindex: "-1"});
      cells.push(cell);
      memory.push({value: undefined, look: "cell"});
      return cell;
    })));
    element.replaceChildren(...lines);
    element.setAttribute("aria-rowcount", rows);
    element.setAttribute("aria-colcount", columns);
    if (cells[at]) cells[at].tabIndex = 0;
  }

  const indexOf = (target) => {
    const cell = target.closest?.(".cell");
    return cell ? cells.indexOf(cell) : -1;
  };

  function move(to) {
    cells[at].tabIndex = -1;
    at = to;
    cells[at].tabIndex = 0;
    cells[at].focus();
  }

  const MOVES = {
    ArrowLeft: () => at - 1, ArrowRight: () => at + 1, ArrowUp: () => at - columns, ArrowDown: () => at + columns,
    Home: () => at - at % columns, End: () => at - at % columns + columns - 1,
    PageUp: () => at % columns, PageDown: () => (rows - 1) * columns + at % columns,
  };

  function keydown(event) {
    if (event.target.tagName === "INPUT") return;
    if (event.key in MOVES) {
      const to = MOVES[event.key]();
      const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
      const sameRow = Math.floor(to / columns) === Math.floor(at / columns);
      if (to >= 0 && to < cells.length && (!sideways || sameRow)) move(to);
      event.preventDefault();
    } else if (edit && (event.key === "Enter" || event.key === "F2" || /^[-+.\d]$/.test(event.key))) {
      open(at, event.key.length === 1 ? event.key : null);
      event.preventDefault();
    }
  }

  function open(index, text) {
    const cell = cells[index];
    let closed = false;
    const input = h("input", {class: "typed", "aria-label": `${name}, row ${Math.floor(index / columns) + 1}, column `
      + `${index % columns + 1}`, inputmode: "text", autocomplete: "off"});
    input.value = text ?? String(memory[index].value ?? 0);
    const close = (keep, then) => {
      if (closed) return;
      try {
        if (keep) edit(index, parseNumber(input.value));
      } catch (error) {
        input.setAttribute("aria-invalid", "true");
        refuse(error.message);
        return;
      }
      closed = true;
      input.remove();
      then?.();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") close(true, () => cell.focus());
      else if (event.key === "Escape") close(false, () => cell.focus());
      else if (event.key === "Tab") {
        const next = index + (event.shiftKey ? -1 : 1);
        if (next < 0 || next >= cells.length) return;
        event.preventDefault();
        close(true, () => { move(next); open(next); });
      }
      event.stopPropagation();
    });
    input.addEventListener("blur", () => {
      close(true);
      if (!closed) close(false);
    });
    cell.append(input);
    input.focus();
    if (!text) input.select();
  }

  element.addEventListener("keydown", keydown);
  element.addEventListener("pointerover", (event) => {
    const index = indexOf(event.target);
    if (index >= 0) look?.(index, false);
  });
  element.addEventListener("pointerleave", () => leave?.());
  element.addEventListener("focusin", (event) => {
    const index = indexOf(event.target);
    if (index < 0 || event.target.tagName === "INPUT") return;
    cells[at].tabIndex = -1;
    at = index;
    cells[at].tabIndex = 0;
    look?.(index, true);
  });
  element.addEventListener("focusout", () => leave?.());
  if (edit) element.addEventListener("dblclick", (event) => { if (indexOf(event.target) >= 0) open(indexOf(event.target)); });

  return {
    element,
    name(text) { element.setAttribute("aria-label", text); },
    tone(tone) { element.className = `grid ${tone}`; },
    /** Make it fit `width` pixels, with numbers of up to `letters` letters where they are legible. */
    fit(newRows, newColumns, width, letters, height = 460) {
      if (newRows !== rows || newColumns !== columns) build(newRows, newColumns);
      const side = Math.min((width - 2) / columns - GAP, (height - 2) / rows - GAP, most);
      const size = Math.max(3, side > 12 ? Math.floor(side) : Math.floor(side * 2) / 2);
      const font = Math.min(16, size * 0.46, (size - 3) / (0.6 * Math.max(letters, 1)));
      element.style.setProperty("--cell", `${size}px`);
      element.style.setProperty("--columns", columns);
      element.style.setProperty("--rows", rows);
      element.style.setProperty("--font", `${font}px`);
      element.classList.toggle("mute", font < SMALLEST_TEXT);
    },
    /** Show a value (null: nothing yet), how strongly it is tinted (0 to 1), and what kind of cell it is. */
    paint(index, value, alpha, kind) {
      const was = memory[index];
      const cell = cells[index];
      if (was.value !== value) {
        const text = typeof value === "string" ? value : short(value);
        if (cell.firstChild?.nodeType === 3) cell.firstChild.data = text;
        else cell.prepend(text);
        was.value = value;
      }
      const look = `cell t${Math.round(alpha * TINTS)} ${kind}`;
      if (was.look !== look) {
        cell.className = look;
        was.look = look;
      }
    },
    cell: (index) => cells[index],
  };
}

/** How strongly each value is tinted, against the largest of them. */
export function tints(values) {
  let most = 0;
  for (const value of values) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
  return (value) => (value === null || most === 0 ? 0 : Math.abs(value) / most);
}

/** The longest text among the values. */
export const letters = (values) => {
  let most = 1;
  for (const value of values) most = Math.max(most, short(value).length);
  return most;
};
