/**
 * The beginning of a VOTable, from its text. No document is made of it: a part of a file is
 * enough, entities of its own are not expanded, and the browser has nothing to say to the policy
 * about what is not well-formed.
 */

import { readStream } from "./votable_stream.js";

/** @typedef {import("./votable_stream.js").Column} Column */
/** `binary`: rows of another form than is read here; `cutOff`: their stream holds no whole last row. @typedef {{name: string, fields: [string, string][], columns: Column[], rows: string[][], count: number, binary: boolean, cutOff: boolean}} Rows */
/** `broken`: it is not XML to its end. @typedef {{tables: Rows[], broken: boolean}} Votable */
/** @typedef {{rows: number, cells: number, tables: number}} Bounds */

const ENTITIES = /** @type {Record<string, string>} */ ({ lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" });

/** @param {string} text */
const plain = (text) => text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (whole, decimal, hexadecimal, name) => {
  if (name) return ENTITIES[name.toLowerCase()];
  const code = decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
});

/** @param {string} tag @param {string} name */
function attribute(tag, name) {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
  return found ? plain(found[1] ?? found[2]) : "";
}

/** Where a tag that begins at `from` ends; -1 when the text does first. @param {string} text @param {number} from */
function endOfTag(text, from) {
  const mark = /["'>]/g;
  mark.lastIndex = from;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] === ">") return found.index;
    const closing = text.indexOf(found[0], mark.lastIndex);
    if (closing < 0) return -1;
    mark.lastIndex = closing + 1;
  }
  return -1;
}

/** What is skipped as a whole, and how it ends. */
const SKIPPED = [["<!--", "-->"], ["<?", "?>"], ["<!DOCTYPE", ">"]];

/**
 * Tags and texts in their order; ends with `null` where the text breaks off within one.
 * @param {string} text
 * @returns {Generator<{tag?: string, text?: string} | null>}
 */
function* pieces(text) {
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf("<", at);
    if (open < 0) return yield { text: plain(text.slice(at)) };
    if (open > at) yield { text: plain(text.slice(at, open)) };
    const skipped = SKIPPED.find(([begin]) => text.startsWith(begin, open));
    if (text.startsWith("<![CDATA[", open)) {
      const end = text.indexOf("]]>", open);
      if (end < 0) return yield null;
      yield { text: text.slice(open + 9, end) };
      at = end + 3;
    } else if (skipped) {
      const subset = skipped[1] === ">" && /^[^>]*\[/.test(text.slice(open, open + 4000));
      const end = text.indexOf(subset ? "]>" : skipped[1], open);
      if (end < 0) return yield null;
      at = end + (subset ? 2 : skipped[1].length);
    } else {
      const end = endOfTag(text, open + 1);
      if (end < 0) return yield null;
      yield { tag: text.slice(open + 1, end) };
      at = end + 1;
    }
  }
}

/** @param {string} tag */
const nameOf = (tag) => /^\/?(?:[^\s:/>]*:)?([^\s:/>]*)/.exec(tag)?.[1] ?? "";

/** @param {string} text @param {Bounds} bounds @returns {Votable} */
export function readVotable(text, bounds) {
  /** @type {Votable} */
  const found = { tables: [], broken: false };
  let brokenOff = false;
  /** @type {string[]} */
  const open = [];
  /** @type {Rows | undefined} */
  let table;
  /** @type {string[] | null} */
  let row = null;
  let cell = "";
  /** What a stream that is open holds; of a table, the first one counts. @type {string[] | null} */
  let stream = null;
  let streamed = false;
  const endOfStream = () => {
    if (table && stream) decode(table, stream.join(""), open, bounds);
    stream = null;
  };
  for (const piece of pieces(text)) {
    if (piece === null) {
      brokenOff = true;
      break;
    }
    if (piece.text !== undefined) {
      if (stream && open.at(-1) === "STREAM") stream.push(piece.text);
      else if (row && open.at(-1) === "TD") cell += piece.text;
      continue;
    }
    const tag = piece.tag ?? "";
    const name = nameOf(tag);
    const closes = tag.startsWith("/");
    if (closes && name === "STREAM") endOfStream();
    if (closes && open.pop() !== name) return { ...found, broken: true };
    if (!closes) {
      open.push(name);
      if (name === "TABLE") {
        found.tables.push((table = { name: attribute(tag, "name"), fields: [], columns: [], rows: [], count: 0, binary: false, cutOff: false }));
        streamed = false;
      } else if (name === "FIELD") addField(table, tag);
      else if (name === "VALUES" && open.at(-2) === "FIELD") addMissing(table, tag);
      else if (name === "STREAM" && table && !streamed) {
        streamed = true;
        table.binary = found.tables.length > bounds.tables || !isInline(tag) || !/^BINARY2?$/.test(open.at(-2) ?? "");
        stream = table.binary ? null : [];
      } else if (name === "TR") row = table && table.rows.length < bounds.rows && found.tables.length <= bounds.tables ? [] : null;
      else if (name === "TD") cell = "";
    }
    if (closes || tag.endsWith("/")) {
      if (!closes && name === "STREAM") endOfStream();
      if (!closes) open.pop();
      if (name === "TD" && row && row.length < bounds.cells) row.push(cell);
      if (name === "TR" && table) {
        table.count += 1;
        if (row) table.rows.push(row);
        row = null;
      }
    }
  }
  endOfStream();
  return { ...found, broken: brokenOff || open.length > 0 };
}

/** @param {Rows | undefined} table @param {string} tag */
function addField(table, tag) {
  table?.fields.push([attribute(tag, "name") || attribute(tag, "ID"), attribute(tag, "unit")]);
  table?.columns.push({ datatype: attribute(tag, "datatype"), arraysize: attribute(tag, "arraysize"), missing: "" });
}

/** @param {Rows | undefined} table @param {string} tag */
function addMissing(table, tag) {
  const column = table?.columns.at(-1);
  if (column) column.missing ||= attribute(tag, "null").trim();
}

/** @param {string} tag of a stream: whether its bytes stand in it */
const isInline = (tag) => !attribute(tag, "href") && attribute(tag, "encoding").toLowerCase() === "base64";

/** @param {Rows} table @param {string} text @param {string[]} open @param {Bounds} bounds */
function decode(table, text, open, bounds) {
  const decoded = readStream(text, table.columns, open.includes("BINARY2"), bounds);
  if (decoded === null) table.binary = true;
  else Object.assign(table, { rows: decoded.rows, count: decoded.count, cutOff: decoded.broken });
}
