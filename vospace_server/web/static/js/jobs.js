/** The list of jobs follows what they do: progress moves in place, an end loads the page anew. */

import { all, element } from "./dom.js";
import { announceSometimes } from "./live.js";
import { load } from "./requests.js";
import { say } from "./sentences.js";

const PAUSE_MS = 2000;
const rows = new Map(all("[data-job]").map((row) => [row.dataset.job, row]));
const RUNNING = new Set(["PENDING", "QUEUED", "EXECUTING", "HELD", "SUSPENDED"]);

async function follow() {
  if (document.hidden) return wait();
  try {
    const { jobs } = await load("/api/v1/jobs");
    if (jobs.some((job) => rows.get(job.id)?.dataset.phase !== job.phase)) {
      // Not while somebody answers a question or reads a row by keyboard.
      if (!document.querySelector("dialog[open]") && document.activeElement === document.body) {
        location.reload();
        return;
      }
    }
    jobs.filter((job) => job.progress !== null).forEach(show);
  } catch {
    // The network comes back or it does not; the page stays what it was.
  }
  wait();
}

/** @param {{id: string, phase: string, progress: number}} job */
function show(job) {
  const row = rows.get(job.id);
  if (!row || job.phase !== "EXECUTING") return;
  let bar = row.querySelector("progress");
  if (!bar) {
    bar = element("progress", { max: 1, "aria-label": say("Progress") });
    row.cells[2].append(bar);
  }
  bar.value = job.progress;
  announceSometimes(say("{n} % done", { n: Math.round(job.progress * 100) }));
}

function wait() {
  setTimeout(follow, PAUSE_MS);
}

if ([...rows.values()].some((row) => RUNNING.has(row.dataset.phase))) wait();
