/**
 * The beginning of a VOTable, from its text. No document is made of it: a part of a file is
 * enough, entities of its own are not expanded, and the browser has nothing to say to the policy
 * about what is not well-formed.
 */

/** @typedef {{name: string, fields: [string, string][], rows: string[][], count: number, binary: boolean}} Rows */
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
    if (open < 0) return;
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
  /** @type {string[]} */
  const open = [];
  /** @type {Rows | undefined} */
  let table;
  /** @type {string[] | null} */
  let row = null;
  let cell = "";
  for (const piece of pieces(text)) {
    if (piece === null) return { ...found, broken: true };
    if (piece.text !== undefined) {
      if (row && open.at(-1) === "TD") cell += piece.text;
      continue;
    }
    const tag = piece.tag ?? "";
    const name = nameOf(tag);
    const closes = tag.startsWith("/");
    if (closes && open.pop() !== name) return { ...found, broken: true };
    if (!closes) {
      open.push(name);
      if (name === "TABLE") found.tables.push((table = { name: attribute(tag, "name"), fields: [], rows: [], count: 0, binary: false }));
      else if (name === "FIELD") table?.fields.push([attribute(tag, "name") || attribute(tag, "ID"), attribute(tag, "unit")]);
      else if (name === "STREAM" && table) table.binary = true;
      else if (name === "TR") row = table && table.rows.length < bounds.rows && found.tables.length <= bounds.tables ? [] : null;
      else if (name === "TD") cell = "";
    }
    if (closes || tag.endsWith("/")) {
      if (!closes) open.pop();
      if (name === "TD" && row && row.length < bounds.cells) row.push(cell);
      if (name === "TR" && table) {
        table.count += 1;
        if (row) table.rows.push(row);
        row = null;
      }
    }
  }
  return { ...found, broken: open.length > 0 };
}
