// How wide a view may be, measured once a layout; and who is told when that changes.

const known = new WeakMap();
const told = new Set();

const observer = new ResizeObserver((entries) => {
  let changed = false;
  for (const {target, contentRect} of entries) {
    const width = Math.floor(contentRect.width);
    changed ||= width > 0 && known.get(target) !== width;
    if (width > 0) known.set(target, width);
  }
  if (changed) told.forEach((listener) => listener());
});

/** The width of an element's content in pixels, watched from now on. */
export function widthOf(element) {
  if (!known.has(element)) {
    const width = element.clientWidth;
    if (width > 0) known.set(element, width);
    observer.observe(element);
  }
  return known.get(element) ?? 320;
}

export const onResize = (listener) => told.add(listener);
