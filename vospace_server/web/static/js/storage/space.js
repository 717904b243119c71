/** Where things are and how they are written: paths, addresses, sizes, times. */

import { language, say } from "../sentences.js";

export const root = /** @type {HTMLElement} */ (document.querySelector("[data-browser]"));
export const viewer = root.dataset.viewer ?? "";
const authority = root.dataset.authority ?? "";
const filesAddress = root.dataset.files ?? "";
export const serviceAddress = root.dataset.root ?? "";
const listAddress = root.dataset.list ?? "";

/** A path as it stands in an address. @param {string} path */
export function quoted(path) {
  return path === "/" ? "" : path.split("/").map((name) => encodeURIComponent(name)).join("/");
}

/** @param {string} path @param {string} name */
export function child(path, name) {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

/** The folder that a path lies in; the root is its own. @param {string} path */
export function parent(path) {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) || "/";
}

/** The last name. @param {string} path */
export function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether a path is another one or lies below it. @param {string} path @param {string} top */
export function isWithin(path, top) {
  return top === "/" || path === top || path.startsWith(`${top}/`);
}

/** The page of a folder. @param {string} path */
export const pageOf = (path) => `${listAddress}${quoted(path) || "/"}`;
/** Bytes by path. @param {string} path */
export const fileOf = (path) => `${filesAddress}${quoted(path)}`;
/** The identity of a node. @param {string} path */
export const uriOf = (path) => `vos://${authority}${quoted(path)}`;

/** The path that a `vos:` URI or a path spells in this service; null for others. @param {string} text */
export function pathOfUri(text) {
  const start = `vos://${authority}`;
  const plain = text.trim().replace(/^vos:\/\/([^/]*)!/, "vos://$1~");
  if (plain.startsWith("/")) return plain.replace(/\/+$/, "") || "/";
  if (plain !== start && !plain.startsWith(`${start}/`)) return null;
  try {
    return decodeURIComponent(plain.slice(start.length)).replace(/\/+$/, "") || "/";
  } catch {
    return null;
  }
}

const UNITS = language === "fr" ? ["o", "Kio", "Mio", "Gio", "Tio", "Pio", "Eio"] : ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const decimals = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: false });
const whole = new Intl.NumberFormat(language);

/** Bytes in the unit that leaves one to four digits. @param {number} bytes */
export function size(bytes) {
  let amount = bytes;
  let unit = 0;
  // What rounds to 1024.00 of a unit is 1.00 of the next one.
  while (Math.round(Math.abs(amount) * 100) / 100 >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? bytes : decimals.format(amount)}\u00a0${UNITS[unit]}`;
}

/** A number with its thousands apart. @param {number} value */
export const number = (value) => whole.format(value);

/** A number of things. @param {number} n @param {string} one @param {string} many */
export function count(n, one, many) {
  return say(n === 1 || (n === 0 && language === "fr") ? one : many, { n: number(n) });
}

/** The UTC text of a time in nanoseconds. @param {number} ns */
export function moment(ns) {
  return new Date(ns / 1e6).toISOString().slice(0, 19).replace("T", " ");
}

/** The same as local time, in words. @param {number} ns */
export function localMoment(ns) {
  return new Date(ns / 1e6).toLocaleString(language, { dateStyle: "medium", timeStyle: "long" });
}

/** Seconds as people say them. @param {number} seconds */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return say("{n} s", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 3600) return say("{n} min", { n: Math.round(seconds / 60) });
  return say("{h} h {m} min", { h: Math.floor(seconds / 3600), m: Math.round((seconds % 3600) / 60) });
}

/** A word for a POSIX shell. @param {string} text */
export function shellWord(text) {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Why a name can't be one; '' when it can. @param {string} name */
export function wrongName(name) {
  if (!name) return say("Type a name.");
  if (name === "." || name === "..") return say("This name means a folder already.");
  if (name.includes("/")) return say("A name can't hold a slash.");
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return say("A name can't hold control characters.");
  if (new TextEncoder().encode(name).length > 255) return say("This name is too long: 255 bytes are allowed.");
  return "";
}
