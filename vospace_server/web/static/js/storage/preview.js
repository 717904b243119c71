/**
 * A look into a file, made in the browser from a part of its bytes. Whatever is in it stays
 * text nodes and pixels: nothing of it is ever parsed as a page.
 */

import { element } from "../dom.js";
import { say } from "../sentences.js";
import * as api from "./api.js";
import { extensionOf, isFits, isVotable } from "./kinds.js";
import { number, size } from "./space.js";
import { readVotable } from "./votable.js";

const TEXT_BYTES = 128 * 1024;
const MOST_IMAGE = 32 * 1024 * 1024;
// A VOTable of this size is read whole, of a larger one so much.
const MOST_VOTABLE = 8 * 1024 * 1024;
const PART_OF_VOTABLE = 1024 * 1024;
const MOST_ROWS = 200;
// What a table shows; a file may name any number of columns and fill a cell with megabytes.
const MOST_COLUMNS = 100;
const MOST_CHARACTERS = 200;
const MOST_TABLES = 10;
// What a browser unpacks of an image without harm.
const MOST_PIXELS = 100e6;
const IMAGES = /** @type {Record<string, string>} */ ({ png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" });
const TEXTS = /^(txt|text|md|rst|csv|tsv|dat|log|cat|reg|par|cl|py|ipynb|js|mjs|ts|c|h|cc|cpp|f|f90|pro|sh|tex|bib|yml|yaml|toml|ini|cfg|conf|xml|html|htm|svg|sql|hdr|head|ecsv|lst|list|dbl)$/;

/** The bytes of a part. @param {string} address @param {number} start @param {number} end */
export async function bytesOf(address, start, end) {
  const response = await fetch(address, { headers: { range: `bytes=${start}-${end - 1}` } });
  if (!response.ok) throw new Error(say("The server refused the bytes ({status}).", { status: response.status }));
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {HTMLElement} place @param {any} found what /api/v1/details said */
export async function preview(place, found) {
  const { entry, path } = found;
  const extension = extensionOf(entry.name);
  const type = entry.media_type ?? "";
  const opened = await api.openNode(path);
  if (!opened.data) return;
  const address = opened.data;
  if (isFits(entry)) {
    const { showFits } = await import("./fits_view.js");
    await showFits(place, address, entry.length);
  } else if (IMAGES[extension] && entry.length <= MOST_IMAGE) await showImage(place, address, entry, IMAGES[extension]);
  else if (isVotable(entry)) await showVotable(place, address, entry);
  else if (extension === "json" || /json/.test(type)) await showJson(place, address, entry);
  else if (TEXTS.test(extension) || type.startsWith("text/")) await showText(place, address, entry);
  else place.append(element("p", { class: "hint" }, say("There is no preview for files of this kind.")));
}

/** @param {HTMLElement} place @param {string} address @param {any} entry @param {string} type */
async function showImage(place, address, entry, type) {
  const bytes = await bytesOf(address, 0, entry.length);
  const pixels = pixelsOfPng(bytes);
  if (pixels > MOST_PIXELS) throw new Error(say("It has {n} pixels, which is too many to show here.", { n: number(pixels) }));
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const image = /** @type {HTMLImageElement} */ (element("img", { class: "image", alt: say("Preview of {name}", { name: entry.name }), src: url }));
  const good = await new Promise((resolve) => {
    image.addEventListener("load", () => resolve(true));
    image.addEventListener("error", () => resolve(false));
  });
  URL.revokeObjectURL(url);
  place.append(good ? image : element("p", { class: "hint" }, say("This is no image that the browser can show.")));
}

/** How many a PNG says that it has, which a few bytes of it may unpack to; 0 for others. @param {Uint8Array} bytes */
function pixelsOfPng(bytes) {
  if (bytes.length < 24 || bytes[0] !== 0x89 || bytes[1] !== 0x50) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint32(16) * view.getUint32(20);
}

/** @param {string} address @param {any} entry @returns {Promise<{text: string, foreign: boolean}>} */
async function textOf(address, entry) {
  const bytes = await bytesOf(address, 0, Math.min(entry.length, TEXT_BYTES));
  try {
    // A character that the end of the part divides is no error.
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }), foreign: false };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), foreign: true };
  }
}

/** @param {HTMLElement} place @param {{text: string, foreign: boolean}} read @param {any} entry */
function appendText(place, { text, foreign }, entry) {
  if (foreign) place.append(element("p", { class: "hint" }, say("This is not UTF-8; it is shown as Latin 1 (windows-1252).")));
  place.append(element("pre", { tabindex: 0, role: "region", "aria-label": say("Text of {name}", { name: entry.name }) }, text));
  if (entry.length > TEXT_BYTES) place.append(element("p", { class: "hint" }, say("The first {part} of {whole}.", { part: size(TEXT_BYTES), whole: size(entry.length) })));
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showText(place, address, entry) {
  appendText(place, await textOf(address, entry), entry);
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showJson(place, address, entry) {
  const read = await textOf(address, entry);
  try {
    read.text = JSON.stringify(JSON.parse(read.text), null, 2);
  } catch {
    // Cut off or not JSON: as it is.
  }
  appendText(place, read, entry);
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showVotable(place, address, entry) {
  const whole = entry.length <= MOST_VOTABLE;
  const bytes = await bytesOf(address, 0, whole ? entry.length : PART_OF_VOTABLE);
  const { tables, broken } = readVotable(new TextDecoder().decode(bytes), { rows: MOST_ROWS, cells: MOST_COLUMNS, tables: MOST_TABLES });
  const hint = (/** @type {string} */ text) => place.append(element("p", { class: "hint" }, text));
  if (!tables.length) throw new Error(say("There is no table in it."));
  if (!whole) hint(say("Only the first {part} of {whole} are read here; TOPCAT takes it whole.", { part: size(PART_OF_VOTABLE), whole: size(entry.length) }));
  else if (broken) hint(say("This is not well-formed XML; what comes before the error is shown."));
  for (const table of tables.slice(0, MOST_TABLES)) {
    place.append(element("h3", {}, cut(table.name) || say("Table")), ...tableOf(table.fields, table.rows));
    if (table.count > table.rows.length) hint(whole ? say("The first {n} of {all} rows.", { n: number(MOST_ROWS), all: number(table.count) }) : say("The first {n} rows.", { n: number(MOST_ROWS) }));
    if (whole && table.cutOff) hint(say("The binary rows break off; those before are shown."));
    else if (!table.count) hint(table.binary ? say("The rows are stored in a form that is not read here; TOPCAT shows them.") : say("This table has no rows."));
  }
  if (tables.length > MOST_TABLES) hint(say("The first {n} of {all} tables.", { n: number(MOST_TABLES), all: number(tables.length) }));
}

/** @param {string} text */
const cut = (text) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text);

/** A table that scrolls, and how much of it is left out. @param {string[][]} fields name and unit @param {string[][]} rows @returns {HTMLElement[]} */
export function tableOf(fields, rows) {
  const few = fields.slice(0, MOST_COLUMNS).map((field) => field.map(cut));
  const table = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("Rows") }, element("table", {},
    element("thead", {}, element("tr", {}, ...few.map(([name, unit]) => element("th", { scope: "col" }, name, unit ? ` [${unit}]` : "")))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.slice(0, MOST_COLUMNS).map((cell) => element("td", {}, cut(cell))))))));
  return fields.length > MOST_COLUMNS ? [table, element("p", { class: "hint" }, say("The first {n} of {all} columns.", { n: number(MOST_COLUMNS), all: number(fields.length) }))] : [table];
}
