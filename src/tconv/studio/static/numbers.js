// Numbers as people read and type them.

/** A number as it fits into a cell: whole ones as they are, others to three digits. */
export function short(value) {
  if (value === null || value === undefined) return "";
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return minus(String(value));
  if (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)) return minus(value.toExponential(1));
  return minus(String(Number(value.toPrecision(3))));
}

/** A number in a sentence. */
export const exact = (value) => minus(String(Number(value.toPrecision(10))));

/** With thousands apart. */
export const grouped = (value) => value.toLocaleString("en-US");

const minus = (text) => text.replace("-", "−");

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const LARGEST = 1e12;

/** A typed number, or an Error that says what to type. */
export function parseNumber(text, name = "the value") {
  const tidy = String(text).trim().replace("−", "-");
  const value = Number(tidy);
  if (!NUMBER.test(tidy) || !Number.isFinite(value)) {
    throw new Error(`${name} is “${clip(tidy)}”, which is no number; type one such as 3, -0.5 or 1e-2.`);
  }
  if (Math.abs(value) > LARGEST) throw new Error(`${name} is ${tidy}; type a number between −1e12 and 1e12.`);
  return value;
}

export function parseWhole(text, name, least, most) {
  const value = parseNumber(text, name);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} is ${minus(String(value))}; give a whole number from ${minus(String(least))} to ${grouped(most)}.`);
  }
  return value;
}

const clip = (text) => (text.length > 24 ? `${text.slice(0, 24)}…` : text);

/** A pasted table as rows of numbers: lines of values with commas, semicolons, tabs or spaces between; brackets are let go. */
export function parseTable(text) {
  const lines = text.replace(/\]\s*,/g, "\n").replace(/[[\]()]/g, " ").split(/[\n\r]+/).map((line) => line.trim());
  const rows = lines.filter(Boolean).map((line) => line.split(/[\s,;]+/).filter(Boolean));
  if (!rows.length) throw new Error("The table is empty; give lines of numbers, such as “1 2” and “3 4”.");
  const ragged = rows.findIndex((row) => row.length !== rows[0].length);
  if (ragged > 0) {
    throw new Error(`Line ${ragged + 1} has ${counted(rows[ragged].length, "value")}, line 1 has ${rows[0].length}; `
      + "give every line as many.");
  }
  return rows.map((row, r) => row.map((cell, c) => parseNumber(cell, `Line ${r + 1}, value ${c + 1}`)));
}

export const counted = (n, word, words = `${word}s`) => `${grouped(n)} ${n === 1 ? word : words}`;

/** A small generator of whole numbers below `n`, the same for the same seed (mulberry32). */
export function dice(seed) {
  let a = seed >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}
