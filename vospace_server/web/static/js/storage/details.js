/** The panel of one node: what it is, what it says of itself, how to reach it, what is in it. */

import { element, icon } from "../dom.js";
import { announce } from "../live.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { iconOf, isFile, isFolder, isLink } from "./grid.js";
import { isFits } from "./kinds.js";
import { jobsOf, jobsPart } from "./node_jobs.js";
import { explain } from "./permissions.js";
import { preview } from "./preview.js";
import { kindFor, sendTo } from "./send_to.js";
import { count, fileOf, localMoment, moment, nameOf, pageOf, shellWord, size } from "./space.js";
import { field, formDialog, reason } from "./windows.js";

/** @typedef {{page: {reload: (focus?: string) => Promise<void>}, close: () => void, go: (path: string) => void, permissions: (path: string) => void}} Doors */

const PATIENCE_MS = 1500;
let shown = 0;

/** @param {HTMLElement} panel @param {string} path @param {Doors} doors */
export async function showDetails(panel, path, doors) {
  shown += 1;
  const mine = shown;
  panel.replaceChildren(element("p", { class: "muted" }, say("Looking…")));
  const [found, jobs] = await Promise.all([api.details(path), jobsOf(path)]);
  if (mine !== shown) return;
  const entry = found.entry;
  const close = element("button", { type: "button", class: "quiet square", "aria-label": say("Close the details"), onclick: doors.close }, icon("close"));
  const title = element("h2", { tabindex: -1 }, element("bdi", {}, nameOf(found.path) || say("Storage")));
  panel.replaceChildren(element("div", { class: "head" }, title, close), deeds(found, doors), facts(found), ...(found.link ? [linkState(found, doors)] : []));
  title.focus({ preventScroll: true });
  if (isFile(entry) && entry.readable && entry.length > 0) {
    const { place, shown: whole } = previewOf(found);
    panel.append(place);
    // What stands below would move when the preview comes; it waits for that, though not long.
    const late = await Promise.race([whole.then(() => false), new Promise((resolve) => setTimeout(() => resolve(true), PATIENCE_MS))]);
    if (mine !== shown || !place.isConnected) return;
    if (late) place.classList.add("reserved");
  }
  panel.append(ways(found), properties(found, panel, doors), ...jobsPart(path, jobs), explain(found.path));
}

/** @param {any} found @param {Doors} doors */
function deeds(found, doors) {
  const entry = found.entry;
  const all = [];
  if (isFile(entry) && entry.readable) all.push(element("a", { class: "button primary", href: fileOf(found.path), download: entry.name }, icon("download"), say("Download")));
  if (isFolder(entry)) all.push(element("button", { type: "button", onclick: () => doors.go(found.path) }, icon("folder"), say("Open")));
  all.push(element("button", { type: "button", onclick: () => doors.permissions(found.path) }, icon("lock"), say("Permissions")));
  if (kindFor(entry)) all.push(element("button", { type: "button", onclick: () => void sendTo([found]) }, icon("right"), say("Send to Aladin, TOPCAT, DS9 …")));
  return element("p", { class: "actions" }, ...all);
}

/** @param {string} label @param {...(Node | string | null)} value */
const pair = (label, ...value) => element("div", {}, element("dt", {}, label), element("dd", {}, ...value));

/** @param {string} text @param {string} label */
function copyable(text, label) {
  const button = element("button", { type: "button", class: "quiet square", "aria-label": label }, icon("copy"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.replaceChildren(icon("done"));
      announce(say("Copied"));
      setTimeout(() => button.replaceChildren(icon("copy")), 2000);
    } catch {
      toast(say("The browser did not let the page copy. Select the text instead."), { problem: true });
    }
  });
  return element("span", { class: "copyable" }, element("code", {}, text), button);
}

/** @param {number} ns */
const time = (ns) => element("time", { datetime: new Date(ns / 1e6).toISOString(), title: localMoment(ns) }, `${moment(ns)} UTC`);

/** @param {any} found */
function facts(found) {
  const entry = found.entry;
  const rows = [];
  if (isFolder(entry)) rows.push(pair(say("Holds"), `${size(entry.length)} · ${count(entry.files ?? 0, "{n} file", "{n} files")}`));
  else if (!isLink(entry)) rows.push(pair(say("Size"), `${size(entry.length)} (${count(entry.length, "{n} byte", "{n} bytes")})`));
  rows.push(pair(say("Owner"), element("bdi", {}, entry.owner || say("nobody"))));
  rows.push(pair(say("Last modified"), time(entry.mtime_ns)));
  if (entry.media_type) rows.push(pair(say("Type"), entry.media_type));
  if (entry.md5) rows.push(pair("MD5", copyable(entry.md5, say("Copy the MD5"))));
  if (found.sha256) rows.push(pair("SHA-256", copyable(found.sha256, say("Copy the SHA-256"))));
  if (found.busy) rows.push(pair(say("State"), element("span", { class: "chip warn" }, icon("upload"), say("Somebody is writing to it"))));
  if (entry.locked) rows.push(pair(say("State"), element("span", { class: "chip warn" }, icon("lock"), say("Locked"))));
  return element("dl", { class: "pairs" }, ...rows);
}

/** @param {any} found @param {Doors} doors */
function linkState(found, doors) {
  const { link, entry } = found;
  const target = element("p", {}, say("Leads to"), " ", element("code", {}, entry.target ?? ""));
  if (link.state === "good") {
    return element("div", { class: "stack" }, target, element("p", {}, element("span", { class: "chip good" }, icon("done"), say("The target is there"))),
      element("p", { class: "actions" }, element("a", { class: "button", href: pageOf(link.path), onclick: (/** @type {MouseEvent} */ event) => { if (link.type !== "container") return; event.preventDefault(); doors.go(link.path); } }, icon("right"), say("Go to the target"))));
  }
  if (link.state === "broken") return element("div", { class: "stack" }, target, element("p", { class: "banner problem" }, icon("warning"), element("span", {}, say("This link is broken: {why}", { why: link.problem }))));
  const opens = /^(https?|ftp):\/\//i.test(entry.target ?? "");
  return element("div", { class: "stack" }, target, element("p", { class: "hint" }, say("This bookmark leads out of this service.")),
    opens ? element("p", { class: "actions" }, element("a", { class: "button", href: entry.target, target: "_blank", rel: "noopener noreferrer" }, icon("globe"), say("Open {host}", { host: hostOf(entry.target) }))) : null);
}

/** @param {string} address */
function hostOf(address) {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}

/** @param {any} found */
function previewOf(found) {
  const place = element("section", { "aria-label": say("Preview"), class: "stack" });
  const whole = preview(place, found).catch((error) => place.replaceChildren(element("p", { class: "hint" }, say("There is no preview: {why}", { why: reason(error) }))));
  return { place, shown: whole };
}

/** How to reach it from elsewhere. @param {any} found */
function ways(found) {
  const address = `${location.origin}${isFolder(found.entry) ? pageOf(found.path) : fileOf(found.path)}`;
  const rows = [pair(say("URI"), copyable(found.uri, say("Copy the URI"))), pair(say("Address"), copyable(address, say("Copy the address")))];
  if (isFile(found.entry)) {
    rows.push(pair(say("Command"), copyable(`vcp ${shellWord(found.uri)} .`, say("Copy the command"))));
    rows.push(pair("Python", copyable(pythonFor(found, address), say("Copy the Python code"))));
  }
  return element("details", {}, element("summary", {}, say("Use it elsewhere")), element("dl", { class: "pairs" }, ...rows));
}

/** @param {any} found @param {string} address */
function pythonFor(found, address) {
  if (isFits(found.entry)) return `from astropy.io import fits\nhdus = fits.open(${JSON.stringify(address)})`;
  return `from urllib.request import urlopen\ndata = urlopen(${JSON.stringify(address)}).read()`;
}

// ------------------------------------------------------------------ properties

/** @param {any} found @param {HTMLElement} panel @param {Doors} doors */
function properties(found, panel, doors) {
  const again = () => showDetails(panel, found.path, doors);
  const rows = found.properties.map((/** @type {any} */ each) => element("div", {}, element("dt", { title: each.uri }, each.uri.split("#").at(-1)), element("dd", {}, element("bdi", {}, each.value), each.read_only ? null : edit(found, each, again))));
  return element("details", {}, element("summary", {}, count(found.properties.length, "{n} property", "{n} properties")), element("dl", { class: "pairs" }, ...rows),
    element("p", { class: "actions" }, element("button", { type: "button", onclick: () => void addProperty(found, again) }, icon("plus"), say("Add a property"))));
}

/** @param {any} found @param {any} property @param {() => Promise<void>} again */
function edit(found, property, again) {
  const name = property.uri.split("#").at(-1);
  return element("button", { type: "button", class: "quiet square", "aria-label": say("Change {name}", { name }), onclick: async () => {
    const value = field(property.uri, { value: property.value, hint: say("Leave it empty to remove the property.") });
    const done = await formDialog(say("Change {name}", { name }), [value.whole], { yes: say("Save"), run: () => api.change(found.path, { properties: { [property.uri]: value.input.value || null } }) });
    if (done) await again();
  } }, icon("edit"));
}

/** @param {any} found @param {() => Promise<void>} again */
async function addProperty(found, again) {
  const uri = field(say("Identifier"), { value: "ivo://ivoa.net/vospace/core#description", hint: say("A URI that says what is meant"), check: (text) => (/^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(text.trim()) ? "" : say("This is no URI: it needs a scheme, like ivo://.")) });
  const value = field(say("Value"), { check: (text) => (text ? "" : say("Type a value.")) });
  const done = await formDialog(say("Add a property"), [uri.whole, value.whole], {
    yes: say("Add it"),
    run: async () => {
      const identifier = uri.read();
      const text = value.read();
      if (identifier === null || text === null) return false;
      await api.change(found.path, { properties: { [identifier.trim()]: text } });
      return true;
    },
  });
  if (done) await again();
}
