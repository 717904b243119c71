/** Reads FITS files by ranges, away from the page's thread. */

import { BLOCK, columnsOf, extremes, hduOf, isImage, isTable, paint, pixelsOf, readHeader, rowOf, sexagesimal, skyOf, zscale } from "./fits.js";

const HEADER_STEP = 8 * BLOCK;
const MOST_HEADER = 400 * BLOCK;
const MOST_HDUS = 250;
const WHOLE_PLANE = 32 * 1024 * 1024;
const MOST_SIDE = 1024;
const FEW_ROWS = 512;
const PARALLEL = 6;
const PAGE_ROWS = 100;

let address = "";
let length = 0;
/** @type {import("./fits.js").Hdu[]} */
const hdus = [];
/** @type {{pixels: Float32Array, width: number, height: number, stepX: number, stepY: number, sky: ((x: number, y: number) => [number, number]) | null} | null} */
let image = null;

/** @param {number} start @param {number} end */
async function read(start, end) {
  const response = await fetch(address, { headers: { range: `bytes=${start}-${end - 1}` } });
  if (response.status !== 206 && response.status !== 200) throw new Error(`HTTP ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 200 ? bytes.subarray(start, end) : bytes;
}

/** @param {number} start */
async function readOneHeader(start) {
  let bytes = new Uint8Array(0);
  while (start + bytes.length < length && bytes.length < MOST_HEADER) {
    const more = await read(start + bytes.length, Math.min(length, start + bytes.length + HEADER_STEP));
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
  length = asked.length;
  hdus.length = 0;
  for (let at = 0; at < length && hdus.length < MOST_HDUS; ) {
    const hdu = await readOneHeader(at);
    if (!hdu) break;
    if (hdus.length === 0 && hdu.get("SIMPLE") === undefined) throw new Error("no SIMPLE");
    hdus.push(hdu);
    at = hdu.data + Math.ceil(hdu.length / BLOCK) * BLOCK;
  }
  if (!hdus.length) throw new Error("no header");
  return hdus.map((hdu) => ({
    name: String(hdu.get("EXTNAME") ?? ""),
    kind: isTable(hdu) ? (hdu.get("ZIMAGE") === true ? "compressed" : "table") : isImage(hdu) ? "image" : "header",
    shape: Array.from({ length: Math.min(9, Number(hdu.get("NAXIS")) || 0) }, (_, n) => Number(hdu.get(`NAXIS${n + 1}`)) || 0),
    bitpix: Number(hdu.get("BITPIX")) || 0,
    rows: isTable(hdu) ? Number(hdu.get("NAXIS2")) || 0 : 0,
    cards: hdu.cards.map((card) => [card.key, card.value === null ? "" : typeof card.value === "boolean" ? (card.value ? "T" : "F") : String(card.value), card.comment]),
  }));
}

/** @param {{hdu: number}} asked */
async function look(asked) {
  const hdu = hdus[asked.hdu];
  const [width, height, bitpix] = [Number(hdu.get("NAXIS1")), Number(hdu.get("NAXIS2")), Number(hdu.get("BITPIX"))];
  const bytesPerRow = (width * Math.abs(bitpix)) / 8;
  const stepX = Math.ceil(width / MOST_SIDE);
  let stepY = Math.ceil(height / MOST_SIDE);
  const whole = bytesPerRow * height <= WHOLE_PLANE;
  if (!whole) stepY = Math.max(stepY, Math.ceil(height / FEW_ROWS));
  const [columns, rows] = [Math.ceil(width / stepX), Math.ceil(height / stepY)];
  const pixels = new Float32Array(columns * rows);
  const take = (/** @type {Float32Array} */ row, /** @type {number} */ y) => {
    for (let x = 0; x < columns; x += 1) pixels[y * columns + x] = row[x * stepX];
  };
  if (whole) {
    const plane = await read(hdu.data, hdu.data + bytesPerRow * height);
    for (let y = 0; y < rows; y += 1) take(pixelsOf(plane.slice(y * stepY * bytesPerRow, (y * stepY + 1) * bytesPerRow), bitpix, hdu), y);
  } else {
    let next = 0;
    await Promise.all(Array.from({ length: PARALLEL }, async () => {
      while (next < rows) {
        const y = next;
        next += 1;
        const start = hdu.data + y * stepY * bytesPerRow;
        take(pixelsOf((await read(start, start + bytesPerRow)).slice(), bitpix, hdu), y);
      }
    }));
  }
  image = { pixels, width: columns, height: rows, stepX, stepY, sky: skyOf(hdu) };
  return { width: columns, height: rows, full: [width, height], zscale: zscale(pixels), extremes: extremes(pixels), hasSky: image.sky !== null };
}

/** @param {{range: [number, number], stretch: string}} asked */
function draw(asked) {
  if (!image) throw new Error("no image");
  return { width: image.width, height: image.height, data: paint(image.pixels, image.width, image.height, asked.range, asked.stretch) };
}

/** What is at a place of the picture. @param {{x: number, y: number}} asked */
function probe(asked) {
  if (!image) return null;
  const [x, y] = [Math.max(0, Math.min(image.width - 1, asked.x)), Math.max(0, Math.min(image.height - 1, image.height - 1 - asked.y))];
  const value = image.pixels[y * image.width + x];
  const [px, py] = [x * image.stepX + 1, y * image.stepY + 1];
  const sky = image.sky?.(px, py) ?? null;
  return { x: px, y: py, value: Number.isNaN(value) ? "—" : String(Number(value.toPrecision(7))), sky: sky && { text: sexagesimal(sky[0], sky[1]), lon: sky[0], lat: sky[1] } };
}

/** @param {{hdu: number, from: number}} asked */
async function rows(asked) {
  const hdu = hdus[asked.hdu];
  const columns = columnsOf(hdu);
  const [width, all] = [Number(hdu.get("NAXIS1")), Number(hdu.get("NAXIS2"))];
  const to = Math.min(all, asked.from + PAGE_ROWS);
  const bytes = to > asked.from ? (await read(hdu.data + asked.from * width, hdu.data + to * width)).slice() : new Uint8Array(0);
  const view = new DataView(bytes.buffer);
  const found = [];
  for (let row = asked.from; row < to; row += 1) found.push(rowOf(view, (row - asked.from) * width, columns));
  return { fields: columns.map((column) => [column.name, column.unit]), rows: found, to };
}

const DEEDS = /** @type {Record<string, (asked: any) => unknown>} */ ({ open, look, draw, probe, rows });

addEventListener("message", async (event) => {
  const { id, deed, asked } = event.data;
  try {
    postMessage({ id, answer: await DEEDS[deed](asked) });
  } catch (error) {
    postMessage({ id, problem: error instanceof Error ? error.message : String(error) });
  }
});
