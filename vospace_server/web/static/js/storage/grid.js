/**
 * The table as a window on a folder: only rows near the screen exist. Rows are focused with
 * arrows, picked with space, click, shift and ctrl, opened with enter.
 */

import { element, icon } from "../dom.js";
import { say } from "../sentences.js";
import { child, fileOf, localMoment, moment, pageOf, parent, size } from "./space.js";

const MARGIN = 12;

/** @typedef {import("./api.js").Entry} Entry */

/** @param {Entry} entry */
export function iconOf(entry) {
  if (isFolder(entry)) return "folder";
  if (isLink(entry)) return /^vos:/i.test(entry.target ?? "") ? "link" : "bookmark";
  return "file";
}
/** @param {Entry} entry */
export const isFolder = (entry) => entry.type === "container";
/** @param {Entry} entry */
export const isLink = (entry) => entry.type === "link";
/** @param {Entry} entry */
export const isFile = (entry) => !isFolder(entry) && !isLink(entry);

/** Who has access, at a glance. @param {Entry} entry @returns {[string, string]} */
export function accessOf(entry) {
  if (entry.public) return ["globe", say("Public")];
  const groups = [...entry.write_groups, ...entry.read_groups].map((uri) => uri.split("?").at(-1) ?? uri);
  if (!groups.length) return ["lock", say("Private")];
  return ["group", groups.length > 1 ? `${groups[0]} +${groups.length - 1}` : groups[0]];
}

export class Grid {
  /**
   * @param {{open: (entry: Entry | null) => void, picked: () => void, rows: (tr: HTMLElement, entry: Entry | null) => void}} calls
   *   what happens when a row is opened, when the selection changed, and when a row was made;
   *   null is the row that leads up
   */
  constructor(calls) {
    this.calls = calls;
    this.table = /** @type {HTMLElement} */ (document.getElementById("files"));
    this.body = /** @type {HTMLElement} */ (document.getElementById("rows"));
    this.pickAll = /** @type {HTMLInputElement} */ (document.getElementById("pick-all"));
    /** @type {import("./folder.js").Folder | null} */
    this.folder = null;
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.focused = 0;
    this.anchor = 0;
    this.height = 42;
    let waiting = false;
    const later = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.window();
      });
    };
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later, { passive: true });
    new ResizeObserver(() => {
      if (this.folder && this._rowHeight() !== this.height) this.show();
    }).observe(this.table);
    this.body.addEventListener("keydown", (event) => this._key(event));
    this.body.addEventListener("click", (event) => this._click(event));
    this.body.addEventListener("dblclick", (event) => this._doubleClick(event));
    this.body.addEventListener("focusin", (event) => this._focusIn(event));
    this.pickAll.addEventListener("change", () => this.pickEverything(this.pickAll.checked));
  }

  /** Whether the first row leads up. */
  get hasUp() {
    return this.folder !== null && this.folder.path !== "/";
  }

  get total() {
    return (this.folder?.rows ?? 0) + (this.hasUp ? 1 : 0);
  }

  /** The entry of a row; null for the row that leads up, undefined where it is not loaded. @param {number} row */
  entryAt(row) {
    if (this.hasUp && row === 0) return null;
    return this.folder?.shown[row - (this.hasUp ? 1 : 0)];
  }

  /** Shows a folder anew. @param {import("./folder.js").Folder} folder @param {boolean} keepFocus */
  set(folder, keepFocus) {
    const hadFocus = this.body.contains(document.activeElement);
    const before = this.entryAt(this.focused)?.name;
    this.folder = folder;
    if (!keepFocus) this.focused = 0;
    else if (before !== undefined) {
      const at = folder.shown.findIndex((each) => each.name === before);
      if (at >= 0) this.focused = at + (this.hasUp ? 1 : 0);
    }
    this.focused = Math.max(0, Math.min(this.focused, this.total - 1));
    this.anchor = this.focused;
    this.show();
    this.mark();
    if (hadFocus) this.focusRow(this.focused);
  }

  /** Makes every row anew. */
  show() {
    this.table.setAttribute("role", "grid");
    this.table.setAttribute("aria-multiselectable", "true");
    this.table.setAttribute("aria-rowcount", String(this.total + 1));
    this.table.classList.add("windowed");
    this.height = this._rowHeight();
    const hadFocus = this.body.contains(document.activeElement);
    this.rows.clear();
    this.body.replaceChildren();
    this.body.style.height = `${this.total * this.height}px`;
    this.window();
    if (hadFocus) this.focusRow(this.focused, false);
  }

  /** In pixels; there is less room for columns in a narrow table, and rows have two lines. */
  _rowHeight() {
    return parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  /** Adds the rows that have come near the screen and removes those that have gone. */
  window() {
    const top = this.body.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(-top / this.height) - MARGIN);
    const to = Math.min(this.total, Math.ceil((innerHeight - top) / this.height) + MARGIN);
    for (const [row, tr] of this.rows) {
      if ((row < from || row >= to) && row !== this.focused) {
        tr.remove();
        this.rows.delete(row);
      }
    }
    const wanted = [];
    for (let row = from; row < to; row += 1) if (!this.rows.has(row)) wanted.push(row);
    if (this.focused < this.total && !this.rows.has(this.focused) && !wanted.includes(this.focused)) wanted.push(this.focused);
    for (const row of wanted) {
      const tr = this._row(row);
      this.rows.set(row, tr);
      const next = [...this.rows.keys()].filter((each) => each > row).sort((a, b) => a - b)[0];
      this.body.insertBefore(tr, next === undefined ? null : this.rows.get(next) ?? null);
    }
  }

  /** @param {number} row */
  _row(row) {
    const entry = this.entryAt(row);
    const tr = element("tr", { role: "row", tabindex: row === this.focused ? 0 : -1, "aria-rowindex": row + 2, data: { row } });
    tr.style.transform = `translateY(${row * this.height}px)`;
    if (entry === undefined) {
      tr.classList.add("waiting");
      tr.append(...["pick", "name", "number", "when", "owner", "access"].map((name) => element("td", { role: "gridcell", class: name })));
      return tr;
    }
    tr.append(...(entry === null ? this._up() : this._cells(entry)));
    if (entry) {
      tr.dataset.name = entry.name;
      tr.dataset.type = isFolder(entry) ? "folder" : isLink(entry) ? "link" : "file";
      tr.setAttribute("aria-selected", String(this.folder?.picked.has(entry.name)));
    }
    this.calls.rows(tr, entry);
    return tr;
  }

  _up() {
    const link = element("a", { href: pageOf(parent(this.folder?.path ?? "/")), tabindex: -1, "aria-label": say("Up to the folder above") }, icon("up"), element("bdi", {}, ".."));
    return [element("td", { role: "gridcell", class: "pick" }), element("th", { role: "rowheader", scope: "row", class: "name" }, link), ...["number", "when", "owner", "access"].map((name) => element("td", { role: "gridcell", class: name }))];
  }

  /** @param {Entry} entry */
  _cells(entry) {
    const path = child(this.folder?.path ?? "/", entry.name);
    const picked = this.folder?.picked.has(entry.name) ?? false;
    const box = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox", tabindex: -1, "aria-label": say("Select {name}", { name: entry.name }) }));
    box.checked = picked;
    const [symbol, words] = accessOf(entry);
    const when = (/** @type {number} */ characters) => element("time", { datetime: new Date(entry.mtime_ns / 1e6).toISOString(), title: localMoment(entry.mtime_ns) }, moment(entry.mtime_ns).slice(0, characters));
    return [
      element("td", { role: "gridcell", class: "pick" }, box),
      element("th", { role: "rowheader", scope: "row", class: "name" },
        element("a", { href: isFile(entry) ? fileOf(path) : pageOf(path), tabindex: -1, draggable: "false" }, icon(iconOf(entry)), element("bdi", {}, entry.name)),
        element("span", { class: "sub" }, isLink(entry) ? null : element("span", { class: "bytes" }, `${size(entry.length)} · `), when(16))),
      element("td", { role: "gridcell", class: "number" }, isLink(entry) ? "" : size(entry.length)),
      element("td", { role: "gridcell", class: "when" }, when(19)),
      element("td", { role: "gridcell", class: "owner" }, element("bdi", {}, entry.owner)),
      element("td", { role: "gridcell", class: "access", title: words }, icon(symbol), element("span", {}, words), entry.locked && element("span", { class: "chip warn" }, say("Locked"))),
    ];
  }

  // ---------------------------------------------------------------- selection

  /** Shows on the rows what is picked. */
  mark() {
    const folder = this.folder;
    if (!folder) return;
    for (const tr of this.rows.values()) {
      if (tr.dataset.name === undefined) continue;
      const picked = folder.picked.has(tr.dataset.name);
      tr.setAttribute("aria-selected", String(picked));
      const box = tr.querySelector("input");
      if (box) box.checked = picked;
    }
    this.pickAll.checked = folder.picked.size > 0 && folder.picked.size >= folder.shown.length;
    this.pickAll.indeterminate = folder.picked.size > 0 && !this.pickAll.checked;
    this.calls.picked();
  }

  /** Everything that is shown, also what is still to come. @param {boolean} yes */
  pickEverything(yes) {
    const folder = this.folder;
    if (!folder) return;
    folder.picked = new Set(yes ? folder.shown.map((each) => each.name) : []);
    folder.allPicked = yes && !folder.filter;
    this.mark();
  }

  /** @param {number} row @param {{toggle?: boolean, range?: boolean}} how */
  pick(row, how) {
    const folder = this.folder;
    const entry = this.entryAt(row);
    if (!folder) return;
    folder.allPicked = false;
    if (how.range) {
      const [from, to] = [Math.min(this.anchor, row), Math.max(this.anchor, row)];
      if (!how.toggle) folder.picked.clear();
      for (let each = from; each <= to; each += 1) {
        const name = this.entryAt(each)?.name;
        if (name !== undefined) folder.picked.add(name);
      }
    } else {
      if (entry && how.toggle && folder.picked.has(entry.name)) folder.picked.delete(entry.name);
      else {
        if (!how.toggle) folder.picked.clear();
        if (entry) folder.picked.add(entry.name);
      }
      this.anchor = row;
    }
    this.mark();
  }

  // ---------------------------------------------------------------- focus

  /** @param {number} row @param {boolean} [scroll] */
  focusRow(row, scroll = true) {
    const before = this.rows.get(this.focused);
    before?.setAttribute("tabindex", "-1");
    this.focused = Math.max(0, Math.min(row, this.total - 1));
    if (scroll) this._scrollTo(this.focused);
    this.window();
    const tr = this.rows.get(this.focused);
    tr?.setAttribute("tabindex", "0");
    tr?.focus({ preventScroll: true });
  }

  /** @param {number} row */
  _scrollTo(row) {
    const top = this.body.getBoundingClientRect().top + row * this.height;
    if (top < 60) scrollBy(0, top - 60);
    else if (top + this.height > innerHeight - 20) scrollBy(0, top + this.height - innerHeight + 20);
  }

  /** @param {FocusEvent} event */
  _focusIn(event) {
    const row = this._rowOf(event.target);
    if (row === null || row === this.focused) return;
    this.rows.get(this.focused)?.setAttribute("tabindex", "-1");
    this.focused = row;
    this.rows.get(row)?.setAttribute("tabindex", "0");
  }

  /** @param {EventTarget | null} target */
  _rowOf(target) {
    const tr = target instanceof Element ? target.closest("tr") : null;
    return tr instanceof HTMLElement && tr.dataset.row !== undefined ? Number(tr.dataset.row) : null;
  }

  // ---------------------------------------------------------------- events

  /** @param {KeyboardEvent} event */
  _key(event) {
    const page = Math.max(1, Math.floor(innerHeight / this.height) - 3);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.total, End: this.total };
    const step = /** @type {Record<string, number>} */ (steps)[event.key];
    if (step !== undefined && !event.altKey && !event.metaKey) {
      event.preventDefault();
      const to = Math.max(0, Math.min(this.focused + step, this.total - 1));
      this.focusRow(to);
      if (event.shiftKey) this.pick(to, { range: true });
      else if (!event.ctrlKey) this.anchor = to;
      return;
    }
    const entry = this.entryAt(this.focused);
    if (event.key === " " && entry) {
      event.preventDefault();
      this.pick(this.focused, { toggle: true });
    } else if (event.key === "Enter" && entry !== undefined && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.calls.open(entry);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.pickEverything(true);
    } else if (event.key === "Escape" && this.folder?.picked.size) {
      event.preventDefault();
      this.pickEverything(false);
    }
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const row = this._rowOf(event.target);
    if (row === null || !(event.target instanceof Element)) return;
    const entry = this.entryAt(row);
    if (event.target.closest("a")) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || entry === undefined) return;
      event.preventDefault();
      this.calls.open(entry);
    } else if (entry) {
      const onBox = event.target instanceof HTMLInputElement;
      this.pick(row, { toggle: onBox || event.ctrlKey || event.metaKey, range: event.shiftKey });
      this.focusRow(row, false);
    }
  }

  /** @param {MouseEvent} event */
  _doubleClick(event) {
    if (!(event.target instanceof Element) || event.target.closest("a, input")) return;
    const row = this._rowOf(event.target);
    const entry = row === null ? undefined : this.entryAt(row);
    if (entry !== undefined) this.calls.open(entry);
  }
}
