/** Jobs of the server that this page has started, shown in the tray until they have ended. */

import { element, icon } from "../dom.js";
import { announce } from "../live.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { reason } from "./windows.js";

/** @typedef {{label: string, phase: string, why: string, address: string}} Shown */

/** @type {Shown[]} */
export const running = [];
/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {() => void} watcher */
export const watch = (watcher) => watchers.add(watcher);
const changed = () => watchers.forEach((watcher) => watcher());

/**
 * Starts a job and follows it to its end.
 * @param {string} label @param {() => Promise<string>} start what gives the job's address @param {() => unknown} ended
 * @returns {Promise<boolean>} whether it was done
 */
export async function run(label, start, ended) {
  /** @type {Shown} */
  const shown = { label, phase: "PENDING", why: "", address: "" };
  running.push(shown);
  changed();
  try {
    shown.address = await start();
    await api.jobEnd(shown.address, (phase) => {
      shown.phase = phase;
      changed();
    });
    running.splice(running.indexOf(shown), 1);
    changed();
    announce(say("{what}: done", { what: label }));
    await ended();
    return true;
  } catch (error) {
    running.splice(running.indexOf(shown), 1);
    changed();
    toast(`${label}: ${reason(error)}`, { problem: true });
    await ended();
    return false;
  }
}

/** The rows of the tray. @returns {HTMLElement[]} */
export function rows() {
  return running.map((job) => element("li", {}, icon("job"), element("bdi", {}, job.label),
    job.address ? element("button", { type: "button", class: "quiet square", "aria-label": say("Stop: {what}", { what: job.label }), onclick: () => void api.abortJob(job.address).catch((error) => toast(reason(error), { problem: true })) }, icon("stop")) : element("span"),
    element("progress", { "aria-label": job.label })));
}
