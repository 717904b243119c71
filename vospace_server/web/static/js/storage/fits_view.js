/** FITS files in the panel: the list of HDUs, their headers, a picture, their rows. */

import { element, icon } from "../dom.js";
import { say } from "../sentences.js";
import { tableOf } from "./preview.js";
import { number, size } from "./space.js";

const WORKER = new URL("./fits_worker.js", import.meta.url);
// The page's policy lets nothing become a script but what this policy has looked at.
const trusted = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("vospace-worker", {
  createScriptURL(/** @type {string} */ text) {
    const address = new URL(text);
    if (address.origin !== location.origin || !address.pathname.startsWith("/assets/")) throw new TypeError("not ours");
    return text;
  },
});
const MOST_CARDS = 1000;
/** Which HDU is to be shown where. @type {WeakMap<HTMLElement, symbol>} */
const wanted = new WeakMap();
/** @type {Worker | null} */
let before = null;

/** Questions to a worker and their answers. @param {Worker} worker */
function asking(worker) {
  let last = 0;
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  worker.addEventListener("message", ({ data }) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.problem !== undefined) asked?.reject(new Error(wordsFor(data.problem, data.values)));
    else asked?.resolve(data.answer);
  });
  worker.addEventListener("error", () => waiting.forEach((asked) => asked.reject(new Error(say("The reader of FITS files has stopped.")))));
  return (/** @type {string} */ deed, /** @type {unknown} */ asked) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject });
    worker.postMessage({ id: last, deed, asked });
  });
}

/** @param {HTMLElement} place @param {string} address @param {number} length */
export async function showFits(place, address, length) {
  before?.terminate();
  const worker = new Worker(trusted ? trusted.createScriptURL(WORKER.href) : WORKER, { type: "module" });
  before = worker;
  const ask = asking(worker);
  const { hdus, notes } = await ask("open", { address: new URL(address, location.href).href, length });
  const select = /** @type {HTMLSelectElement} */ (element("select", { id: "fits-hdu" }, ...hdus.map((/** @type {any} */ hdu, /** @type {number} */ n) => element("option", { value: n }, labelOf(hdu, n)))));
  const remarks = notes.map((/** @type {any} */ note) => remark(wordsFor(note.code, note.values)));
  const content = element("div", { class: "stack" }, element("p", { class: "muted" }, say("Looking…")));
  place.append(element("h3", {}, say("FITS")), element("div", { class: "field" }, element("label", { for: "fits-hdu" }, say("HDU")), select), ...remarks, content);
  const show = () => showHdu(content, ask, hdus[Number(select.value)], Number(select.value));
  select.addEventListener("change", () => void show());
  const first = hdus.findIndex((/** @type {any} */ hdu) => hdu.kind === "image" || hdu.kind === "table");
  select.value = String(Math.max(0, first));
  await show();
}

/** @param {string} text */
const remark = (text) => element("p", { class: "banner" }, icon("warning"), element("span", {}, text));

/** What is wrong with a file. @param {string} code @param {any} values */
function wordsFor(code, values) {
  switch (code) {
    case "not-fits": return say("This is not a FITS file: it does not begin with SIMPLE.");
    case "no-end": return say("The header has no END card; the file is broken or cut off.");
    case "cut": return say("The file is cut off: {size} that its headers promise are missing.", { size: size(values.bytes) });
    case "rest": return say("What follows HDU {n} is no HDU and is not shown.", { n: values.n - 1 });
    case "many-hdus": return say("Only the first {n} HDUs are listed.", { n: values.n });
    case "packed-large": return say("Of this packed file only the first {size} were unpacked; what comes after them is not shown.", { size: size(values.bytes) });
    case "packed-broken": return say("The packed data break off or are damaged; what comes before is shown.");
    case "no-pixels": return say("Its pixels are not in the file.");
    case "long-rows": return say("Its rows are too long for a look: {size}.", { size: size(values.bytes) });
    case "bitpix": return say("BITPIX = {bitpix} is none that FITS knows.", values);
    case "tform": return say("TFORM{n} = {form} is no format that FITS knows.", values);
    case "refused": return say("The server refused the bytes ({status}).", values);
    case "not-unpacked": return say("This image is compressed by tiles, which this server can't unpack: its extra [preview] is not installed.");
    case "tiles": return say("The server could not unpack it: the tiles are damaged.");
    case "unpacking": return say("The server could not unpack it: {why}", values);
    default: return values.why ?? code;
  }
}

/** @param {any} hdu @param {number} n */
function labelOf(hdu, n) {
  const kinds = { image: hdu.compression ? say("image ({codec})", { codec: hdu.compression }) : say("image"), table: say("table"), header: hdu.compression ? say("compressed data") : say("header alone") };
  const shape = hdu.kind === "table" ? say("{n} rows", { n: number(hdu.rows) }) : hdu.shape.slice(0, 9).join(" × ");
  return [`${n}`, hdu.name, /** @type {Record<string, string>} */ (kinds)[hdu.kind], shape].filter(Boolean).join(" · ");
}

/** @param {HTMLElement} content @param {ReturnType<typeof asking>} ask @param {any} hdu @param {number} n */
async function showHdu(content, ask, hdu, n) {
  const mine = Symbol(hdu.name);
  wanted.set(content, mine);
  const look = element("div", { class: "stack" });
  try {
    if (hdu.kind === "image") await showImage(look, ask, n);
    else if (hdu.kind === "table") await showRows(look, ask, hdu, n);
  } catch (error) {
    look.append(element("p", { class: "hint" }, say("This HDU can't be shown: {why}", { why: error instanceof Error ? error.message : String(error) })));
  }
  // Together, so that the header does not move when the picture comes; unless another is wanted.
  if (wanted.get(content) === mine) content.replaceChildren(look, headerOf(hdu));
}

/** The header as a table that can be filtered. @param {any} hdu */
function headerOf(hdu) {
  const filter = /** @type {HTMLInputElement} */ (element("input", { type: "text", id: "fits-filter", autocomplete: "off", spellcheck: "false" }));
  const body = element("tbody", { class: "cards" });
  const more = element("p", { class: "hint", hidden: true });
  const show = () => {
    const text = filter.value.toLowerCase();
    const found = hdu.cards.filter((/** @type {string[]} */ card) => card.join(" ").toLowerCase().includes(text));
    more.hidden = found.length <= MOST_CARDS;
    more.textContent = say("The first {n} of {all} cards; filter to see others.", { n: number(MOST_CARDS), all: number(found.length) });
    body.replaceChildren(...found.slice(0, MOST_CARDS).map((/** @type {string[]} */ card) => element("tr", {}, element("th", { scope: "row" }, card[0]), element("td", {}, card[1]), element("td", {}, card[2]))));
  };
  filter.addEventListener("input", show);
  show();
  return element("details", { open: true }, element("summary", {}, say("Header: {n} cards", { n: number(hdu.cards.length) })),
    element("div", { class: "field" }, element("label", { for: "fits-filter" }, say("Filter the header")), filter),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("Header") }, element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, say("Keyword")), element("th", { scope: "col" }, say("Value")), element("th", { scope: "col" }, say("Comment")))), body)), more);
}

/** @param {HTMLElement} look @param {ReturnType<typeof asking>} ask @param {any} hdu @param {number} n */
async function showRows(look, ask, hdu, n) {
  let [from, page] = [0, 0];
  const place = element("div");
  const line = element("p", { class: "hint", role: "status" });
  const show = async (/** @type {number} */ start) => {
    const found = await ask("rows", { hdu: n, from: start });
    from = start;
    place.replaceChildren(...tableOf(found.fields, found.rows));
    line.textContent = say("Rows {from} to {to} of {all}", { from: number(found.rows.length ? start + 1 : 0), to: number(found.to), all: number(hdu.rows) });
    back.disabled = start === 0;
    on.disabled = found.last;
    page = found.page;
  };
  const back = /** @type {HTMLButtonElement} */ (element("button", { type: "button", onclick: () => void show(Math.max(0, from - page)) }, say("Rows before")));
  const on = /** @type {HTMLButtonElement} */ (element("button", { type: "button", onclick: () => void show(from + page) }, say("Next rows")));
  look.append(place, element("p", { class: "actions" }, back, on), line);
  await show(0);
}

/** @param {HTMLElement} look @param {ReturnType<typeof asking>} ask @param {number} n */
async function showImage(look, ask, n) {
  const found = await ask("look", { hdu: n });
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { width: found.width, height: found.height, tabindex: 0, role: "img", "aria-label": say("Picture of {width} by {height} pixels; arrows move the pointer", { width: number(found.full[0]), height: number(found.full[1]) }) }));
  const stretch = selectOf("fits-stretch", [["linear", say("Linear")], ["sqrt", say("Square root")], ["log", say("Logarithm")], ["asinh", "asinh"]]);
  const range = selectOf("fits-range", [["zscale", "z-scale"], ["extremes", say("Least to most")]]);
  const zoom = selectOf("fits-zoom", [["fit", say("Fit")], ["1", "1 ×"], ["2", "2 ×"], ["4", "4 ×"], ["8", "8 ×"]]);
  const readout = element("output", { "aria-live": "polite" }, say("Point at the picture."));
  const draw = async () => {
    const painted = await ask("draw", { range: found[range.value], stretch: stretch.value });
    canvas.getContext("2d")?.putImageData(new ImageData(painted.data, painted.width, painted.height), 0, 0);
    canvas.dataset.drawn = `${stretch.value} ${range.value}`;
  };
  stretch.addEventListener("change", () => void draw());
  range.addEventListener("change", () => void draw());
  zoom.addEventListener("change", () => { canvas.style.width = zoom.value === "fit" ? "100%" : `${found.width * Number(zoom.value)}px`; canvas.style.maxWidth = zoom.value === "fit" ? "100%" : "none"; });
  const place = { x: Math.floor(found.width / 2), y: Math.floor(found.height / 2) };
  const tell = async () => {
    const at = await ask("probe", place);
    readout.textContent = at ? `x ${at.x}  y ${at.y}  ${say("value")} ${at.value}${at.sky ? `  ${at.sky.text}  (${at.sky.lon.toFixed(5)}, ${at.sky.lat.toFixed(5)})` : ""}` : "";
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    place.x = Math.floor(((event.clientX - box.left) / box.width) * found.width);
    place.y = Math.floor(((event.clientY - box.top) / box.height) * found.height);
    void tell();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] });
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    place.x = Math.max(0, Math.min(found.width - 1, place.x + by[0]));
    place.y = Math.max(0, Math.min(found.height - 1, place.y + by[1]));
    void tell();
  });
  if (found.missing) look.append(element("p", { class: "hint" }, say("The file ends before this picture does; what is missing is black.")));
  look.append(element("div", { class: "sky" }, element("div", { class: "viewport" }, canvas), readout,
    element("div", { class: "row" }, labelled(say("Stretch"), stretch), labelled(say("Range"), range), labelled(say("Zoom"), zoom)),
    found.hasSky ? null : element("p", { class: "hint" }, say("The header has no celestial coordinates that are understood here (TAN, SIN)."))));
  await draw();
}

/** @param {string} id @param {[string, string][]} options */
const selectOf = (id, options) => /** @type {HTMLSelectElement} */ (element("select", { id }, ...options.map(([value, label]) => element("option", { value }, label))));
/** @param {string} label @param {HTMLElement} control */
const labelled = (label, control) => element("div", { class: "field" }, element("label", { for: control.id }, label), control);
