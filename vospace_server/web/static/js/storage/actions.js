/** What can be done to what is picked: make, name, move, copy, delete. */

import { element } from "../dom.js";
import { announce } from "../live.js";
import { Refusal } from "../requests.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { child, count, isWithin, nameOf, pathOfUri, uriOf, wrongName } from "./space.js";
import * as jobs from "./jobs.js";
import { choose, field, formDialog, reason, showDialog } from "./windows.js";

/** @typedef {import("./api.js").Entry} Entry */
/** What the page does after a deed. @typedef {{reload: (focus?: string) => Promise<void>}} Page */

const ASK_FROM = 100;

/** A name that is not there yet: `a (2).fits`. @param {string} name @param {(name: string) => boolean} taken */
export function freeName(name, taken) {
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let n = 2; ; n += 1) {
    const candidate = `${stem} (${n})${extension}`;
    if (!taken(candidate)) return candidate;
  }
}

/** @param {string} here @param {Page} page */
export async function newFolder(here, page) {
  const name = field(say("Name of the folder"), { check: (value) => wrongName(value) });
  const done = await formDialog(say("New folder"), [name.whole], {
    yes: say("Make the folder"),
    run: async () => {
      const value = name.read();
      if (value === null) return false;
      return refuse(name, () => api.makeFolder(child(here, value)));
    },
  });
  if (done) await page.reload(name.input.value);
}

/** Puts what is wrong with a name beside it. @param {ReturnType<typeof field>} name @param {() => Promise<unknown>} deed */
async function refuse(name, deed) {
  try {
    await deed();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal) || error.fault !== "DuplicateNode") throw error;
    name.complain(say("Something of this name is there already."));
    name.input.focus();
    return false;
  }
}

/** A link to a node of this service. @param {string} here @param {Page} page */
export async function newLink(here, page) {
  const target = field(say("Target"), {
    value: uriOf(here),
    hint: say("Choose below, or paste a vos: URI or a path."),
    check: (value) => (pathOfUri(value) === null ? say("This is not a place in this service.") : ""),
  });
  const name = field(say("Name of the link"), { check: (value) => wrongName(value) });
  let typed = false;
  name.input.addEventListener("input", () => { typed = true; });
  const { folderTree } = await import("./picker.js");
  const picker = folderTree(here, {
    files: true,
    chosen: (path) => {
      target.input.value = uriOf(path);
      target.complain("");
      if (!typed) name.input.value = nameOf(path);
    },
  });
  const done = await formDialog(say("New link"), [picker.tree, target.whole, name.whole], {
    yes: say("Make the link"),
    big: true,
    run: async () => {
      const path = pathOfUri(target.read() ?? "");
      const value = name.read();
      if (path === null || value === null) return false;
      try {
        await api.node(path);
      } catch (error) {
        if (!(error instanceof Refusal) || error.status === 0) throw error;
        target.complain(error.status === 404 ? say("There is nothing at this place.") : error.message);
        target.input.focus();
        return false;
      }
      return refuse(name, () => api.makeLink(child(here, value), uriOf(path)));
    },
  });
  if (done) await page.reload(name.input.value);
}

/** What is wrong with the address of a bookmark. @param {string} value */
function wrongBookmark(value) {
  if (!/^(https?|ftp|vos):\/\/[^\s/]+/i.test(value.trim())) return say("A bookmark begins with https://, http://, ftp:// or vos://.");
  return "";
}

/** A link that leads out of this service. @param {string} here @param {Page} page */
export async function newBookmark(here, page) {
  const target = field(say("Address"), { type: "url", hint: "https://…", check: wrongBookmark });
  const name = field(say("Name of the bookmark"), { check: (value) => wrongName(value) });
  const done = await formDialog(say("New bookmark link"), [target.whole, name.whole], {
    yes: say("Make the bookmark"),
    run: async () => {
      const address = target.read();
      const value = name.read();
      if (address === null || value === null) return false;
      return refuse(name, () => api.makeLink(child(here, value), address.trim()));
    },
  });
  if (done) await page.reload(name.input.value);
}

/** @param {string} here @param {Entry} entry @param {Page} page */
export async function rename(here, entry, page) {
  const name = field(say("New name"), { value: entry.name, check: (value) => wrongName(value) });
  const answered = formDialog(say("Rename {name}", { name: entry.name }), [name.whole], {
    yes: say("Rename"),
    run: async () => {
      const value = name.read();
      if (value === null) return false;
      if (value === entry.name) return true;
      return refuse(name, () => api.move(child(here, entry.name), child(here, value)));
    },
  });
  // At once: the dialog has the focus already, and a quick hand types.
  name.input.focus();
  const dot = entry.name.lastIndexOf(".");
  name.input.setSelectionRange(0, entry.type !== "container" && dot > 0 ? dot : entry.name.length);
  const done = await answered;
  if (!done || name.input.value === entry.name) return;
  const now = name.input.value;
  await page.reload(now);
  toast(say("{name} is now {other}.", { name: entry.name, other: now }), {
    undo: () => takeBack([[child(here, now), child(here, entry.name)]], page),
  });
}

/** @param {[string, string][]} moves @param {Page} page */
async function takeBack(moves, page) {
  const problems = await each(moves, ([from, to]) => api.move(from, to), ([from]) => nameOf(from));
  await page.reload();
  if (problems.length) tell(say("Not everything could be taken back"), problems);
  else announce(say("Taken back"));
}

/**
 * Does something to each of many and collects what went wrong.
 * @template T
 * @param {T[]} things @param {(thing: T) => Promise<unknown>} deed @param {(thing: T) => string} nameOfThing
 * @returns {Promise<[string, string][]>}
 */
async function each(things, deed, nameOfThing) {
  /** @type {[string, string][]} */
  const problems = [];
  for (const thing of things) {
    try {
      await deed(thing);
    } catch (error) {
      problems.push([nameOfThing(thing), reason(error)]);
      if (error instanceof Refusal && (error.status === 401 || error.status === 0)) break;
    }
  }
  return problems;
}

/** @param {string} title @param {[string, string][]} problems */
export function tell(title, problems) {
  if (problems.length === 1) {
    toast(`${problems[0][0]}: ${problems[0][1]}`, { problem: true });
    return;
  }
  const rows = problems.slice(0, 200).map(([name, why]) => element("li", {}, element("bdi", {}, name), " — ", why));
  showDialog(title, [element("ul", {}, ...rows), problems.length > 200 ? element("p", {}, count(problems.length - 200, "and {n} more", "and {n} more")) : element("span")]);
}

/** @param {"move" | "copy"} kind @param {string} here @param {Entry[]} entries @param {Page} page */
export async function moveOrCopy(kind, here, entries, page) {
  const { folderTree } = await import("./picker.js");
  const picker = folderTree(here);
  const moving = kind === "move";
  const first = entries[0].name;
  const what = entries.length === 1 ? first : count(entries.length, "{n} item", "{n} items");
  let target = here;
  const opened = formDialog(moving ? say("Move {what} to", { what }) : say("Copy {what} to", { what }), [picker.tree, element("p", { class: "hint" }, say("Arrows walk through the tree, right opens a folder."))], {
    yes: moving ? say("Move here") : say("Copy here"),
    big: true,
    run: async () => {
      target = picker.chosen;
      if (moving && target === here) throw new Error(say("It is in this folder already. Choose another one."));
      for (const entry of entries) {
        if (entry.type === "container" && isWithin(target, child(here, entry.name))) throw new Error(say("A folder can't go into itself."));
      }
    },
  });
  const atFirst = document.activeElement;
  void picker.ready.then(() => {
    // The tree may come late; whoever has gone on in the dialog stays there.
    if (document.activeElement === atFirst) /** @type {HTMLElement | null} */ (picker.tree.querySelector("[tabindex='0']"))?.focus();
  });
  if (!(await opened)) return;
  if (moving) await moveTo(here, entries, target, page);
  else await copyTo(here, entries, target, page);
}

/** Which of the names are taken in a folder. @param {string} target @param {Entry[]} entries @returns {Promise<Set<string>>} */
async function takenNames(target, entries) {
  if (entries.length > 50) {
    const [, ...there] = await api.children(target, {});
    const names = new Set(there.map((entry) => entry.name));
    return new Set(entries.map((entry) => entry.name).filter((name) => names.has(name)));
  }
  const found = await Promise.all(entries.map(async (entry) => {
    try {
      await api.node(child(target, entry.name));
      return entry.name;
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return "";
      throw error;
    }
  }));
  return new Set(found.filter(Boolean));
}

/** What to do about names that are taken: asked once. @param {Set<string>} taken @param {boolean} mayReplace */
export async function askAboutTaken(taken, mayReplace) {
  const names = [...taken].slice(0, 5);
  const list = element("ul", {}, ...names.map((name) => element("li", {}, element("bdi", {}, name))), taken.size > 5 ? element("li", {}, count(taken.size - 5, "and {n} more", "and {n} more")) : null);
  /** @type {[string, string][]} */
  const answers = [["both", say("Keep both")], ["skip", say("Skip")]];
  if (mayReplace) answers.push(["replace", say("Replace")]);
  return choose(count(taken.size, "A name is taken already", "{n} names are taken already"), [list], answers);
}

/** Names under which things arrive, or null when somebody changed their mind. @param {string} target @param {Entry[]} entries @param {boolean} mayReplace */
async function arrivals(target, entries, mayReplace) {
  const taken = await takenNames(target, entries);
  const answer = taken.size ? await askAboutTaken(taken, mayReplace) : "both";
  if (!answer) return null;
  const wanted = answer === "skip" ? entries.filter((entry) => !taken.has(entry.name)) : entries;
  /** @type {{entry: Entry, name: string, replace: boolean}[]} */
  const arriving = [];
  const used = new Set(taken);
  for (const entry of wanted) {
    const clash = taken.has(entry.name);
    const name = clash && answer === "both" ? freeName(entry.name, (candidate) => used.has(candidate)) : entry.name;
    used.add(name);
    arriving.push({ entry, name, replace: clash && answer === "replace" });
  }
  return arriving;
}

/** @param {string} here @param {Entry[]} entries @param {string} target @param {Page} page */
export async function moveTo(here, entries, target, page) {
  try {
    const arriving = await arrivals(target, entries, true);
    if (!arriving) return;
    /** @type {[string, string][]} */
    const moved = [];
    const problems = await each(arriving, async ({ entry, name, replace }) => {
      await api.move(child(here, entry.name), child(target, name), replace);
      if (!replace) moved.push([child(target, name), child(here, entry.name)]);
    }, ({ entry }) => entry.name);
    await page.reload();
    if (problems.length) tell(say("Not everything was moved"), problems);
    if (moved.length) toast(count(moved.length, "{n} item was moved.", "{n} items were moved."), { undo: () => takeBack(moved, page) });
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

/** @param {string} here @param {Entry[]} entries @param {string} target @param {Page} page */
export async function copyTo(here, entries, target, page) {
  try {
    const arriving = await arrivals(target, entries, false);
    if (!arriving) return;
    for (const { entry, name } of arriving) {
      const label = say("Copy {name}", { name: entry.name });
      await jobs.run(label, () => api.startCopy(child(here, entry.name), child(target, name)), () => page.reload());
    }
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

/** Deletes into the trash, from where it can be put back. @param {string} here @param {Entry[]} entries @param {Page} page */
export async function remove(here, entries, page) {
  if (entries.length >= ASK_FROM) {
    const sure = await choose(say("Delete {what}?", { what: count(entries.length, "{n} item", "{n} items") }), [element("p", {}, say("They can be put back from the trash for 24 hours."))], [["yes", say("Delete")]]);
    if (!sure) return;
  }
  /** @type {number[]} */
  const ids = [];
  const problems = await each(entries, async (entry) => {
    ids.push((await api.discard(child(here, entry.name))).id);
  }, (entry) => entry.name);
  await page.reload();
  if (problems.length) tell(say("Not everything was deleted"), problems);
  if (!ids.length) return;
  const text = ids.length === 1 && entries.length === 1 ? say("{name} was deleted.", { name: entries[0].name }) : count(ids.length, "{n} item was deleted.", "{n} items were deleted.");
  toast(text, { undo: () => restore(ids, page) });
}

/** @param {number[]} ids @param {Page} page */
async function restore(ids, page) {
  const problems = await each(ids, (id) => api.putBack(id), () => say("Not put back"));
  await page.reload();
  if (problems.length) tell(say("Not everything was put back"), problems);
  else announce(say("Put back"));
}

