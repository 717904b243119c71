/**
 * Rows of a VOTable in BINARY or BINARY2, from the text of their stream. What is decoded is
 * bounded by that text and by what is shown, whatever lengths the file claims.
 */

/** What a FIELD says of its cells. @typedef {{datatype: string, arraysize: string, missing: string}} Column */
/** `count` is of rows that are there whole; `broken`: something else follows them. @typedef {{rows: string[][], count: number, broken: boolean}} Decoded */
/** `items` are the primitives of a cell, or, where it is variable, of what repeats in it. @typedef {{kind: Kind, items: number, variable: boolean, first: number, missing: string}} Cell */
/** @typedef {{bytes: number, text?: TextDecoder, bits?: boolean, read?: (view: DataView, at: number) => string}} Kind */

// Of an array and a text so much is decoded; what is shown of a cell is less.
const MOST_ITEMS = 101;
const MOST_TEXT = 1024;

/** The fewest digits that mean the same number of 32 bits. @param {number} value */
function single(value) {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

/** @param {DataView} view @param {number} at */
function truth(view, at) {
  const said = String.fromCharCode(view.getUint8(at));
  if ("Tt1".includes(said)) return "true";
  return "Ff0".includes(said) ? "false" : "";
}

/** @type {Record<string, Kind>} */
const KINDS = {
  boolean: { bytes: 1, read: truth },
  bit: { bytes: 1, bits: true },
  char: { bytes: 1, text: new TextDecoder("utf-8") },
  unicodeChar: { bytes: 2, text: new TextDecoder("utf-16be") },
  unsignedByte: { bytes: 1, read: (view, at) => String(view.getUint8(at)) },
  short: { bytes: 2, read: (view, at) => String(view.getInt16(at)) },
  int: { bytes: 4, read: (view, at) => String(view.getInt32(at)) },
  long: { bytes: 8, read: (view, at) => String(view.getBigInt64(at)) },
  float: { bytes: 4, read: (view, at) => single(view.getFloat32(at)) },
  double: { bytes: 8, read: (view, at) => String(view.getFloat64(at)) },
  floatComplex: { bytes: 8, read: (view, at) => `${single(view.getFloat32(at))} ${single(view.getFloat32(at + 4))}` },
  doubleComplex: { bytes: 16, read: (view, at) => `${view.getFloat64(at)} ${view.getFloat64(at + 8)}` },
};

/** @param {Column} column @returns {Cell | null} null for what no cell can be */
function cellOf({ datatype, arraysize, missing }) {
  const kind = Object.hasOwn(KINDS, datatype) ? KINDS[datatype] : null;
  const found = /^(?:(\d+(?:x\d+)*)(?:x?\*)?|\*)?$/.exec(arraysize.trim());
  if (!kind || !found) return null;
  const sizes = (found[1] ?? "1").split("x").map(Number);
  const variable = arraysize.includes("*");
  // Of `5x3x10*` the last number is only the most that there may be.
  const repeated = variable && !arraysize.includes("x*") ? sizes.slice(0, -1) : sizes;
  const items = repeated.reduce((product, size) => product * size, 1);
  return { kind, items, variable, first: sizes[0], missing };
}

/** @param {Cell} cell @param {number} items */
const bytesOf = ({ kind }, items) => (kind.bits ? Math.ceil(items / 8) : items * kind.bytes);

/** The bytes that a text in base64 stands for, up to what is not base64. @param {string} text */
function unpacked(text) {
  const packed = text.replace(/\s+/g, "");
  const good = /^[A-Za-z0-9+/]*/.exec(packed)?.[0].length ?? 0;
  // A group that is cut off has fewer bytes; a single letter has none.
  const decoded = atob(packed.slice(0, good % 4 === 1 ? good - 1 : good));
  const bytes = new Uint8Array(decoded.length);
  for (let at = 0; at < decoded.length; at += 1) bytes[at] = decoded.charCodeAt(at);
  return { bytes, broken: !/^={0,2}$/.test(packed.slice(good)) };
}

/** A cursor over rows; `slices`: a variable cell counts what repeats, not its items. */
class Reader {
  /** @param {Uint8Array} bytes @param {Cell[]} cells @param {boolean} masked @param {boolean} slices */
  constructor(bytes, cells, masked, slices) {
    this.view = new DataView(bytes.buffer);
    this.bytes = bytes;
    this.cells = cells;
    this.mask = masked ? Math.ceil(cells.length / 8) : 0;
    this.slices = slices;
    this.at = 0;
    /** Bytes to leave out, and the variable cell behind them: steps that each take bytes. @type {{bytes: number, cell?: Cell}[]} */
    this.steps = [{ bytes: this.mask }];
    for (const cell of cells) {
      if (cell.variable) this.steps.push({ bytes: 0, cell });
      else this.steps[this.steps.length - 1].bytes += bytesOf(cell, cell.items);
    }
  }

  /** Goes on behind the next row; whether it is there whole. */
  skip() {
    for (const { bytes, cell } of this.steps) {
      const items = cell ? this.items(cell) : 0;
      this.at += bytes + (cell ? bytesOf(cell, items) : 0);
    }
    return this.at <= this.bytes.length;
  }

  /** How many items the next cell has; leaves its length behind. NaN when the bytes end. @param {Cell} cell */
  items(cell) {
    if (!cell.variable) return cell.items;
    if (!(this.at + 4 <= this.bytes.length)) return Number.NaN;
    const said = this.view.getUint32(this.at);
    this.at += 4;
    return this.slices ? said * cell.items : said;
  }

  /** The next row as text, as far as its first cells go; null when it is not there whole. @param {number} cells */
  row(cells) {
    const mask = this.at;
    this.at += this.mask;
    const row = [];
    for (let index = 0; index < this.cells.length; index += 1) {
      const cell = this.cells[index];
      const items = this.items(cell);
      const start = this.at;
      this.at += bytesOf(cell, items);
      if (!(this.at <= this.bytes.length)) return null;
      if (index >= cells) continue;
      const masked = this.mask > 0 && (this.bytes[mask + (index >> 3)] & (0x80 >> (index & 7))) !== 0;
      row.push(masked ? "" : this.text(cell, start, items));
    }
    return row;
  }

  /** @param {Cell} cell @param {number} start @param {number} items @returns {string} */
  text({ kind, variable, first, items: each, missing }, start, items) {
    if (kind.text) {
      const several = variable ? each > 1 : first < each;
      const size = several ? first * kind.bytes : this.at - start;
      const texts = [];
      for (let at = start; at < this.at && texts.length < MOST_ITEMS; at += size) {
        const part = this.bytes.subarray(at, Math.min(at + size, at + MOST_TEXT, this.at));
        texts.push(kind.text.decode(part).replace(/\0[^]*$/, ""));
      }
      return texts.join(" ");
    }
    const shown = [];
    for (let item = 0; item < Math.min(items, MOST_ITEMS); item += 1) {
      if (kind.bits) {
        const byte = this.bytes[start + (item >> 3)];
        // The one bit of a cell that is no array stands at another place in the files of some programs.
        shown.push(items === 1 ? Number(byte !== 0) : (byte >> (7 - (item & 7))) & 1);
      } else if (kind.read) {
        const value = kind.read(this.view, start + item * kind.bytes);
        shown.push(missing !== "" && value === missing ? "" : value);
      }
    }
    return shown.join(kind.bits ? "" : " ");
  }
}

/** @param {Reader} reader @param {{rows: number, cells: number}} bounds @returns {Decoded} */
function rowsOf(reader, bounds) {
  const length = reader.bytes.length;
  const rows = [];
  let count = 0;
  let end = 0;
  const width = reader.cells.some((cell) => cell.variable) ? 0 : reader.mask + reader.cells.reduce((sum, cell) => sum + bytesOf(cell, cell.items), 0);
  while (reader.at < length) {
    if (rows.length === bounds.rows && width) {
      count = Math.floor(length / width);
      end = count * width;
      break;
    }
    const row = rows.length < bounds.rows ? reader.row(bounds.cells) : null;
    const whole = row !== null || (rows.length === bounds.rows && reader.skip());
    // Rows of no bytes would never come to an end.
    if (!whole || reader.at === end) break;
    if (row) rows.push(row);
    count += 1;
    end = reader.at;
  }
  return { rows, count, broken: end < length };
}

/**
 * @param {string} text in base64 @param {Column[]} columns @param {boolean} masked that it is BINARY2
 * @param {{rows: number, cells: number}} bounds
 * @returns {Decoded | null} null for columns that nobody knows how to read
 */
export function readStream(text, columns, masked, bounds) {
  const cells = columns.map(cellOf);
  const known = /** @type {Cell[]} */ (cells.filter(Boolean));
  if (known.length < cells.length || !known.length) return null;
  const { bytes, broken } = unpacked(text);
  const found = rowsOf(new Reader(bytes, known, masked, false), bounds);
  const twofold = known.some((cell) => cell.variable && cell.items > 1);
  // Some programs write how many slices an array has, others how many numbers: who is right fits.
  const other = twofold && found.broken ? rowsOf(new Reader(bytes, known, masked, true), bounds) : found;
  const chosen = other.broken ? found : other;
  return { ...chosen, broken: broken || chosen.broken };
}
