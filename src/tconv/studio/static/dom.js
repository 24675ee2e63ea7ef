// Elements, made without any HTML text: whatever comes from the address or from people stays text.

const SVG = "http://www.w3.org/2000/svg";

function dressed(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const h = (tag, properties = {}, ...children) => dressed(document.createElement(tag), properties, children);

export const svg = (tag, properties = {}, ...children) =>
  dressed(document.createElementNS(SVG, tag), properties, children);

export const byId = (id) => document.getElementById(id);

const PATHS = {
  start: "M5 4v12M16 4 8 10l8 6z", back: "M13 4 5 10l8 6z", play: "M6 3.5 16 10 6 16.5z", pause: "M6 4h3v12H6zM11 4h3v12h-3z",
  on: "m7 4 8 6-8 6z", end: "M15 4v12M4 4l8 6-8 6z", sun: "M10 2v2m0 12v2M2 10h2m12 0h2M4.3 4.3l1.4 1.4m8.6 8.6 1.4 1.4m0-11.4-1.4 1.4M5.7 14.3l-1.4 1.4M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1-1",
  edit: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2z",
};

/** A small picture that says nothing to a screen reader; the button around it has the words. */
export const icon = (name) => svg("svg", {viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true"},
  svg("path", {d: PATHS[name]}));

/** A group of buttons of which one is on, as radio inputs. */
export function choice(name, label, options, chosen, onchange) {
  const inputs = new Map();
  const element = h("fieldset", {class: "choice"}, h("legend", {class: "quiet"}, label),
    Object.entries(options).map(([value, text]) => {
      const input = h("input", {type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value)});
      inputs.set(value, input);
      return h("label", {}, input, h("span", {}, text));
    }));
  return {element, choose: (value) => { inputs.get(value).checked = true; }};
}
