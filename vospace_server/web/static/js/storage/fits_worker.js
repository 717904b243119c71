/** Reads FITS files away from the page's thread. */

import { BLOCK, Trouble, columnsOf, compressionOf, extremes, hduOf, isImage, isTable, paint, pixelsOf, readHeader, rowOf, sexagesimal, shapeOf, skyOf, zscale } from "./fits.js";
import { sourceOf } from "./fits_source.js";

const HEADER_STEP = 8 * BLOCK;
const MOST_HEADER = 400 * BLOCK;
const MOST_HDUS = 250;
const WHOLE_PLANE = 32 * 1024 * 1024;
const MOST_SIDE = 1024;
const FEW_ROWS = 512;
const PARALLEL = 6;
const PAGE_ROWS = 100;

/** @typedef {import("./fits.js").Hdu} Hdu */
/** Pixels of a picture, and whether some that the header promises are not in the file. @typedef {{pixels: Float32Array, missing: boolean}} Plane */
/** @typedef {{width: number, height: number, columns: number, rows: number, stepX: number, stepY: number}} Grid */

let address = "";
/** @type {import("./fits_source.js").Source} */
let source = { length: 0, notes: [], read: async () => new Uint8Array(0) };
/** @type {Hdu[]} */
const hdus = [];
/** @type {{pixels: Float32Array, grid: Grid, sky: ((x: number, y: number) => [number, number]) | null} | null} */
let image = null;

/** @param {number} start */
async function readOneHeader(start) {
  let bytes = new Uint8Array(0);
  while (start + bytes.length < source.length && bytes.length < MOST_HEADER) {
    const more = await source.read(start + bytes.length, Math.min(source.length, start + bytes.length + HEADER_STEP));
    const joined = new Uint8Array(bytes.length + more.length);
    joined.set(bytes);
    joined.set(more, bytes.length);
    bytes = joined;
    const found = readHeader(bytes, 0);
    if (found) return hduOf(found.cards, start, start + found.end);
    if (!more.length) break;
  }
  return null;
}

/** @param {{address: string, length: number}} asked */
async function open(asked) {
  address = asked.address;
  source = await sourceOf(address, asked.length);
  hdus.length = 0;
  const notes = [...source.notes];
  if (!/^SIMPLE {2}=/.test(String.fromCharCode(...(await source.read(0, 9))))) throw new Trouble("not-fits");
  for (let at = 0; at < source.length; ) {
    if (hdus.length === MOST_HDUS) {
      notes.push({ code: "many-hdus", values: { n: MOST_HDUS } });
      break;
    }
    const hdu = await readOneHeader(at);
    if (!hdu) {
      // What stands behind the last HDU need not be one.
      if (!hdus.length) throw new Trouble("no-end");
      if (!source.notes.length) notes.push({ code: "rest", values: { n: hdus.length } });
      break;
    }
    hdus.push(hdu);
    at = hdu.data + Math.ceil(hdu.length / BLOCK) * BLOCK;
    if (hdu.data + hdu.length > source.length && !source.notes.length) notes.push({ code: "cut", values: { bytes: hdu.data + hdu.length - source.length } });
  }
  return { notes, hdus: hdus.map(described) };
}

/** @param {Hdu} hdu */
function described(hdu) {
  return {
    name: String(hdu.get("EXTNAME") ?? ""),
    kind: isImage(hdu) ? "image" : isTable(hdu) && !compressionOf(hdu) ? "table" : "header",
    compression: compressionOf(hdu),
    shape: shapeOf(hdu),
    rows: isTable(hdu) ? Number(hdu.get("NAXIS2")) || 0 : 0,
    cards: hdu.cards.map((card) => [card.key, card.value === null ? "" : typeof card.value === "boolean" ? (card.value ? "T" : "F") : String(card.value), card.comment]),
  };
}

/** @param {{hdu: number}} asked */
async function look(asked) {
  const hdu = hdus[asked.hdu];
  const [width, height] = shapeOf(hdu);
  const compressed = compressionOf(hdu) !== "";
  const rowBytes = (width * Math.abs(Number(hdu.get("BITPIX")))) / 8;
  const whole = compressed || rowBytes * height <= WHOLE_PLANE;
  const stepX = Math.ceil(width / MOST_SIDE);
  const stepY = Math.max(Math.ceil(height / MOST_SIDE), whole ? 1 : Math.ceil(height / FEW_ROWS));
  const grid = { width, height, columns: Math.ceil(width / stepX), rows: Math.ceil(height / stepY), stepX, stepY };
  if (!compressed && rowBytes > WHOLE_PLANE) throw new Trouble("long-rows", { bytes: rowBytes });
  const { pixels, missing } = compressed ? await unpackedThere(hdu, asked.hdu, grid) : await plain(hdu, grid, rowBytes, whole);
  image = { pixels, grid, sky: skyOf(hdu) };
  return { width: grid.columns, height: grid.rows, full: [width, height], zscale: zscale(pixels), extremes: extremes(pixels), hasSky: image.sky !== null, missing };
}

/**
 * Pixels as they stand in the file; what is not there stays blank.
 * @param {Hdu} hdu @param {Grid} grid @param {number} rowBytes @param {boolean} whole @returns {Promise<Plane>}
 */
async function plain(hdu, grid, rowBytes, whole) {
  const bitpix = Number(hdu.get("BITPIX"));
  const pixels = new Float32Array(grid.columns * grid.rows).fill(NaN);
  const take = (/** @type {Uint8Array} */ bytes, /** @type {number} */ y) => {
    const row = pixelsOf(bytes, bitpix, hdu);
    for (let x = 0; x < grid.columns && x * grid.stepX < row.length; x += 1) pixels[y * grid.columns + x] = row[x * grid.stepX];
  };
  const end = Math.min(source.length, hdu.data + rowBytes * grid.height);
  if (end - hdu.data < Math.abs(bitpix) / 8) throw new Trouble("no-pixels");
  if (whole) {
    const plane = await source.read(hdu.data, end);
    for (let y = 0; y < grid.rows; y += 1) take(plane.slice(y * grid.stepY * rowBytes, (y * grid.stepY + 1) * rowBytes), y);
  } else {
    let next = 0;
    await Promise.all(Array.from({ length: PARALLEL }, async () => {
      while (next < grid.rows) {
        const y = next;
        next += 1;
        const start = hdu.data + y * grid.stepY * rowBytes;
        if (start < end) take((await source.read(start, Math.min(end, start + rowBytes))).slice(), y);
      }
    }));
  }
  return { pixels, missing: hdu.data + rowBytes * grid.height > source.length };
}

/**
 * Pixels of a tile-compressed image: the server's own reader of FITS unpacks it and hands out every n-th pixel.
 * @param {Hdu} hdu @param {number} n @param {Grid} grid @returns {Promise<Plane>}
 */
async function unpackedThere(hdu, n, grid) {
  const ranges = [`*:${grid.stepX}`, `*:${grid.stepY}`, ...shapeOf(hdu).slice(2).map(() => "1")];
  const response = await fetch(`${address}?${new URLSearchParams({ SUB: `[${n}][${ranges.join(",")}]` })}`);
  if (response.status === 501) throw new Trouble("not-unpacked");
  if (!response.ok) throw new Trouble("unpacking", { why: (await response.text()).trim().replace(/^\w+:\s*/, "").slice(0, 300) });
  // What is wrong with a tile shows when it is its turn, and ends the answer.
  const bytes = new Uint8Array(await response.arrayBuffer().catch(() => { throw new Trouble("tiles"); }));
  const header = readHeader(bytes, 0);
  if (!header) throw new Trouble("no-end");
  const made = hduOf(header.cards, 0, header.end);
  const pixels = pixelsOf(bytes.slice(header.end, header.end + made.length), Number(made.get("BITPIX")), made);
  if (pixels.length !== grid.columns * grid.rows) throw new Trouble("no-pixels");
  return { pixels, missing: false };
}

/** @param {{range: [number, number], stretch: string}} asked */
function draw(asked) {
  if (!image) throw new Trouble("no-pixels");
  const { columns, rows } = image.grid;
  return { width: columns, height: rows, data: paint(image.pixels, columns, rows, asked.range, asked.stretch) };
}

/** What is at a place of the picture. @param {{x: number, y: number}} asked */
function probe(asked) {
  if (!image) return null;
  const { columns, rows, stepX, stepY } = image.grid;
  const [x, y] = [Math.max(0, Math.min(columns - 1, asked.x)), Math.max(0, Math.min(rows - 1, rows - 1 - asked.y))];
  const value = image.pixels[y * columns + x];
  const [px, py] = [x * stepX + 1, y * stepY + 1];
  const sky = image.sky?.(px, py) ?? null;
  return { x: px, y: py, value: Number.isNaN(value) ? "—" : String(Number(value.toPrecision(7))), sky: sky && { text: sexagesimal(sky[0], sky[1]), lon: sky[0], lat: sky[1] } };
}

/** @param {{hdu: number, from: number}} asked */
async function rows(asked) {
  const hdu = hdus[asked.hdu];
  const columns = columnsOf(hdu);
  const [width, all] = [Number(hdu.get("NAXIS1")), Number(hdu.get("NAXIS2"))];
  if (width > WHOLE_PLANE) throw new Trouble("long-rows", { bytes: width });
  // Of rows that hold whole spectra or images fewer make a page.
  const page = Math.min(PAGE_ROWS, Math.max(1, Math.floor(WHOLE_PLANE / Math.max(1, width))));
  const to = Math.min(all, asked.from + page);
  const bytes = to > asked.from ? (await source.read(hdu.data + asked.from * width, hdu.data + to * width)).slice() : new Uint8Array(0);
  const view = new DataView(bytes.buffer);
  const found = [];
  for (let row = asked.from; row < to && (row - asked.from) * width < bytes.length; row += 1) found.push(rowOf(view, (row - asked.from) * width, columns));
  return { fields: columns.map((column) => [column.name, column.unit]), rows: found, page, to: asked.from + found.length, last: found.length < page || to === all };
}

const DEEDS = /** @type {Record<string, (asked: any) => unknown>} */ ({ open, look, draw, probe, rows });

addEventListener("message", async (event) => {
  const { id, deed, asked } = event.data;
  try {
    postMessage({ id, answer: await DEEDS[deed](asked) });
  } catch (error) {
    postMessage({ id, problem: error instanceof Trouble ? error.code : "other", values: error instanceof Trouble ? error.values : { why: error instanceof Error ? error.message : String(error) } });
  }
});
