/**
 * A look into a file, made in the browser from a part of its bytes. Whatever is in it stays
 * text nodes and pixels: nothing of it is ever parsed as a page.
 */

import { element } from "../dom.js";
import { say } from "../sentences.js";
import * as api from "./api.js";
import { size } from "./space.js";
import { xmlOf } from "./xml.js";

const TEXT_BYTES = 128 * 1024;
const MOST_IMAGE = 32 * 1024 * 1024;
const MOST_VOTABLE = 8 * 1024 * 1024;
const MOST_ROWS = 200;
const IMAGES = /** @type {Record<string, string>} */ ({ png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" });
const TEXTS = /^(txt|text|md|rst|csv|tsv|dat|log|cat|reg|par|cl|py|ipynb|js|mjs|ts|c|h|cc|cpp|f|f90|pro|sh|tex|bib|yml|yaml|toml|ini|cfg|conf|xml|html|htm|svg|sql|hdr|head|ecsv|lst|list|dbl)$/;

/** @param {string} name */
const extensionOf = (name) => /\.([^.]+)$/.exec(name.toLowerCase())?.[1] ?? "";

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
  if (/^(fits|fit|fts)$/.test(extension) || /fits/.test(type)) {
    const { showFits } = await import("./fits_view.js");
    await showFits(place, address, entry.length);
  } else if (IMAGES[extension] && entry.length <= MOST_IMAGE) await showImage(place, address, entry, IMAGES[extension]);
  else if (/^(vot|votable)$/.test(extension) || /votable/.test(type)) await showVotable(place, address, entry);
  else if (extension === "json" || /json/.test(type)) await showJson(place, address, entry);
  else if (TEXTS.test(extension) || type.startsWith("text/")) await showText(place, address, entry);
  else place.append(element("p", { class: "hint" }, say("There is no preview for files of this kind.")));
}

/** @param {HTMLElement} place @param {string} address @param {any} entry @param {string} type */
async function showImage(place, address, entry, type) {
  const bytes = await bytesOf(address, 0, entry.length);
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const image = /** @type {HTMLImageElement} */ (element("img", { class: "image", alt: say("Preview of {name}", { name: entry.name }), src: url }));
  image.addEventListener("error", () => image.replaceWith(element("p", { class: "hint" }, say("This is no image that the browser can show."))));
  image.addEventListener("load", () => URL.revokeObjectURL(url));
  place.append(image);
}

/** @param {string} address @param {any} entry */
async function textOf(address, entry) {
  const bytes = await bytesOf(address, 0, Math.min(entry.length, TEXT_BYTES));
  return new TextDecoder().decode(bytes);
}

/** @param {HTMLElement} place @param {string} text @param {any} entry */
function appendText(place, text, entry) {
  place.append(element("pre", { tabindex: 0, role: "region", "aria-label": say("Text of {name}", { name: entry.name }) }, text));
  if (entry.length > TEXT_BYTES) place.append(element("p", { class: "hint" }, say("The first {part} of {whole}.", { part: size(TEXT_BYTES), whole: size(entry.length) })));
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showText(place, address, entry) {
  appendText(place, await textOf(address, entry), entry);
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showJson(place, address, entry) {
  const text = await textOf(address, entry);
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Cut off or not JSON: as it is.
  }
  appendText(place, shown, entry);
}

/** @param {HTMLElement} place @param {string} address @param {any} entry */
async function showVotable(place, address, entry) {
  if (entry.length > MOST_VOTABLE) {
    await showText(place, address, entry);
    return;
  }
  const document = await xmlOf(address);
  const tables = [...document.getElementsByTagNameNS("*", "TABLE")];
  if (!tables.length) throw new Error(say("There is no table in it."));
  for (const table of tables.slice(0, 10)) {
    const fields = [...table.getElementsByTagNameNS("*", "FIELD")].map((each) => [each.getAttribute("name") ?? "", each.getAttribute("unit") ?? ""]);
    const rows = [...table.getElementsByTagNameNS("*", "TR")];
    const cells = rows.slice(0, MOST_ROWS).map((row) => [...row.getElementsByTagNameNS("*", "TD")].map((cell) => cell.textContent ?? ""));
    place.append(element("h3", {}, table.getAttribute("name") ?? say("Table")), tableOf(fields, cells));
    if (rows.length > MOST_ROWS) place.append(element("p", { class: "hint" }, say("The first {n} of {all} rows.", { n: MOST_ROWS, all: rows.length })));
    if (!rows.length) place.append(element("p", { class: "hint" }, say("The rows are stored in binary form and are not shown.")));
  }
}

/** A table that scrolls. @param {string[][]} fields name and unit @param {string[][]} rows */
export function tableOf(fields, rows) {
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("Rows") }, element("table", {},
    element("thead", {}, element("tr", {}, ...fields.map(([name, unit]) => element("th", { scope: "col" }, name, unit ? ` [${unit}]` : "")))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell)))))));
}
