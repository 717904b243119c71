/** The jobs of whoever looks that named a node or a folder above it: how far, how they ended, a way to stop them. */

import { element, icon } from "../dom.js";
import { announceSometimes } from "../live.js";
import { load } from "../requests.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { count, localMoment, moment, viewer } from "./space.js";
import { reason } from "./windows.js";

/** @typedef {{id: string, kind: string, phase: string, progress: number | null, running: boolean, places: string[], begun: string, problem: string | null, address: string | null}} Line */

const PAUSE_MS = 1500;
const LOOKS = /** @type {Record<string, string>} */ ({ COMPLETED: "good", ERROR: "bad", ABORTED: "warn", EXECUTING: "mine" });

/** @param {string} path @returns {Promise<Line[]>} */
const ask = async (path) => (await load(`/api/v1/jobs?path=${encodeURIComponent(path)}`)).jobs;

/** What there is to show from the start; nobody's session has none. @param {string} path */
export const jobsOf = (path) => (viewer ? ask(path).catch(() => []) : Promise.resolve([]));

/** @param {string} kind */
function kindOf(kind) {
  const kinds = { transfer: say("Transfer"), longtransfer: say("Copy or move"), delete: say("Delete"), setprops: say("Change permissions"), package: say("Package") };
  return /** @type {Record<string, string>} */ (kinds)[kind] ?? kind;
}

/** @param {string} phase */
function phaseOf(phase) {
  const phases = { PENDING: say("not started"), QUEUED: say("waiting"), EXECUTING: say("running"), COMPLETED: say("done"), ERROR: say("failed"), ABORTED: say("stopped"), HELD: say("held"), SUSPENDED: say("resting") };
  return /** @type {Record<string, string>} */ (phases)[phase] ?? phase.toLowerCase();
}

/**
 * The part of the panel, of no elements when there are no jobs. It follows those that run while it is on the page.
 * @param {string} path @param {Line[]} lines
 */
export function jobsPart(path, lines) {
  if (!lines.length) return [];
  const list = element("ul", { class: "node-jobs" });
  const summary = element("summary");
  const part = element("details", { open: lines.some((line) => line.running || line.phase === "ERROR") }, summary, list);
  let shown = "";
  const show = (/** @type {Line[]} */ now) => {
    summary.textContent = count(now.length, "{n} job", "{n} jobs");
    const standing = now.map((line) => `${line.id} ${line.phase}`).join();
    // A row that somebody is on stays the same element while only its progress moves.
    if (standing !== shown) {
      const focused = part.contains(document.activeElement) && document.activeElement !== summary;
      list.replaceChildren(...now.map(row));
      if (focused) /** @type {HTMLElement} */ (list.querySelector("button") ?? summary).focus();
    }
    shown = standing;
    now.forEach((line) => progress(list, line));
  };
  show(lines);
  if (lines.some((line) => line.running)) setTimeout(() => void follow(part, path, show), PAUSE_MS);
  return [part];
}

/** @param {HTMLElement} part @param {string} path @param {(lines: Line[]) => void} show */
async function follow(part, path, show) {
  if (!part.isConnected) return;
  let goesOn = true;
  try {
    const lines = document.hidden ? null : await ask(path);
    if (lines) {
      show(lines);
      goesOn = lines.some((line) => line.running);
    }
  } catch {
    // The network comes back or it does not; what was known stays.
  }
  if (goesOn) setTimeout(() => void follow(part, path, show), PAUSE_MS);
}

/** @param {Line} line */
function row(line) {
  const begun = Date.parse(line.begun) * 1e6;
  return element("li", { data: { job: line.id, phase: line.phase } },
    element("span", { class: "line" }, element("strong", {}, kindOf(line.kind)), element("span", { class: `chip ${LOOKS[line.phase] ?? ""}` }, phaseOf(line.phase)),
      element("time", { class: "muted", datetime: line.begun, title: localMoment(begun) }, `${moment(begun)} UTC`)),
    line.running && line.address ? stop(line.address, line.kind) : null,
    line.places.length ? element("span", { class: "muted places" }, element("bdi", {}, line.places.join(" → "))) : null,
    line.problem ? element("p", { class: "error" }, element("bdi", {}, line.problem)) : null);
}

/** @param {string} address @param {string} kind */
function stop(address, kind) {
  const button = element("button", { type: "button", class: "quiet square", "aria-label": say("Stop: {what}", { what: kindOf(kind) }) }, icon("stop"));
  button.addEventListener("click", () => void api.abortJob(address).catch((error) => toast(reason(error), { problem: true })));
  return button;
}

/** @param {HTMLElement} list @param {Line} line */
function progress(list, line) {
  if (line.phase !== "EXECUTING" || line.progress === null) return;
  const at = list.querySelector(`[data-job="${CSS.escape(line.id)}"]`);
  let bar = at?.querySelector("progress");
  if (at && !bar) {
    bar = /** @type {HTMLProgressElement} */ (element("progress", { max: 1, "aria-label": say("Progress") }));
    at.append(bar);
  }
  if (bar) bar.value = line.progress;
  announceSometimes(say("{n} % done", { n: Math.round(line.progress * 100) }));
}
