/** Ways to take things home: one file, an archive, a list of addresses, a script. */

import { element } from "../dom.js";
import { say } from "../sentences.js";
import { toast } from "../toasts.js";
import * as api from "./api.js";
import { isFile, isFolder } from "./grid.js";
import { kindFor, sendTo } from "./send_to.js";
import { child, count, fileOf, serviceAddress, shellWord, size, uriOf } from "./space.js";
import { reason } from "./windows.js";

/** @typedef {import("./api.js").Entry} Entry */

// Programs open a window for each.
const MOST_SENT = 50;
// Servers take request lines of 64 KiB; this leaves room for headers.
const MOST_QUERY = 30_000;

/** @param {string} address @param {string} [name] */
function follow(address, name) {
  const link = element("a", { href: address, download: name ?? "", hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves a text as a file. @param {string} name @param {string} text @param {string} type */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  follow(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** @param {string} here @param {Entry} entry */
export const one = (here, entry) => follow(fileOf(child(here, entry.name)), entry.name);

/** @param {Entry[]} entries */
function estimate(entries) {
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  const files = entries.reduce((sum, entry) => sum + (entry.files ?? (isFile(entry) ? 1 : 0)), 0);
  return say("{files}, {size}", { files: count(files, "{n} file", "{n} files"), size: size(bytes) });
}

/** One archive of everything. @param {string} here @param {Entry[]} entries @param {"zip" | "tar"} kind @param {boolean} whole all of the folder */
export function archive(here, entries, kind, whole) {
  const query = new URLSearchParams();
  const targets = whole && here !== "/" ? [here] : entries.map((entry) => child(here, entry.name));
  for (const target of targets) query.append("TARGET", uriOf(target));
  query.set("FORMAT", kind === "zip" ? "application/zip" : "application/x-tar");
  const address = `${serviceAddress}/pkg?${query}`;
  if (address.length > MOST_QUERY) {
    toast(say("These are too many names for one archive. Select a whole folder, or take the script."), { problem: true });
    return;
  }
  toast(say("The archive is on its way: {what}", { what: estimate(entries) }));
  follow(address);
}

/**
 * Every file in and below what is picked, by its path below `here`.
 * @param {string} here @param {Entry[]} entries
 */
async function filesOf(here, entries) {
  /** @type {string[]} */
  const found = [];
  for (const entry of entries) {
    if (isFile(entry)) found.push(entry.name);
    if (!isFolder(entry)) continue;
    const [, ...below] = await api.children(child(here, entry.name), { depth: "all" });
    for (const each of below) if (isFile(each)) found.push(`${entry.name}/${each.path}`);
  }
  return found;
}

/** @param {string} here @param {Entry[]} entries */
export async function addresses(here, entries) {
  try {
    const files = await filesOf(here, entries);
    save("files.txt", files.map((each) => `${location.origin}${fileOf(child(here, each))}\n`).join(""), "text/plain");
    toast(count(files.length, "A list of {n} address was saved.", "A list of {n} addresses was saved."));
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

/** A script for a POSIX shell; it asks curl to authenticate as the person has set it up. @param {string} here @param {Entry[]} entries */
export async function script(here, entries) {
  try {
    const files = await filesOf(here, entries);
    const lines = files.map((each) => `get ${shellWord(`./${each}`)} ${shellWord(`${location.origin}${fileOf(child(here, each))}`)}`);
    const text = [
      "#!/bin/sh",
      `# ${say("Fetches {n} from vospace.", { n: count(files.length, "{n} file", "{n} files") })}`,
      `# ${say("For what is not public, set TOKEN to a token of your account first.")}`,
      "set -e",
      "get() {",
      '  [ -e "$1" ] && return',
      '  curl --fail --location --create-dirs ${TOKEN:+--oauth2-bearer "$TOKEN"} --output "$1.part" "$2"',
      '  mv "$1.part" "$1"',
      "}",
      ...lines,
      "",
    ].join("\n");
    save("download.sh", text, "text/x-shellscript");
    toast(count(files.length, "A script for {n} file was saved.", "A script for {n} files was saved."));
  } catch (error) {
    toast(reason(error), { problem: true });
  }
}

/** What the menu offers. @param {string} here @param {Entry[]} entries @param {boolean} whole */
export function ways(here, entries, whole) {
  const items = [];
  if (entries.length === 1 && isFile(entries[0])) items.push({ label: say("This file"), symbol: "download", run: () => one(here, entries[0]) });
  items.push(
    { label: say("As zip"), symbol: "download", run: () => archive(here, entries, "zip", whole) },
    { label: say("As tar"), symbol: "download", run: () => archive(here, entries, "tar", whole) },
    { label: say("List of addresses"), symbol: "file", run: () => addresses(here, entries) },
    { label: say("Shell script"), symbol: "file", run: () => script(here, entries) },
  );
  const sendable = entries.filter(kindFor).map((entry) => ({ path: child(here, entry.name), entry }));
  if (sendable.length) items.push({ label: say("Send to Aladin, TOPCAT, DS9 …"), symbol: "right", run: () => (sendable.length > MOST_SENT ? toast(say("Select at most {n} files to send.", { n: MOST_SENT }), { problem: true }) : sendTo(sendable)) });
  return items;
}

