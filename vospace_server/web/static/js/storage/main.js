/** The storage browser: takes the page over that the server has made, and goes from folder to folder. */

import { element, icon } from "../dom.js";
import { announce } from "../live.js";
import { Refusal } from "../requests.js";
import { say } from "../sentences.js";
import { shortcut } from "../shortcuts.js";
import { toast } from "../toasts.js";
import * as actions from "./actions.js";
import * as api from "./api.js";
import { fromDrop, fromInput } from "./dropped.js";
import { Folder } from "./folder.js";
import { Grid, isFolder, isLink } from "./grid.js";
import { child, count, nameOf, pageOf, parent, root, size, uriOf, viewer } from "./space.js";
import * as tray from "./tray.js";
import * as uploads from "./uploads.js";
import { menu, openMenu, reason } from "./windows.js";

/** @typedef {import("./api.js").Entry} Entry */

const get = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const filterBox = /** @type {HTMLInputElement} */ (get("filter"));
const filesBox = /** @type {HTMLInputElement} */ (get("pick-files"));
const folderBox = /** @type {HTMLInputElement} */ (get("pick-folder"));
const panel = get("panel");
const card = get("drop");
const INTERNAL = "application/x-vospace-nodes";

/** @type {Folder | null} */
let folder = null;
let attempt = 0;

const grid = new Grid({ open: openEntry, picked: showPicked, rows: wireRow });
/** What deeds do when they are done. */
const page = { reload };

const here = () => folder?.path ?? root.dataset.path ?? "/";
const picked = () => folder?.pickedEntries ?? [];

// ------------------------------------------------------------------ going places

/** @param {string} path @param {{push?: boolean, open?: string, focus?: string, keep?: boolean}} [how] */
async function go(path, how = {}) {
  attempt += 1;
  const mine = attempt;
  const focusBefore = document.activeElement;
  root.setAttribute("aria-busy", "true");
  try {
    const info = await api.folder(path);
    const next = new Folder(info, () => {
      if (folder !== next) return;
      grid.set(next, true);
      showPicked();
      showProblem();
    });
    const query = new URLSearchParams(location.search);
    takeState(next, how);
    await next.load();
    if (mine !== attempt) return;
    // What was picked, sorted or typed while it was being loaded is what holds.
    takeState(next, how);
    folder?.leave();
    const moved = folder !== null && folder.path !== next.path;
    folder = next;
    root.dataset.path = next.path;
    // In a long folder what is picked may be among what is still to come.
    if (how.keep && next.complete) next.picked = new Set([...next.picked].filter((name) => next.find(name)));
    if (how.push) history.pushState({}, "", pageOf(next.path));
    next.arrange();
    filterBox.value = next.filter;
    if (next.filter !== (new URLSearchParams(location.search).get("filter") ?? "")) writeState();
    show(moved);
    grid.set(next, Boolean(how.keep));
    if (how.focus !== undefined && isFree(focusBefore)) focusName(how.focus);
    if (moved) announce(say("{name}: {items}", { name: titleOf(next.path), items: count(info.count, "{n} item", "{n} items") }));
    const opened = how.open ?? (how.push === false && !how.keep ? query.get("open") ?? undefined : undefined);
    if (opened !== undefined) await openDetails(child(next.path, opened));
  } catch (error) {
    if (mine === attempt) wentWrong(error, path);
  } finally {
    if (mine === attempt) root.removeAttribute("aria-busy");
  }
}

/**
 * Order, filter and selection of a folder that is about to be shown, as they are now.
 * @param {Folder} next @param {{push?: boolean, keep?: boolean}} how
 */
function takeState(next, how) {
  if (how.push !== false && !how.keep) return;
  const query = new URLSearchParams(location.search);
  const sort = query.get("sort");
  next.sort = sort === "size" || sort === "date" ? sort : "name";
  next.descending = query.get("order") === "desc";
  // Somebody may type before the first rows are there, and goes on typing while they come anew.
  next.filter = how.keep || (folder === null && filterBox.value) ? filterBox.value : query.get("filter") ?? "";
  if (!how.keep || !folder) return;
  next.allPicked = folder.allPicked;
  next.picked = new Set([...folder.picked, ...(next.allPicked ? next.entries.map((each) => each.name) : [])]);
}

/** Whether nobody has gone elsewhere since the focus was there. @param {Element | null} before */
function isFree(before) {
  const now = document.activeElement;
  if (document.querySelector("dialog[open]")) return false;
  return now === document.body || now === before || get("rows").contains(now);
}

/** @param {unknown} error @param {string} path */
function wentWrong(error, path) {
  if (error instanceof Refusal && error.status === 404 && path !== "/") {
    toast(say("{path} is not there any more.", { path }), { problem: true });
    if (here() === path) void go(parent(path), { push: true });
    else {
      // A row, or the button "back", led to what is gone: the address and the rows are of here.
      writeState();
      void reload();
    }
    return;
  }
  if (here() !== path) writeState();
  if (error instanceof Refusal && (error.status === 403 || error.status === 401) && here() === path && folder) {
    // What was on the screen must not stay there: access has been taken away.
    folder.leave();
    folder.entries = [];
    folder.complete = true;
    folder.info.entry.readable = false;
    folder.arrange();
    grid.set(folder, false);
    get("nothing").replaceChildren(empty("lock", say("You may not see this folder any more"), element("p", {}, reason(error))));
  }
  toast(reason(error), { problem: true });
}

/** The same folder again, as it is now. @param {string} [focus] the name to go to */
async function reload(focus) {
  await go(here(), { keep: true, focus });
}

/** @param {string} name */
function focusName(name) {
  const at = folder?.shown.findIndex((entry) => entry.name === name) ?? -1;
  if (at >= 0) grid.focusRow(at + (grid.hasUp ? 1 : 0));
}

/** @param {string} path */
const titleOf = (path) => nameOf(path) || say("Storage");

/** @param {boolean} moved */
function show(moved) {
  if (!folder) return;
  const { path, info } = folder;
  document.title = `${titleOf(path)} · vospace`;
  get("place-name").replaceChildren(element("bdi", {}, titleOf(path)));
  showCrumbs(path);
  showPlace(info);
  for (const th of document.querySelectorAll("[data-sort]")) {
    const mine = /** @type {HTMLElement} */ (th).dataset.sort === folder.sort;
    th.setAttribute("aria-sort", mine ? (folder.descending ? "descending" : "ascending") : "none");
    const arrow = th.querySelector(".arrow");
    if (arrow) arrow.textContent = mine ? (folder.descending ? "▾" : "▴") : "";
  }
  get("files").setAttribute("aria-label", say("Contents of {name}", { name: titleOf(path) }));
  if (moved) {
    closeDetails(false);
    scrollTo(0, 0);
  }
  showNothing();
  showPicked();
  showProblem();
}

/** @param {string} path */
function showCrumbs(path) {
  const steps = [path];
  for (let up = path; up !== "/"; ) {
    up = parent(up);
    steps.unshift(up);
  }
  const items = steps.map((step, at) => {
    const last = at === steps.length - 1;
    const link = last ? element("bdi", { "aria-current": "page" }, titleOf(step)) : element("a", { href: pageOf(step), data: { path: step } }, element("bdi", {}, titleOf(step)));
    const li = element("li", {}, link);
    if (!last) acceptDrops(li, step);
    return li;
  });
  get("crumbs").querySelector("ol")?.replaceChildren(...items);
}

/** @param {any} info */
function showPlace(info) {
  const parts = [info.entry.readable ? count(info.count, "{n} item", "{n} items") : say("You may not list this folder")];
  const quota = info.quota;
  const limited = quota && quota.quota !== null;
  if (limited && info.entry.readable) parts.push(say("{size} available", { size: size(quota.available) }));
  const line = get("place-line");
  line.textContent = parts.join(", ");
  if (info.entry.readable) line.title = say("{size} in {files}, as of now", { size: size(info.entry.length), files: count(info.entry.files ?? 0, "{n} file", "{n} files") });
  get("quota").hidden = !limited;
  get("warnings").replaceChildren();
  if (!limited) return;
  const bar = element("progress", { id: "quota-bar", max: "1000", value: Math.min(1000, Math.floor((quota.used * 1000) / Math.max(1, quota.quota))), class: quota.warning ? "full" : null });
  get("quota").replaceChildren(element("label", { for: "quota-bar" }, say("{used} of {quota} used", { used: size(quota.used), quota: size(quota.quota) })), bar);
  if (quota.warning) get("warnings").replaceChildren(element("p", { class: quota.warning === 100 ? "banner problem" : "banner" }, icon("warning"), element("span", {}, quota.warning === 100 ? say("This space is full. Uploads will be refused until something is deleted.") : say("This space is more than {percent} % full.", { percent: quota.warning }))));
}

/** @param {string} symbol @param {string} title @param {...(Node | null)} more */
const empty = (symbol, title, ...more) => element("div", { class: "empty" }, icon(symbol), element("p", { class: "empty-title" }, title), ...more);

/** What to do where there is nothing to see. */
function showNothing() {
  const place = get("nothing");
  place.replaceChildren();
  if (!folder) return;
  const { entry } = folder.info;
  if (!entry.readable) {
    place.append(empty("lock", say("You may not list this folder"), element("p", {}, say("It belongs to {owner}. Ask them for access, or log in with another account.", { owner: entry.owner || say("nobody") }))));
  } else if (folder.complete && !folder.shown.length && folder.filter) {
    place.append(empty("search", say("Nothing here has “{text}” in its name", { text: folder.filter }), element("button", { type: "button", onclick: () => { filterBox.value = ""; applyFilter(); filterBox.focus(); } }, say("Show everything"))));
  } else if (folder.complete && !folder.entries.length) {
    const command = `vcp FILE ${uriOf(folder.path)}`;
    place.append(empty("folder", say("This folder is empty"), entry.writable ? element("p", {}, say("Drop files here, use Upload, or type:"), " ", element("code", {}, command)) : null));
  }
}

function showProblem() {
  if (folder?.problem) get("warnings").append(element("p", { class: "banner problem" }, icon("warning"), element("span", {}, folder.problem), element("button", { type: "button", onclick: () => void reload() }, say("Load again"))));
}

/** @param {Entry | null} entry */
function openEntry(entry) {
  if (entry === null) void go(parent(here()), { push: true, focus: nameOf(here()) });
  else if (isFolder(entry)) void go(child(here(), entry.name), { push: true });
  else if (isLink(entry)) void openLink(entry);
  else void openDetails(child(here(), entry.name));
}

/** @param {Entry} entry */
async function openLink(entry) {
  const path = child(here(), entry.name);
  const mine = attempt;
  try {
    const found = await api.details(path);
    if (mine !== attempt) return;
    if (found.link?.state === "good" && found.link.type === "container") return void go(found.link.path, { push: true });
    if (found.link?.state === "good") return void go(parent(found.link.path), { push: true, open: nameOf(found.link.path) });
    await openDetails(path);
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

// ------------------------------------------------------------------ the panel

/** @param {string} path */
async function openDetails(path) {
  try {
    const { showDetails } = await import("./details.js");
    panel.hidden = false;
    root.classList.add("with-panel");
    await showDetails(panel, path, { page, close: () => closeDetails(true), go: (target) => void go(target, { push: true }), permissions: (target) => void openPermissions([target]) });
  } catch (error) {
    closeDetails(false);
    toast(reason(error), { problem: true });
  }
}

/** @param {boolean} focus */
function closeDetails(focus) {
  if (panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  root.classList.remove("with-panel");
  if (focus) grid.focusRow(grid.focused, false);
}

panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  closeDetails(true);
});

/** @param {string[]} paths */
async function openPermissions(paths) {
  try {
    const { editPermissions } = await import("./permissions.js");
    await editPermissions(paths, page);
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

// ------------------------------------------------------------------ what is picked, and what can be done

const mayWrite = () => folder?.info.entry.writable === true;
/** @type {Record<string, {can: () => boolean, run: () => unknown}>} */
const commands = {
  move: { can: () => mayWrite() && picked().length > 0, run: () => actions.moveOrCopy("move", here(), picked(), page) },
  copy: { can: () => viewer !== "" && picked().length > 0, run: () => actions.moveOrCopy("copy", here(), picked(), page) },
  rename: { can: () => mayWrite() && picked().length === 1, run: () => actions.rename(here(), picked()[0], page) },
  remove: { can: () => mayWrite() && picked().length > 0, run: () => actions.remove(here(), picked(), page) },
  permissions: { can: () => viewer !== "" && (picked().length > 0 || here() !== "/"), run: () => openPermissions(picked().length ? picked().map((entry) => child(here(), entry.name)) : [here()]) },
  details: { can: () => picked().length <= 1, run: () => openDetails(picked().length ? child(here(), picked()[0].name) : here()) },
};
/** @param {string} name */
function command(name) {
  // Somebody who works by keyboard means the row that they are on.
  const focused = grid.entryAt(grid.focused);
  if (!folder?.picked.size && focused && get("rows").contains(document.activeElement)) grid.pick(grid.focused, { toggle: true });
  const known = commands[name];
  if (known.can()) void known.run();
  else announce(whyNot());
}

/** Why nothing happens. */
function whyNot() {
  return picked().length && !mayWrite() ? say("You may not write into this folder.") : say("Select something first.");
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#toolbar [data-do]"))) {
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") return announce(whyNot());
    void commands[button.dataset.do ?? ""].run();
  });
}

/** @param {string} name @param {() => any[] | Promise<any[]>} items */
function wireMenu(name, items) {
  const button = /** @type {HTMLElement} */ (document.querySelector(`[data-menu="${name}"]`));
  menu(button, items);
  return button;
}
const uploadButton = wireMenu("upload", () => [
  { label: say("Add files"), symbol: "file", key: "u", run: () => filesBox.click() },
  { label: say("Upload a folder"), symbol: "folder", run: () => folderBox.click() },
]);
const newButton = wireMenu("new", () => [
  { label: say("Add folder"), symbol: "folder", key: "n", run: () => actions.newFolder(here(), page) },
  { label: say("Add link"), symbol: "link", run: () => actions.newLink(here(), page) },
  { label: say("Add bookmark link"), symbol: "bookmark", run: () => actions.newBookmark(here(), page) },
]);
const downloadButton = wireMenu("download", async () => {
  const downloads = await import("./downloads.js");
  const entries = picked();
  return downloads.ways(here(), entries.length ? entries : folder?.entries ?? [], !entries.length || entries.length === folder?.entries.length);
});

/** @param {boolean} waiting @param {string} what @param {string} bytes */
const pickedWords = (waiting, what, bytes) => (waiting ? say("{what} selected, more are being loaded", { what }) : say("{what} selected, {size}", { what, size: bytes }));

/** The same commands where the pointer is, or by the key for menus. */
get("rows").addEventListener("contextmenu", (event) => {
  const tr = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("tr[data-name]"));
  if (!tr || !folder) return;
  event.preventDefault();
  const entry = grid.entryAt(Number(tr.dataset.row));
  if (!entry) return;
  if (!folder.picked.has(entry.name)) grid.pick(Number(tr.dataset.row), {});
  const labels = /** @type {[string, string, string, string][]} */ ([["move", say("Move"), "move", "m"], ["copy", say("Copy"), "copy", "c"], ["rename", say("Rename"), "edit", "e"], ["permissions", say("Permissions"), "lock", "p"], ["details", say("Details"), "info", "i"], ["remove", say("Delete"), "trash", "Del"]]);
  const known = labels.filter(([name]) => commands[name].can()).map(([name, label, symbol, key]) => ({ label, symbol, key, run: commands[name].run }));
  const place = tr.getBoundingClientRect();
  const [left, top] = event.clientX || event.clientY ? [event.clientX, event.clientY] : [place.left + 40, place.bottom];
  const open = { label: say("Open"), symbol: "right", key: "Enter", run: () => openEntry(entry) };
  const download = { label: say("Download"), symbol: "download", key: "d", run: () => downloadButton.click() };
  openMenu(say("Actions"), [open, download, ...known], left, top, () => grid.rows.get(grid.focused));
});

function showPicked() {
  if (!folder) return;
  const entries = folder.picked.size ? picked() : [];
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  const waiting = folder.allPicked && !folder.complete;
  get("picked").textContent = entries.length ? pickedWords(waiting, count(entries.length, "{n} item", "{n} items"), size(bytes)) : "";
  const set = (/** @type {Element} */ button, /** @type {boolean} */ can) => button.setAttribute("aria-disabled", String(!can));
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#toolbar [data-do]"))) set(button, commands[button.dataset.do ?? ""].can() && !waiting);
  set(uploadButton, mayWrite());
  set(newButton, mayWrite());
  set(downloadButton, folder.entries.length > 0 && !waiting);
}

// ------------------------------------------------------------------ filter and order

function writeState() {
  if (!folder) return;
  const query = new URLSearchParams();
  if (folder.sort !== "name") query.set("sort", folder.sort);
  if (folder.descending) query.set("order", "desc");
  if (folder.filter) query.set("filter", folder.filter);
  history.replaceState({}, "", `${pageOf(folder.path)}${query.size ? `?${query}` : ""}`);
}

function applyFilter() {
  if (!folder) return;
  folder.filter = filterBox.value;
  folder.arrange();
  grid.set(folder, true);
  grid.mark();
  showNothing();
  writeState();
  if (folder.filter) announce(count(folder.shown.length, "{n} item", "{n} items"));
}
let typing = 0;
filterBox.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(applyFilter, (folder?.entries.length ?? 0) > 5000 ? 200 : 60);
});
filterBox.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    grid.focusRow(grid.hasUp && folder?.shown.length ? 1 : 0);
  }
});

async function searchBelow() {
  try {
    const { search } = await import("./search.js");
    search(here(), filterBox.value, (path, name) => void go(path, { push: true, focus: name }));
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}
get("search-below").addEventListener("click", () => void searchBelow());

document.querySelector("#files thead")?.addEventListener("click", (event) => {
  const th = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-sort]"));
  if (!th || !folder || !/** @type {Element} */ (event.target).closest("a")) return;
  event.preventDefault();
  const key = /** @type {import("./folder.js").SortKey} */ (th.dataset.sort);
  folder.descending = folder.sort === key && !folder.descending;
  folder.sort = key;
  folder.arrange();
  writeState();
  show(false);
  grid.set(folder, true);
});

// ------------------------------------------------------------------ drag and drop

/** @param {HTMLElement} tr @param {Entry | null} entry */
function wireRow(tr, entry) {
  if (entry === null) {
    acceptDrops(tr, parent(here()));
    return;
  }
  tr.draggable = true;
  tr.addEventListener("dragstart", (event) => {
    if (!folder?.picked.has(entry.name)) grid.pick(Number(tr.dataset.row), {});
    event.dataTransfer?.setData(INTERNAL, here());
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "copyMove";
  });
  if (isFolder(entry)) acceptDrops(tr, child(here(), entry.name));
}

/** @param {HTMLElement} target @param {string} path */
function acceptDrops(target, path) {
  target.addEventListener("dragover", (event) => {
    const types = event.dataTransfer?.types ?? [];
    if (!types.includes(INTERNAL) && !types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    card.classList.remove("over");
    target.classList.add("over");
    if (event.dataTransfer) event.dataTransfer.dropEffect = types.includes("Files") || event.ctrlKey ? "copy" : "move";
  });
  target.addEventListener("dragleave", () => target.classList.remove("over"));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    target.classList.remove("over");
    void dropped(event, path);
  });
}

/** @param {DragEvent} event @param {string} target */
async function dropped(event, target) {
  const data = event.dataTransfer;
  if (!data) return;
  if (!data.types.includes(INTERNAL)) {
    const found = await fromDrop(data);
    await uploads.add(target, found.files, found.folders);
    return;
  }
  const entries = picked().filter((entry) => child(here(), entry.name) !== target);
  if (!entries.length || target === here()) return;
  if (event.ctrlKey) await actions.copyTo(here(), entries, target, page);
  else await actions.moveTo(here(), entries, target, page);
}

card.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  card.classList.add("over");
});
card.addEventListener("dragleave", (event) => {
  if (!card.contains(/** @type {Node | null} */ (event.relatedTarget))) card.classList.remove("over");
});
card.addEventListener("drop", (event) => {
  card.classList.remove("over");
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  void dropped(event, here());
});

// ------------------------------------------------------------------ uploads

for (const box of [filesBox, folderBox]) {
  box.addEventListener("change", () => {
    const chosen = box.files ? fromInput(box.files) : [];
    box.value = "";
    if (chosen.length) void uploads.add(here(), chosen);
  });
}
let refreshing = 0;
uploads.onArrival((path) => {
  if (path !== here() || refreshing) return;
  refreshing = setTimeout(() => {
    refreshing = 0;
    void reload();
  }, (folder?.entries.length ?? 0) > 2000 ? 5000 : 700);
});
tray.start(() => filesBox.click());
void uploads.findInterrupted();

// ------------------------------------------------------------------ keys, and the first folder

shortcut("n", say("Add folder"), () => mayWrite() && actions.newFolder(here(), page));
shortcut("u", say("Add files"), () => mayWrite() && filesBox.click());
shortcut("i", say("Details"), () => command("details"));
shortcut("m", say("Move"), () => command("move"));
shortcut("c", say("Copy"), () => command("copy"));
shortcut("e", say("Rename"), () => command("rename"));
shortcut("p", say("Permissions"), () => command("permissions"));
shortcut("d", say("Download"), () => downloadButton.click());
shortcut("f", say("Search subfolders"), () => void searchBelow());
shortcut("r", say("Load again"), () => void reload());
shortcut("Delete", say("Delete"), () => command("remove"));
shortcut("Backspace", say("Up to the folder above"), () => here() !== "/" && openEntry(null));
const sheet = document.querySelector("[data-shortcut-list]");
for (const [keys, label] of [[["↑", "↓"], say("Walk through the rows")], [["Enter"], say("Open")], [["Space"], say("Select or not")], [["Shift", "↓"], say("Select a range")], [["Ctrl", "A"], say("Select everything")]]) {
  sheet?.append(element("dt", {}, .../** @type {string[]} */ (keys).map((key) => element("kbd", {}, key))), element("dd", {}, /** @type {string} */ (label)));
}

get("crumbs").addEventListener("click", (event) => {
  const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("a"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  void go(link.dataset.path ?? pathIn(/** @type {HTMLAnchorElement} */ (link).href), { push: true });
});
addEventListener("popstate", () => void go(pathIn(location.href), { push: false }));
/** The folder that an address of ours means. @param {string} address */
function pathIn(address) {
  const names = new URL(address).pathname.replace(/^\/storage\/list/, "").replace(/\/+$/, "");
  return decodeURIComponent(names) || "/";
}
document.querySelector(".pager")?.remove();
void go(root.dataset.path ?? "/", { push: false });

