/** FITS as far as a look needs it: headers, sizes, pixels, rows. Pure functions on bytes. */

export const BLOCK = 2880;
const CARD = 80;

/** What is wrong with a file; the page has the words for each code. */
export class Trouble extends Error {
  /** @param {string} code @param {Record<string, string | number>} [values] */
  constructor(code, values = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }
}

/** @typedef {{key: string, value: string | number | boolean | null, comment: string}} Card */
/** @typedef {{cards: Card[], get: (key: string) => any, start: number, data: number, length: number}} Hdu */

/**
 * The cards of a header that begins at `at`; null when its END is not among the bytes yet.
 * @param {Uint8Array} bytes @param {number} at
 * @returns {{cards: Card[], end: number} | null}
 */
export function readHeader(bytes, at) {
  /** @type {Card[]} */
  const cards = [];
  for (let from = at; from + CARD <= bytes.length; from += CARD) {
    const text = String.fromCharCode(...bytes.subarray(from, from + CARD)).replace(/[^\x20-\x7e]/g, "?");
    if (/^END {5}/.test(text)) return { cards, end: Math.ceil((from + CARD - at) / BLOCK) * BLOCK + at };
    cards.push(cardOf(text));
  }
  return null;
}

/** @param {string} text @returns {Card} */
function cardOf(text) {
  const key = text.slice(0, 8).trimEnd();
  if (key === "HIERARCH") {
    const found = /^HIERARCH\s+([^=]+?)\s*=\s*(.*)$/.exec(text);
    if (found) return { key: found[1], ...valueOf(found[2]) };
  }
  if (text.slice(8, 10) !== "= ") return { key, value: null, comment: text.slice(8).trimEnd() };
  return { key, ...valueOf(text.slice(10)) };
}

/** @param {string} text */
function valueOf(text) {
  const quoted = /^\s*'((?:[^']|'')*)'\s*(?:\/\s*(.*))?$/.exec(text);
  if (quoted) return { value: quoted[1].replaceAll("''", "'").trimEnd(), comment: (quoted[2] ?? "").trimEnd() };
  const [plain, ...rest] = text.split("/");
  const word = plain.trim();
  const comment = rest.join("/").trim();
  if (word === "T" || word === "F") return { value: word === "T", comment };
  const number = Number(word.replace(/[dD]/, "E"));
  return { value: word !== "" && Number.isFinite(number) ? number : word, comment };
}

/** @param {Card[]} cards @param {number} start @param {number} data @returns {Hdu} */
export function hduOf(cards, start, data) {
  const known = new Map(cards.map((card) => [card.key, card.value]));
  const get = (/** @type {string} */ key) => known.get(key);
  return { cards, get, start, data, length: dataLength(get) };
}

/** @param {(key: string) => any} get */
function dataLength(get) {
  const axes = count(get("NAXIS"));
  if (axes === 0) return 0;
  let product = 1;
  for (let axis = 1; axis <= axes; axis += 1) {
    const length = count(get(`NAXIS${axis}`));
    if (axis === 1 && length === 0 && get("GROUPS") === true) continue;
    product *= length;
  }
  const groups = get("GCOUNT") === undefined ? 1 : count(get("GCOUNT"));
  return (Math.abs(Number(get("BITPIX")) || 8) / 8) * groups * (count(get("PCOUNT")) + product);
}

/** @param {any} value */
const count = (value) => (Number.isInteger(value) && value > 0 ? value : 0);

/** How the tiles of an image are compressed that is kept in a table; '' for everything else. @param {Hdu} hdu */
export const compressionOf = (hdu) => (isTable(hdu) && hdu.get("ZIMAGE") === true ? String(hdu.get("ZCMPTYPE") ?? "?") : "");
/** The lengths of the axes, of a compressed image those that it has when unpacked. @param {Hdu} hdu @returns {number[]} */
export function shapeOf(hdu) {
  const mark = compressionOf(hdu) ? "Z" : "";
  return Array.from({ length: Math.min(999, count(hdu.get(`${mark}NAXIS`))) }, (_, n) => count(hdu.get(`${mark}NAXIS${n + 1}`)));
}
/** @param {Hdu} hdu */
export function isImage(hdu) {
  const shape = shapeOf(hdu);
  return shape.length >= 2 && !shape.includes(0) && (compressionOf(hdu) !== "" || !/TABLE/.test(String(hdu.get("XTENSION") ?? "")));
}
/** @param {Hdu} hdu */
export const isTable = (hdu) => /^(BINTABLE|TABLE)/.test(String(hdu.get("XTENSION") ?? ""));

/**
 * Numbers of an image; what is blank becomes NaN.
 * @param {Uint8Array} bytes @param {number} bitpix @param {Hdu} hdu
 */
export function pixelsOf(bytes, bitpix, hdu) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = Math.abs(bitpix) / 8;
  const read = readerOf(view, bitpix);
  const scale = Number(hdu.get("BSCALE") ?? 1);
  const zero = Number(hdu.get("BZERO") ?? 0);
  const blank = bitpix > 0 ? hdu.get("BLANK") : undefined;
  const pixels = new Float32Array(Math.floor(bytes.byteLength / width));
  for (let at = 0; at < pixels.length; at += 1) {
    const raw = read(at * width);
    pixels[at] = raw === blank ? NaN : raw * scale + zero;
  }
  return pixels;
}

/** @param {DataView} view @param {number} bitpix @returns {(at: number) => number} */
function readerOf(view, bitpix) {
  switch (bitpix) {
    case 8: return (at) => view.getUint8(at);
    case 16: return (at) => view.getInt16(at);
    case 32: return (at) => view.getInt32(at);
    case 64: return (at) => Number(view.getBigInt64(at));
    case -32: return (at) => view.getFloat32(at);
    case -64: return (at) => view.getFloat64(at);
    default: throw new Trouble("bitpix", { bitpix });
  }
}

/** The range of IRAF's zscale: a line through the sorted sample, outliers put aside. @param {Float32Array} pixels @returns {[number, number]} */
export function zscale(pixels) {
  const step = Math.max(1, Math.floor(pixels.length / 2000));
  const sample = [];
  for (let at = 0; at < pixels.length; at += step) if (Number.isFinite(pixels[at])) sample.push(pixels[at]);
  sample.sort((a, b) => a - b);
  const n = sample.length;
  if (n < 2) return [sample[0] ?? 0, (sample[0] ?? 0) + 1];
  const [low, high] = [sample[0], sample[n - 1]];
  let good = sample.map(() => true);
  let slope = 0;
  let middle = 0;
  for (let round = 0; round < 5; round += 1) {
    let [s, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
    sample.forEach((y, x) => {
      if (!good[x]) return;
      s += 1; sx += x; sy += y; sxx += x * x; sxy += x * y;
    });
    if (s < Math.max(5, n / 2)) break;
    slope = (s * sxy - sx * sy) / (s * sxx - sx * sx || 1);
    middle = (sy - slope * sx) / s;
    const flat = sample.map((y, x) => y - (middle + slope * x));
    const spread = Math.sqrt(flat.reduce((sum, each, x) => sum + (good[x] ? each * each : 0), 0) / s);
    const next = flat.map((each) => Math.abs(each) <= 2.5 * spread);
    if (next.every((each, x) => each === good[x])) break;
    good = next;
  }
  const kept = good.filter(Boolean).length;
  const median = sample[Math.floor(n / 2)];
  if (kept < n / 2 || slope === 0) return low === high ? [low, low + 1] : [low, high];
  const wide = slope / 0.25;
  const range = /** @type {[number, number]} */ ([Math.max(low, median - (n / 2) * wide), Math.min(high, median + (n / 2) * wide)]);
  return range[0] < range[1] ? range : [low, high === low ? low + 1 : high];
}

/** @param {Float32Array} pixels @returns {[number, number]} */
export function extremes(pixels) {
  let [low, high] = [Infinity, -Infinity];
  for (const each of pixels) {
    if (each < low) low = each;
    if (each > high) high = each;
  }
  return low < high ? [low, high] : [Number.isFinite(low) ? low : 0, (Number.isFinite(low) ? low : 0) + 1];
}

const CURVES = /** @type {Record<string, (x: number) => number>} */ ({
  linear: (x) => x,
  log: (x) => Math.log10(1 + 999 * x) / 3,
  sqrt: Math.sqrt,
  asinh: (x) => Math.asinh(10 * x) / Math.asinh(10),
});

/**
 * Grey levels, the first row at the bottom as FITS has it.
 * @param {Float32Array} pixels @param {number} width @param {number} height
 * @param {[number, number]} range @param {string} stretch
 */
export function paint(pixels, width, height, range, stretch) {
  const image = new Uint8ClampedArray(width * height * 4);
  const curve = CURVES[stretch] ?? CURVES.linear;
  const levels = new Uint8Array(1025);
  for (let level = 0; level <= 1024; level += 1) levels[level] = Math.round(255 * curve(level / 1024));
  const factor = 1024 / (range[1] - range[0] || 1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = pixels[(height - 1 - y) * width + x];
      const at = (y * width + x) * 4;
      const level = Number.isNaN(value) ? 0 : levels[Math.max(0, Math.min(1024, Math.round((value - range[0]) * factor)))];
      image[at] = level;
      image[at + 1] = level;
      image[at + 2] = level;
      image[at + 3] = 255;
    }
  }
  return image;
}

// ------------------------------------------------------------------ sky

const DEGREE = Math.PI / 180;

/**
 * From pixels (from 1, as FITS counts) to longitude and latitude in degrees, for the projections
 * TAN and SIN; null for headers that say anything else.
 * @param {Hdu} hdu
 * @returns {((x: number, y: number) => [number, number]) | null}
 */
export function skyOf(hdu) {
  const type = String(hdu.get("CTYPE1") ?? "");
  const projection = /^(RA-|GLON|ELON)-*(TAN|SIN)/.exec(type)?.[2];
  const ref = ["CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2"].map((key) => Number(hdu.get(key)));
  const matrix = matrixOf(hdu);
  if (!projection || !matrix || ref.some((each) => !Number.isFinite(each))) return null;
  const [px, py, lon0, lat0] = ref;
  return (x, y) => {
    const u = (matrix[0] * (x - px) + matrix[1] * (y - py)) * DEGREE;
    const v = (matrix[2] * (x - px) + matrix[3] * (y - py)) * DEGREE;
    const r = Math.hypot(u, v);
    const c = projection === "TAN" ? Math.atan(r) : Math.asin(Math.min(1, r));
    const [sin0, cos0] = [Math.sin(lat0 * DEGREE), Math.cos(lat0 * DEGREE)];
    if (r === 0) return [lon0, lat0];
    const lat = Math.asin(Math.cos(c) * sin0 + (v * Math.sin(c) * cos0) / r);
    const lon = lon0 * DEGREE + Math.atan2(u * Math.sin(c), r * cos0 * Math.cos(c) - v * sin0 * Math.sin(c));
    return [(((lon / DEGREE) % 360) + 360) % 360, lat / DEGREE];
  };
}

/** @param {Hdu} hdu */
function matrixOf(hdu) {
  const cd = ["CD1_1", "CD1_2", "CD2_1", "CD2_2"].map((key) => hdu.get(key));
  if (cd.some((each) => each !== undefined)) return cd.map((each) => Number(each ?? 0));
  const [dx, dy] = [Number(hdu.get("CDELT1")), Number(hdu.get("CDELT2"))];
  if (!Number.isFinite(dx) || !Number.isFinite(dy)) return null;
  const pc = [hdu.get("PC1_1") ?? 1, hdu.get("PC1_2") ?? 0, hdu.get("PC2_1") ?? 0, hdu.get("PC2_2") ?? 1].map(Number);
  const turn = Number(hdu.get("CROTA2") ?? 0) * DEGREE;
  if (turn) return [dx * Math.cos(turn), -dy * Math.sin(turn), dx * Math.sin(turn), dy * Math.cos(turn)];
  return [dx * pc[0], dx * pc[1], dy * pc[2], dy * pc[3]];
}

/** `10:00:00.00 +02:12:00.0` @param {number} lon @param {number} lat */
export function sexagesimal(lon, lat) {
  const parts = (/** @type {number} */ value, /** @type {number} */ digits) => {
    const unit = 10 ** digits;
    const all = Math.round(value * 3600 * unit);
    const seconds = (all % (60 * unit)) / unit;
    const minutes = Math.floor(all / (60 * unit));
    return [Math.floor(minutes / 60), minutes % 60].map((each) => String(each).padStart(2, "0")).concat(seconds.toFixed(digits).padStart(digits + 3, "0")).join(":");
  };
  return `${parts(lon / 15, 2)} ${lat < 0 ? "-" : "+"}${parts(Math.abs(lat), 1)}`;
}

// ------------------------------------------------------------------ tables

/** @typedef {{name: string, unit: string, from: number, bytes: number, count: number, code: string, scale: number, zero: number}} Column */

// Nobody reads more of one cell in a table.
const MOST_CHARACTERS = 200;
const WIDTHS = /** @type {Record<string, number>} */ ({ L: 1, B: 1, A: 1, I: 2, J: 4, E: 4, K: 8, D: 8, C: 8, P: 8, M: 16, Q: 16 });

/** @param {Hdu} hdu @returns {Column[]} */
export function columnsOf(hdu) {
  const binary = String(hdu.get("XTENSION")).startsWith("BINTABLE");
  /** @type {Column[]} */
  const columns = [];
  let from = 0;
  for (let n = 1; n <= Math.min(999, count(hdu.get("TFIELDS"))); n += 1) {
    const form = String(hdu.get(`TFORM${n}`) ?? "").trim();
    const found = binary ? /^(\d*)([LXBIJKAEDCMPQ])/.exec(form) : /^([AIFED])(\d+)/.exec(form);
    if (!found) throw new Trouble("tform", { n, form });
    const repeat = binary ? (found[1] === "" ? 1 : Number(found[1])) : Number(found[2]);
    const code = binary ? found[2] : "A";
    const bytes = binary ? (code === "X" ? Math.ceil(repeat / 8) : repeat * WIDTHS[code]) : repeat;
    if (!binary) from = count(hdu.get(`TBCOL${n}`)) - 1;
    columns.push({ name: String(hdu.get(`TTYPE${n}`) ?? n), unit: String(hdu.get(`TUNIT${n}`) ?? ""), from, bytes, count: repeat, code, scale: Number(hdu.get(`TSCAL${n}`) ?? 1), zero: Number(hdu.get(`TZERO${n}`) ?? 0) });
    from += bytes;
  }
  return columns;
}

/** The cells of one row as text. @param {DataView} view @param {number} at @param {Column[]} columns */
export function rowOf(view, at, columns) {
  return columns.map((column) => cellOf(view, at + column.from, column));
}

/** @param {DataView} view @param {number} at @param {Column} column */
function cellOf(view, at, column) {
  if (at + column.bytes > view.byteLength) return "";
  if (column.code === "A") {
    let text = "";
    for (let n = 0; n < column.bytes; n += 1) {
      if (n === MOST_CHARACTERS) return `${text} …`;
      const code = view.getUint8(at + n);
      if (code === 0) break;
      text += code >= 32 && code < 127 ? String.fromCharCode(code) : "?";
    }
    return text.trimEnd();
  }
  const shown = Math.min(column.count, 8);
  const cells = [];
  for (let n = 0; n < shown; n += 1) cells.push(oneOf(view, at, n, column));
  return cells.join(" ") + (column.count > shown ? " …" : "");
}

/** @param {DataView} view @param {number} at @param {number} n @param {Column} column @returns {string} */
function oneOf(view, at, n, column) {
  const here = at + n * (WIDTHS[column.code] ?? 1);
  const scaled = (/** @type {number} */ raw) => String(column.scale === 1 && column.zero === 0 ? raw : raw * column.scale + column.zero);
  switch (column.code) {
    case "L": return view.getUint8(here) === 84 ? "T" : view.getUint8(here) === 70 ? "F" : "";
    case "X": return (view.getUint8(at + (n >> 3)) >> (7 - (n & 7))) & 1 ? "1" : "0";
    case "B": return scaled(view.getUint8(here));
    case "I": return scaled(view.getInt16(here));
    case "J": return scaled(view.getInt32(here));
    case "K": return column.scale === 1 && Number.isInteger(column.zero) ? String(view.getBigInt64(here) + BigInt(column.zero)) : scaled(Number(view.getBigInt64(here)));
    case "E": return scaled(Number(view.getFloat32(here).toPrecision(7)));
    case "D": return scaled(view.getFloat64(here));
    case "C": return `${view.getFloat32(here)}+${view.getFloat32(here + 4)}i`;
    case "M": return `${view.getFloat64(here)}+${view.getFloat64(here + 8)}i`;
    case "P": return `[${view.getInt32(here)}]`;
    default: return `[${view.getBigInt64(here)}]`;
  }
}
