/** The tray: how far uploads and jobs are, in a corner of the page. */

import { element, icon } from "../dom.js";
import { say } from "../sentences.js";
import * as jobs from "./jobs.js";
import { count, duration, nameOf, number, size } from "./space.js";
import * as uploads from "./uploads.js";

const MOST_ROWS = 60;
const tray = /** @type {HTMLElement} */ (document.getElementById("tray"));
let folded = false;
/** The tray keeps its elements, so that a button that is pressed or focused stays the same one. */
let head = /** @type {HTMLElement | null} */ (null);
let list = /** @type {HTMLElement | null} */ (null);
let shape = "";

/** @param {() => void} chooseFiles */
export function start(chooseFiles) {
  const show = () => render(chooseFiles);
  uploads.watch(show);
  jobs.watch(show);
}

/** @param {string} label @param {string} symbol @param {() => unknown} run */
const button = (label, symbol, run) => element("button", { type: "button", onclick: () => void run() }, icon(symbol), label);

/** @param {() => void} chooseFiles */
function render(chooseFiles) {
  const now = uploads.summary();
  const nothing = now.count === 0 && now.skipped === 0 && jobs.running.length === 0 && uploads.interrupted.length === 0;
  tray.hidden = nothing;
  if (nothing) return;
  tray.classList.toggle("folded", folded);
  const wanted = [now.count > 0, now.finished, now.failed > 0, uploads.paused, uploads.mustLogIn, uploads.offline, uploads.interrupted.length, folded, jobs.running.length > 0].join();
  if (wanted !== shape || !head || !list) {
    shape = wanted;
    const focused = /** @type {HTMLElement | null} */ (tray.contains(document.activeElement) ? document.activeElement : null)?.textContent;
    head = headOf(now, chooseFiles);
    list = element("ul", { "aria-label": say("Files"), tabindex: 0 });
    tray.replaceChildren(head, list);
    if (focused) [...tray.querySelectorAll("button")].find((each) => each.textContent === focused)?.focus();
  }
  fill(now);
}

/** @param {ReturnType<typeof uploads.summary>} now @param {() => void} chooseFiles */
function headOf(now, chooseFiles) {
  const fold = element("button", { type: "button", class: "quiet square", "aria-label": folded ? say("Show the list") : say("Fold the list"), "aria-expanded": String(!folded), onclick: () => { folded = !folded; render(chooseFiles); } }, icon(folded ? "up" : "down"));
  const close = element("button", { type: "button", class: "quiet square", "aria-label": say("Close"), onclick: () => void uploads.clear() }, icon("close"));
  const actions = [];
  if (now.count && !now.finished) actions.push(uploads.paused ? button(say("Go on"), "play", uploads.resume) : button(say("Pause"), "pause", uploads.pause));
  if (now.failed) actions.push(button(say("Try again"), "refresh", uploads.retryFailed), button(say("Save the failures"), "download", uploads.saveFailures));
  const notes = [];
  if (uploads.mustLogIn) notes.push(element("p", { class: "banner problem" }, icon("warning"), element("span", {}, say("Your session has ended."), " ", element("a", { href: `/login?next=${encodeURIComponent("/storage/list/")}`, target: "_blank" }, say("Log in in another tab")), " ", say("and go on.")), button(say("Go on"), "play", uploads.resume)));
  if (uploads.offline) notes.push(element("p", { class: "banner" }, icon("warning"), element("span", {}, say("The network is gone. The uploads go on by themselves when it is back."))));
  if (uploads.interrupted.length) {
    notes.push(element("p", { class: "banner" }, icon("history"), element("span", {}, count(uploads.interrupted.length, "{n} large upload was interrupted. Choose its file again to go on where it was.", "{n} large uploads were interrupted. Choose their files again to go on where they were."))));
    actions.push(button(say("Choose the files"), "file", chooseFiles), button(say("Give them up"), "close", uploads.forgetInterrupted));
  }
  return element("div", { class: "tray-head" },
    element("div", { class: "head" }, element("h2", { data: { title: "" } }), element("span", {}, fold, now.count ? close : null)),
    now.count ? element("progress", { max: "1", value: "0", "aria-label": say("All uploads") }) : null,
    now.count ? element("p", { class: "muted", data: { line: "" } }) : null,
    ...notes,
    actions.length ? element("p", { class: "actions" }, ...actions) : null);
}

/** @param {ReturnType<typeof uploads.summary>} now */
function fill(now) {
  const title = head?.querySelector("[data-title]");
  if (title) title.textContent = titleOf(now);
  const bar = head?.querySelector("progress");
  if (bar) bar.value = now.bytes ? now.sent / now.bytes : now.finished ? 1 : 0;
  const line = head?.querySelector("[data-line]");
  if (line) line.textContent = lineOf(now);
  if (folded || !list) return;
  const rows = [...jobs.rows(), ...[...uploads.sending].map(sendingRow), ...uploads.failed.slice(0, MOST_ROWS).map(failedRow)];
  const room = MOST_ROWS - rows.length;
  if (room > 0) rows.push(...uploads.upcoming(room).map(waitingRow));
  if (list.contains(document.activeElement) && document.activeElement !== list) return;
  list.replaceChildren(...rows);
}

/** @param {ReturnType<typeof uploads.summary>} now */
function titleOf(now) {
  if (!now.count) return jobs.running.length ? say("Jobs") : say("Uploads");
  if (now.finished && now.failed) return say("{done} of {n} files have arrived, {failed} have failed", { done: number(now.done), n: number(now.count), failed: number(now.failed) });
  if (now.finished) return count(now.done, "{n} file has arrived", "All {n} files have arrived");
  if (uploads.paused) return say("Paused at {done} of {n} files", { done: number(now.done), n: number(now.count) });
  return say("Uploading: {done} of {n} files", { done: number(now.done), n: number(now.count) });
}

/** @param {ReturnType<typeof uploads.summary>} now */
function lineOf(now) {
  const parts = [say("{sent} of {all}", { sent: size(now.sent), all: size(now.bytes) })];
  if (!now.finished && !uploads.paused && now.rate > 0) parts.push(say("{size} a second", { size: size(Math.round(now.rate)) }), say("{time} left", { time: duration(now.left) }));
  if (now.skipped) parts.push(count(now.skipped, "{n} skipped", "{n} skipped"));
  return parts.join(" · ");
}

/** @param {import("./uploads.js").Upload} upload */
function sendingRow(upload) {
  const percent = upload.size ? Math.floor((100 * upload.sent) / upload.size) : 100;
  return element("li", {}, icon("upload"), element("bdi", { title: upload.path }, nameOf(upload.path)), `${percent} %`,
    element("progress", { max: Math.max(1, upload.size), value: upload.sent, "aria-label": nameOf(upload.path) }),
    upload.why ? element("span", { class: "why" }, upload.why) : null);
}

/** @param {import("./uploads.js").Upload} upload */
const failedRow = (upload) => element("li", { class: "failed" }, icon("warning"), element("bdi", { title: upload.path }, nameOf(upload.path)), size(upload.size), element("span", { class: "why" }, upload.why));

/** @param {import("./uploads.js").Upload} upload */
const waitingRow = (upload) => element("li", { class: "muted" }, icon("clock"), element("bdi", { title: upload.path }, nameOf(upload.path)), size(upload.size));
