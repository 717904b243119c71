/** The editor of permissions, and the explanation of who may do what and by which rule. */

import { element, icon } from "../dom.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { groupBox, groupName } from "./group_box.js";
import * as jobs from "./jobs.js";
import { count, nameOf, root } from "./space.js";
import { field, formDialog, reason } from "./windows.js";

const CORE = "ivo://ivoa.net/vospace/core#";
const MOST = 200;
const CADC = "ivo://cadc.nrc.ca/vospace/core#";

/** @param {string} label @param {boolean} checked @param {string} [hint] */
function check(label, checked, hint) {
  const box = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }));
  box.checked = checked;
  return { box, whole: element("label", { class: "check" }, box, element("span", {}, label, hint ? element("span", { class: "hint" }, ` ${hint}`) : null)) };
}

/**
 * Edits the permissions of one or several nodes; several get those that are shown.
 * @param {string[]} paths
 * @param {{reload: (focus?: string) => Promise<void>}} page
 */
export async function editPermissions(paths, page) {
  if (paths.length > MOST) throw new Error(say("Select at most {n} at once, or set the permissions of the folder and apply them to its contents.", { n: MOST }));
  const all = await Promise.all(paths.map((path) => api.details(path)));
  const entry = all[0].entry;
  const folders = all.filter((each) => each.entry.type === "container");
  const open = check(say("Everybody may read, also without logging in"), entry.public);
  const inherit = check(say("What is made in here gets the same permissions"), entry.inherit);
  const locked = check(say("Locked: nobody may change or delete it"), entry.locked);
  const preview = element("p", { class: "banner good", role: "status" });
  const below = element("select", {}, element("option", { value: "" }, say("Only this")), element("option", { value: "all" }, belowLabel(folders)));
  const readers = groupBox(say("Groups that may read"), entry.read_groups, tell);
  const writers = groupBox(say("Groups that may read and write"), entry.write_groups, tell);
  function tell() {
    preview.replaceChildren(icon("eye"), element("span", {}, sentence(entry.owner, open.box.checked, readers.chosen, writers.chosen)));
  }
  open.box.addEventListener("change", tell);
  tell();
  const one = paths.length === 1;
  const explanation = one ? explain(paths[0]) : null;
  const manage = root.dataset.groups ? element("p", {}, element("a", { href: "/groups" }, say("Manage groups"))) : null;
  const labelled = element("div", { class: "field" }, element("label", { for: "apply-to" }, say("Apply to")), below);
  below.id = "apply-to";
  const done = await formDialog(
    one ? say("Permissions of {name}", { name: nameOf(paths[0]) || say("Storage") }) : say("Permissions of {what}", { what: count(paths.length, "{n} item", "{n} items") }),
    [
      element("p", { class: "muted" }, say("Owner: {owner}", { owner: entry.owner || say("nobody") })),
      open.whole, readers.whole, writers.whole, manage,
      folders.length ? inherit.whole : null,
      locked.whole,
      folders.length ? labelled : null,
      preview,
      explanation,
    ],
    {
      yes: say("Save the permissions"),
      big: true,
      run: async () => {
        if (readers.isWrong || writers.isWrong) return false;
        const wanted = { public: open.box.checked, read_groups: readers.chosen, write_groups: writers.chosen, locked: locked.box.checked };
        for (const each of all) await api.change(each.path, each.entry.type === "container" ? { ...wanted, inherit: inherit.box.checked } : wanted);
        return true;
      },
    },
  );
  if (!done) return;
  toast(say("The permissions were saved."));
  if (/** @type {HTMLSelectElement} */ (below).value === "all") {
    const properties = { [`${CORE}ispublic`]: String(open.box.checked), [`${CORE}groupread`]: readers.chosen.join(" "), [`${CORE}groupwrite`]: writers.chosen.join(" "), [`${CADC}inheritPermissions`]: String(inherit.box.checked) };
    void applyBelow(folders, properties, page);
  }
  await page.reload();
}

/** One job after the other. @param {any[]} folders @param {Record<string, string>} properties @param {{reload: () => Promise<void>}} page */
async function applyBelow(folders, properties, page) {
  for (const each of folders) await jobs.run(say("Permissions in {name}", { name: nameOf(each.path) }), () => api.startPropertyChange(each.path, properties), () => page.reload());
}

/** @param {any[]} folders */
function belowLabel(folders) {
  const files = folders.reduce((sum, each) => sum + (each.entry.files ?? 0), 0);
  return say("This, {files} in it and the folders they are in", { files: count(files, "{n} file", "{n} files") });
}

/** Who will be able to do what, in one sentence. @param {string} owner @param {boolean} open @param {string[]} readers @param {string[]} writers */
function sentence(owner, open, readers, writers) {
  const write = [owner || say("nobody"), ...writers.map(groupName)].join(", ");
  const read = open ? say("everybody") : [owner || say("nobody"), ...new Set([...writers, ...readers].map(groupName))].join(", ");
  return say("Can read: {read}. Can write: {write}.", { read, write });
}

/** The section that says who may do what and why. @param {string} path */
export function explain(path) {
  const answers = element("div", { class: "stack", "aria-live": "polite" });
  const person = field(say("Check somebody: user name"), { hint: say("Leave it empty for people who are not logged in.") });
  let asked = 0;
  const ask = async (/** @type {string | undefined} */ user) => {
    asked += 1;
    const mine = asked;
    answers.replaceChildren(element("p", { class: "muted" }, say("Looking…")));
    try {
      const report = await api.explain(path, user);
      if (mine === asked) answers.replaceChildren(...reportOf(report, user));
    } catch (error) {
      if (mine !== asked) return;
      answers.replaceChildren(element("p", { class: "error" }, icon("warning"), reason(error)));
    }
  };
  const button = element("button", { type: "button", onclick: () => void ask(person.input.value.trim()) }, icon("search"), say("Check"));
  person.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    void ask(person.input.value.trim());
  });
  const section = element("details", { class: "explain" }, element("summary", {}, say("Explain access")), element("div", { class: "row" }, person.whole, button), answers);
  section.addEventListener("toggle", () => {
    if (/** @type {HTMLDetailsElement} */ (section).open && !answers.childElementCount) void ask(undefined);
  });
  return section;
}

/** @param {any} report @param {string | undefined} user */
function reportOf(report, user) {
  const who = user === undefined ? say("You") : user || say("People who are not logged in");
  const deeds = [["read", say("read this")], ["write", say("write here")], ["set", say("change permissions")], ["remove", say("delete or move it")]];
  const rows = deeds.map(([key, deed]) => {
    const verdict = report.verdicts[key];
    return element("li", { class: verdict.allowed ? "yes" : "no" }, icon(verdict.allowed ? "done" : "close"),
      element("span", {}, verdict.allowed ? say("{who} can {deed}: {why}", { who, deed, why: ruleOf(verdict, report) }) : say("{who} can't {deed}: {why}", { who, deed, why: ruleOf(verdict, report) })));
  });
  const closed = report.steps.slice(0, -1).filter((/** @type {any} */ step) => !step.passes);
  const notes = closed.map((/** @type {any} */ step) => element("p", { class: "banner" }, icon("lock"), element("span", {}, say("The folder “{name}” on the way, which belongs to {owner}, may not be read.", { name: step.name || say("Storage"), owner: step.owner || say("nobody") }))));
  return [element("ul", { class: "verdicts" }, ...rows), ...notes];
}

/** A rule in words. @param {any} verdict @param {any} report */
function ruleOf(verdict, report) {
  const subject = verdict.subject.startsWith("ivo://") ? groupName(verdict.subject) : verdict.subject;
  const words = {
    administrator: say("an administrator may do everything"),
    owner: say("owner of this"),
    allocation_owner: say("owner of the space it lies in"),
    write_group: say("member of the group {group}, which may read and write", { group: subject }),
    read_group: say("member of the group {group}, which may read", { group: subject }),
    public: say("it is public"),
    reachable: say("everything above can be read"),
    ancestor_unreadable: say("the folder “{name}” above it can't be read", { name: subject || say("Storage") }),
    not_logged_in: say("nobody is logged in"),
    read_only_scope: say("the credential is for reading only"),
    no_permission: say("neither the owner, nor a group, nor the public has been given this. {owner} can grant it.", { owner: report.steps.at(-1).owner || say("nobody") }),
    locked: say("it is locked"),
    immutable: say("it can't be changed any more"),
    parent_locked: say("its folder is locked"),
    parent_immutable: say("its folder can't be changed any more"),
    root: say("the top of the storage stays where it is"),
  };
  return /** @type {Record<string, string>} */ (words)[verdict.rule] ?? verdict.because;
}
