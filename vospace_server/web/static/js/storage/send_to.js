/** Files handed to Aladin, TOPCAT, DS9 and whatever else listens to SAMP on this computer. */

import { element, icon } from "../dom.js";
import { announce } from "../live.js";
import { say } from "../sentences.js";
import * as api from "./api.js";
import { isFile } from "./grid.js";
import { isFits, isVotable } from "./kinds.js";
import { HubRefusal, programs, tell } from "./samp.js";
import { count, nameOf, uriOf } from "./space.js";
import { reason, showDialog } from "./windows.js";
import { Unreached } from "./xml.js";

/** @typedef {import("./api.js").Entry} Entry */
/** @typedef {import("./samp.js").Program} Program */
/** What a program is to do with files, and the message for each kind of file. @typedef {{name: string, messages: Record<string, string>}} Use */

/** @returns {Use[]} */
const uses = () => [
  { name: say("as image"), messages: { fits: "image.load.fits" } },
  { name: say("as table"), messages: { fits: "table.load.fits", votable: "table.load.votable" } },
];

/** Of which kind a file is that such programs read; '' for others. @param {Entry} entry */
export function kindFor(entry) {
  if (!isFile(entry) || !entry.readable || !entry.length) return "";
  if (isFits(entry)) return "fits";
  return isVotable(entry) ? "votable" : "";
}

/**
 * The window with the programs that listen, and what became of each file.
 * @param {{path: string, entry: Entry}[]} files
 */
export async function sendTo(files) {
  const status = element("p", { role: "status" }, say("Looking for a SAMP hub on this computer. It may ask you there whether this page may connect, and so may the browser."));
  const place = element("div", { class: "stack" });
  const dialog = showDialog(count(files.length, "Send {n} file to a program", "Send {n} files to a program"), [status, place]);
  try {
    const offers = await offersFor(files);
    status.textContent = offers.length ? say("These programs can take them:") : say("A hub is there, but no program that takes such files is connected to it. Start one, then try again.");
    const done = element("ul", { class: "verdicts" });
    place.replaceChildren(element("div", { class: "actions" }, ...offers.map((offer) => buttonFor(offer, done))), done);
    if (dialog.open) place.querySelector("button")?.focus();
  } catch (error) {
    status.className = "banner problem";
    status.replaceChildren(icon("warning"), element("span", {}, await trouble(error)));
  }
}

/** @typedef {{program: Program, use: Use, files: {path: string, entry: Entry}[], all: number}} Offer */

/** @param {{path: string, entry: Entry}[]} files @returns {Promise<Offer[]>} */
async function offersFor(files) {
  const listening = await programs([...new Set(uses().flatMap((use) => Object.values(use.messages)))]);
  return listening.flatMap((program) => uses().map((use) => ({ program, use, all: files.length, files: files.filter(({ entry }) => program.takes.has(use.messages[kindFor(entry)] ?? "")) }))).filter((offer) => offer.files.length);
}

/** @param {Offer} offer @param {HTMLElement} done */
function buttonFor(offer, done) {
  const part = offer.files.length < offer.all ? ` (${say("{n} of {all}", { n: offer.files.length, all: offer.all })})` : "";
  const button = element("button", { type: "button" }, icon("right"), element("span", {}, element("bdi", {}, offer.program.name), ` ${offer.use.name}${part}`));
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    for (const file of offer.files) await sendOne(offer, file, done);
    button.removeAttribute("aria-busy");
  });
  return button;
}

/** @param {Offer} offer @param {{path: string, entry: Entry}} file @param {HTMLElement} done */
async function sendOne({ program, use }, { path, entry }, done) {
  const name = nameOf(path);
  const line = element("li", {}, say("{file} is on its way to {program} …", { file: name, program: program.name }));
  done.append(line);
  const tellOf = (/** @type {string} */ look, /** @type {string} */ symbol, /** @type {string} */ text) => {
    line.className = look;
    line.replaceChildren(icon(symbol), element("span", {}, text));
    announce(text);
  };
  try {
    const mtype = use.messages[kindFor(entry)];
    const opened = await api.openNode(path);
    const id = mtype.startsWith("image.") ? { "image-id": uriOf(path) } : { "table-id": uriOf(path) };
    await tell(program, mtype, { url: new URL(opened.data, location.href).href, name, ...id });
    tellOf("yes", "done", say("{program} has {file}.", { file: name, program: program.name }));
  } catch (error) {
    tellOf("no", "warning", say("{program} did not take {file}: {why}", { file: name, program: program.name, why: reason(error) }));
  }
}

/** What to do now. @param {unknown} error */
async function trouble(error) {
  if (error instanceof HubRefusal) return say("The hub on this computer refused: {why}", { why: error.message });
  if (!(error instanceof Unreached)) return reason(error);
  if (await isForbidden()) return say("This browser does not let the page reach programs on this computer. Allow it in the settings of this site, then try again.");
  return say("No SAMP hub answers on this computer. Start TOPCAT or Aladin, which bring one along, allow the browser to reach this computer if it asks, then try again.");
}

/** Whether the person once told the browser not to let us ask this computer. */
async function isForbidden() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      if ((await navigator.permissions.query(/** @type {any} */ ({ name }))).state === "denied") return true;
    } catch {
      // This browser has no such permission.
    }
  }
  return false;
}
