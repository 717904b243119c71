/** A tree of folders to choose one from, by mouse or by keyboard. */

import { element, icon } from "../dom.js";
import { say } from "../sentences.js";
import * as api from "./api.js";
import { isFolder } from "./grid.js";
import { child, parent } from "./space.js";
import { reason } from "./windows.js";

const MOST = 2000;

/**
 * The tree, open down to a folder.
 * @param {string} start
 * @param {{files?: boolean, chosen?: (path: string) => void}} [more] with `files`, they can be chosen as well
 */
export function folderTree(start, more = {}) {
  let chosen = start;
  const tree = element("ul", { class: "tree", role: "tree", "aria-label": say("Folders") });

  /** @param {string} path @param {string} label @param {boolean} folder */
  function item(path, label, folder) {
    const branch = element("div", { class: "branch" }, folder ? icon("right") : null, icon(folder ? "folder" : "file"), element("bdi", {}, label));
    branch.querySelector(".icon")?.classList.toggle("twist", folder);
    return element("li", { role: "treeitem", tabindex: -1, "aria-selected": "false", "aria-expanded": folder ? "false" : null, "aria-label": label, data: { path } }, branch);
  }

  /** @param {HTMLElement} li @param {boolean} [announceFault] */
  async function expand(li, announceFault = true) {
    if (li.getAttribute("aria-expanded") !== "false") return;
    li.setAttribute("aria-expanded", "true");
    const group = element("ul", { role: "group" });
    li.append(group);
    try {
      const [, ...entries] = await api.children(li.dataset.path ?? "/", { limit: MOST });
      const wanted = entries.filter((each) => isFolder(each) || more.files);
      group.append(...wanted.map((each) => item(child(li.dataset.path ?? "/", each.name), each.name, isFolder(each))));
      if (!wanted.length) group.append(element("li", { role: "none", class: "muted" }, say("No folders in here")));
    } catch (error) {
      if (announceFault) group.append(element("li", { role: "none", class: "error" }, reason(error)));
    }
  }

  /** @param {HTMLElement} li */
  function collapse(li) {
    if (li.getAttribute("aria-expanded") !== "true") return;
    li.setAttribute("aria-expanded", "false");
    li.querySelector("ul")?.remove();
  }

  /** @param {HTMLElement} li */
  function select(li) {
    for (const each of tree.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
    for (const each of tree.querySelectorAll("[tabindex='0']")) each.setAttribute("tabindex", "-1");
    li.setAttribute("aria-selected", "true");
    li.setAttribute("tabindex", "0");
    chosen = li.dataset.path ?? "/";
  }

  /** The person's own choice. @param {HTMLElement} li */
  function choose(li) {
    select(li);
    li.focus();
    more.chosen?.(chosen);
  }

  tree.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const li = /** @type {HTMLElement | null} */ (target.closest("[role=treeitem]"));
    if (!li) return;
    if (target.closest(".twist") && li.getAttribute("aria-expanded") === "true") collapse(li);
    else void expand(li);
    choose(li);
  });
  tree.addEventListener("keydown", (event) => {
    const items = /** @type {HTMLElement[]} */ ([...tree.querySelectorAll("[role=treeitem]")]);
    const li = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[role=treeitem]") ?? null);
    if (!li) return;
    const at = items.indexOf(li);
    if (event.key === "ArrowDown" && items[at + 1]) choose(items[at + 1]);
    else if (event.key === "ArrowUp" && items[at - 1]) choose(items[at - 1]);
    else if (event.key === "Home") choose(items[0]);
    else if (event.key === "End") choose(items[items.length - 1]);
    else if (event.key === "ArrowRight") {
      if (li.getAttribute("aria-expanded") === "true" && items[at + 1]) choose(items[at + 1]);
      else void expand(li);
    } else if (event.key === "ArrowLeft") {
      if (li.getAttribute("aria-expanded") === "true") collapse(li);
      else {
        const up = /** @type {HTMLElement | null} */ (li.parentElement?.closest("[role=treeitem]") ?? null);
        if (up) choose(up);
      }
    } else return;
    event.preventDefault();
  });

  const top = item("/", say("Storage"), true);
  tree.append(top);
  const ready = (async () => {
    const way = [];
    for (let path = start; path !== "/"; path = parent(path)) way.unshift(path);
    let here = top;
    await expand(here);
    for (const path of way) {
      const next = /** @type {HTMLElement[]} */ ([...here.querySelectorAll(":scope > ul > li")]).find((each) => each.dataset.path === path);
      if (!next) break;
      here = next;
      await expand(here);
    }
    // On a slow line this comes after a choice has been made, or typed elsewhere in the form.
    if (tree.querySelector("[aria-selected=true]")) return;
    select(here);
    here.scrollIntoView({ block: "nearest" });
  })();
  return { tree, ready, get chosen() { return chosen; } };
}
