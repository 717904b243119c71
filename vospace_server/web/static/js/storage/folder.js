/** One folder as it is being loaded: its entries, what is shown of them and in which order, what is picked. */

import * as api from "./api.js";

const FIRST = 500;
const MORE = 5000;

/** @typedef {import("./api.js").Entry} Entry */
/** @typedef {"name" | "size" | "date"} SortKey */

export class Folder {
  /** @param {any} info what /api/v1/folder says @param {() => void} changed called when there is more to show */
  constructor(info, changed) {
    this.info = info;
    /** @type {string} */
    this.path = info.path;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Entry[]} */
    this.shown = [];
    this.complete = false;
    this.problem = "";
    /** @type {SortKey} */
    this.sort = "name";
    this.descending = false;
    this.filter = "";
    /** @type {Set<string>} */
    this.picked = new Set();
    this.allPicked = false;
    this._changed = changed;
    this._stop = new AbortController();
  }

  /** Loads the first page, then in the background the others. */
  async load() {
    if (!this.info.entry.readable) {
      this.complete = true;
      return;
    }
    await this._page(FIRST);
    if (!this.complete) void this._rest();
  }

  /** @param {number} limit */
  async _page(limit) {
    const after = this.entries.at(-1)?.name;
    const query = after === undefined ? { limit } : { limit, after };
    const [, ...entries] = await api.children(this.path, query, this._stop.signal);
    this.entries = this.entries.concat(entries);
    this.complete = entries.length < limit;
    if (this.allPicked) for (const each of entries) this.picked.add(each.name);
    if (this.complete || this.entries.length <= FIRST || this.sort === "name") this.arrange();
  }

  async _rest() {
    try {
      while (!this.complete) {
        await this._page(MORE);
        this._changed();
      }
    } catch (error) {
      if (this._stop.signal.aborted) return;
      this.problem = error.message;
      this._changed();
    }
  }

  /** Ends the loading. */
  leave() {
    this._stop.abort();
  }

  /** Makes `shown` of the entries, the filter and the order. */
  arrange() {
    const wanted = this.filter.toLocaleLowerCase();
    let shown = wanted ? this.entries.filter((each) => each.name.toLocaleLowerCase().includes(wanted)) : this.entries.slice();
    if (this.sort === "size") shown.sort((a, b) => a.length - b.length);
    if (this.sort === "date") shown.sort((a, b) => a.mtime_ns - b.mtime_ns);
    if (this.descending) shown.reverse();
    this.shown = shown;
  }

  /** How many rows there will be: unloaded ones count as long as nothing is filtered. */
  get rows() {
    return this.filter || this.complete ? this.shown.length : Math.max(this.shown.length, this.info.count);
  }

  /** The entries that are picked, in the order shown first. @returns {Entry[]} */
  get pickedEntries() {
    return this.entries.filter((each) => this.picked.has(each.name));
  }

  /** @param {string} name */
  find(name) {
    return this.entries.find((each) => each.name === name);
  }
}
