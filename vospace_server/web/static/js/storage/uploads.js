/** The queue of uploads. It belongs to the page, not to the folder that is shown on it. */

import { element } from "../dom.js";
import { announceSometimes } from "../live.js";
import { Refusal } from "../requests.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import { askAboutTaken, freeName } from "./actions.js";
import * as api from "./api.js";
import { Failure, send } from "./sending.js";
import { child, count, nameOf, number, parent, size, viewer, wrongName } from "./space.js";
import * as memory from "./upload_memory.js";
import { choose, reason } from "./windows.js";

const PARALLEL = 4;
const TRIES = 4;
/** What a busy server may ask for with Retry-After. */
const LONGEST_WAIT_S = 120;
const WAITS_MS = [500, 1000, 2000, 4000, 8000];

/** @typedef {import("./sending.js").Sending & {why: string, tries: number, size: number}} Upload */

/** Those that have not begun, from `head` on, and before them those that broke off. @type {Upload[]} */
let waiting = [];
let head = 0;
/** @type {Upload[]} */
let brokenOff = [];
/** @type {Set<Upload>} */
export const sending = new Set();
/** @type {Upload[]} */
export let failed = [];
export let paused = false;
export let offline = false;
export let mustLogIn = false;
/** @type {import("./upload_memory.js").Remembered[]} */
export let interrupted = [];
const totals = { count: 0, bytes: 0, sent: 0, done: 0, skipped: 0 };
/** When the work began, and what had been sent then: for the time left. */
let since = { at: 0, sent: 0 };

/** @type {Set<() => void>} */
const watchers = new Set();
/** @type {Set<(folder: string) => void>} */
const arrivals = new Set();
/** Called at most four times a second. @param {() => void} watcher */
export const watch = (watcher) => watchers.add(watcher);
/** Called with the folders in which something has arrived. @param {(folder: string) => void} watcher */
export const onArrival = (watcher) => arrivals.add(watcher);

let telling = false;
function changed() {
  if (telling) return;
  telling = true;
  setTimeout(() => {
    telling = false;
    watchers.forEach((watcher) => watcher());
  }, 250);
}

/** How far everything is. */
export function summary() {
  const sent = totals.sent + [...sending].reduce((sum, each) => sum + each.sent, 0);
  const rate = (sent - since.sent) / ((Date.now() - since.at) / 1000);
  const left = rate > 0 ? (totals.bytes - sent) / rate : Infinity;
  return { ...totals, sent, failed: failed.length, left, rate, finished: isFinished() };
}

const isFinished = () => sending.size === 0 && brokenOff.length === 0 && head >= waiting.length;
export const isBusy = () => !isFinished();

/** What comes next, at most so many. @param {number} most */
export const upcoming = (most) => [...brokenOff, ...waiting.slice(head, head + most)].slice(0, most);

addEventListener("beforeunload", (event) => {
  if (isBusy()) event.preventDefault();
});
addEventListener("online", () => resumeNetwork());
addEventListener("offline", () => {
  offline = true;
  changed();
});

function resumeNetwork() {
  offline = false;
  pump();
  changed();
}

/** What was interrupted by a reload, to be offered. */
export async function findInterrupted() {
  interrupted = viewer ? await memory.all(viewer) : [];
  changed();
}

/** Gives an interrupted upload up. */
export async function forgetInterrupted() {
  for (const each of interrupted) await memory.forget(each.key);
  interrupted = [];
  changed();
}

/**
 * Adds files to the queue: asks once about names that are taken, and refuses at once what the
 * quota has no room for.
 * @param {string} here
 * @param {import("./dropped.js").Chosen[]} chosen
 * @param {string[]} [folders] folders that are to be there even when they hold nothing
 */
export async function add(here, chosen, folders = []) {
  try {
    const resumed = chosen.map((each) => interruptedAs(each));
    const fresh = chosen.filter((_, at) => resumed[at] === null);
    chosen.forEach((each, at) => {
      const known = resumed[at];
      if (known !== null) enqueue(known.path, each.file, true);
    });
    if (fresh.length || folders.length) await addFresh(here, fresh, folders);
  } catch (error) {
    toast(reason(error), { problem: true });
  }
  pump();
  changed();
}

/** @param {import("./dropped.js").Chosen} chosen */
function interruptedAs({ file }) {
  const at = interrupted.findIndex((each) => each.name === file.name && each.size === file.size && each.modified === file.lastModified);
  return at < 0 ? null : interrupted.splice(at, 1)[0];
}

/** @param {string} here @param {import("./dropped.js").Chosen[]} chosen @param {string[]} folders */
async function addFresh(here, chosen, folders) {
  const info = await api.folder(here);
  if (!info.entry.writable) throw new Error(say("You may not write into this folder."));
  const bytes = chosen.reduce((sum, each) => sum + each.file.size, 0);
  const refusal = noRoom(info.quota, bytes, chosen.length);
  if (refusal) {
    toast(refusal, { problem: true });
    return;
  }
  const made = await makeFolders(info.path, chosen, folders);
  const taken = await takenPaths(info.path, chosen, made);
  let answer = "both";
  if (taken.size) answer = await askAboutTaken(new Set([...taken].map((path) => path.slice(info.path === "/" ? 1 : info.path.length + 1))), true);
  if (!answer) return;
  const used = new Set(taken);
  for (const { file, relative } of chosen) {
    let path = child(info.path, relative);
    const clash = taken.has(path);
    if (clash && answer === "skip") {
      totals.skipped += 1;
      continue;
    }
    if (clash && answer === "both") path = child(parent(path), freeName(nameOf(path), (name) => used.has(child(parent(path), name))));
    used.add(path);
    enqueue(path, file, clash && answer === "replace");
  }
}

/** Why there is no room, in words; '' when there is. @param {any} quota @param {number} bytes @param {number} files */
function noRoom(quota, bytes, files) {
  if (!quota) return "";
  if (quota.available !== null && bytes > quota.available) return say("These files need {size}, but only {left} are left of the quota. Nothing was sent.", { size: size(bytes), left: size(quota.available) });
  if (quota.available_files !== null && files > quota.available_files) return say("These are {n} files, but the quota leaves room for {left}. Nothing was sent.", { n: number(files), left: number(quota.available_files) });
  return "";
}

/** Makes the folders that are missing; returns those that were not there. @param {string} here @param {import("./dropped.js").Chosen[]} chosen @param {string[]} folders */
async function makeFolders(here, chosen, folders) {
  /** @type {Set<string>} */
  const wanted = new Set(folders);
  for (const { relative } of chosen) {
    for (let at = relative.lastIndexOf("/"); at > 0; at = relative.lastIndexOf("/", at - 1)) wanted.add(relative.slice(0, at));
  }
  for (const folder of [...wanted]) {
    for (let at = folder.lastIndexOf("/"); at > 0; at = folder.lastIndexOf("/", at - 1)) wanted.add(folder.slice(0, at));
  }
  /** @type {Set<string>} */
  const made = new Set();
  for (const folder of [...wanted].sort((a, b) => a.split("/").length - b.split("/").length)) {
    const path = child(here, folder);
    const wrong = wrongName(nameOf(path));
    if (wrong) throw new Error(`${folder}: ${wrong}`);
    try {
      await api.makeFolder(path);
      made.add(path);
    } catch (error) {
      if (!(error instanceof Refusal) || error.fault !== "DuplicateNode") throw error;
    }
  }
  if (wanted.size) arrivals.forEach((watcher) => watcher(here));
  return made;
}

/** Which paths are taken, looking into each folder that was there before. @param {string} here @param {import("./dropped.js").Chosen[]} chosen @param {Set<string>} made */
async function takenPaths(here, chosen, made) {
  /** @type {Set<string>} */
  const taken = new Set();
  const wanted = new Set(chosen.map(({ relative }) => child(here, relative)));
  const inside = new Set([...wanted].map((path) => parent(path)).filter((folder) => !made.has(folder)));
  for (const folder of inside) {
    const [, ...there] = await api.children(folder, {});
    for (const entry of there) if (wanted.has(child(folder, entry.name))) taken.add(child(folder, entry.name));
  }
  return taken;
}

/** @param {string} path @param {File} file @param {boolean} replace */
function enqueue(path, file, replace) {
  if (isFinished()) since = { at: Date.now(), sent: totals.sent };
  /** @type {Upload} */
  const upload = { path, file, size: file.size, replace, sent: 0, request: null, stopped: false, why: "", tries: 0 };
  totals.count += 1;
  totals.bytes += file.size;
  const wrong = wrongName(nameOf(path));
  if (wrong) fail(upload, wrong);
  else waiting.push(upload);
}

function pump() {
  while (!paused && !offline && !mustLogIn && sending.size < PARALLEL) {
    const upload = brokenOff.shift() ?? waiting[head++];
    if (upload === undefined) {
      waiting = [];
      head = 0;
      return;
    }
    sending.add(upload);
    void work(upload);
  }
}

/** @param {Upload} upload */
async function work(upload) {
  upload.stopped = false;
  changed();
  try {
    await send(upload, changed);
    totals.done += 1;
    totals.sent += upload.size;
    arrivals.forEach((watcher) => watcher(parent(upload.path)));
  } catch (error) {
    await settle(upload, error);
  }
  sending.delete(upload);
  tellProgress();
  changed();
  pump();
}

/** Decides what becomes of an upload that broke off. @param {Upload} upload @param {unknown} error */
async function settle(upload, error) {
  const failure = error instanceof Failure ? error : new Failure(-2, "Failed", reason(error));
  if (!sending.has(upload)) return;
  if (failure.status === 401) mustLogIn = true;
  if (failure.status === 0 || (failure.status >= 500 && upload.tries < TRIES)) {
    // The network comes back some time; until then nothing counts as a failure.
    upload.why = failure.message;
    changed();
    const own = WAITS_MS[Math.min(upload.tries, WAITS_MS.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, Math.max(own, Math.min(failure.wait, LONGEST_WAIT_S) * 1000)));
    upload.tries += 1;
    brokenOff.push(upload);
  } else if (failure.status === -1 || failure.status === 401) brokenOff.push(upload);
  else fail(upload, failure.message);
}

/** @param {Upload} upload @param {string} why */
function fail(upload, why) {
  upload.why = why;
  failed.push(upload);
  totals.bytes -= upload.size;
}

function tellProgress() {
  const now = summary();
  if (now.finished) announceSometimes(now.failed ? say("{done} of {n} files have arrived, {failed} have failed", { done: number(now.done), n: number(now.count), failed: number(now.failed) }) : count(now.done, "{n} file has arrived", "All {n} files have arrived"));
  else announceSometimes(say("{done} of {n} files have arrived", { done: number(now.done), n: number(now.count) }));
}

/** Holds everything; what is under way stops where it is. */
export function pause() {
  paused = true;
  for (const each of sending) {
    each.stopped = true;
    each.request?.abort();
  }
  changed();
}

/** Goes on after a pause or a new login. */
export function resume() {
  paused = false;
  mustLogIn = false;
  since = { at: Date.now(), sent: totals.sent };
  pump();
  changed();
}

/** Tries everything again that has failed. */
export function retryFailed() {
  for (const upload of failed) {
    totals.bytes += upload.size;
    Object.assign(upload, { tries: 0, why: "", sent: 0 });
    waiting.push(upload);
  }
  failed = [];
  since = { at: Date.now(), sent: totals.sent };
  pump();
  changed();
}

/** Saves what has failed and why. */
export async function saveFailures() {
  const { save } = await import("./downloads.js");
  const cell = (/** @type {string} */ text) => `"${text.replaceAll('"', '""')}"`;
  const lines = failed.map((each) => [each.path, String(each.size), each.why].map(cell).join(","));
  save("failures.csv", `path,bytes,reason\r\n${lines.map((line) => `${line}\r\n`).join("")}`, "text/csv");
}

/** Forgets everything; asks first when something has not arrived yet. */
export async function clear() {
  if (!isFinished()) {
    const sure = await choose(say("Stop the uploads?"), [element("p", {}, say("What has not arrived yet will not."))], [["yes", say("Stop them")]]);
    if (!sure) return;
  }
  const under = [...sending];
  sending.clear();
  for (const each of under) {
    each.stopped = true;
    each.request?.abort();
  }
  waiting = [];
  head = 0;
  brokenOff = [];
  failed = [];
  paused = false;
  Object.assign(totals, { count: 0, bytes: 0, sent: 0, done: 0, skipped: 0 });
  changed();
}
