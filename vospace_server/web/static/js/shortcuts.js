/**
 * Keys that do things, and the sheet that lists them (`?`). Shortcuts of a single character can
 * be turned off in the sheet, for people who dictate or hit keys by chance (WCAG 2.1.4).
 */

import { all, element, isTyping } from "./dom.js";
import { say } from "./sentences.js";

const STORED = "vospace-shortcuts";
/** @type {Map<string, {label: string, run: (event: KeyboardEvent) => unknown}>} */
const known = new Map();
const sheet = /** @type {HTMLDialogElement | null} */ (document.getElementById("shortcuts"));
const list = sheet?.querySelector("[data-shortcut-list]");

/**
 * A shortcut. `keys` is what KeyboardEvent.key says (`?`, `n`, `Delete`), or two characters to
 * be typed one after the other (`g s`).
 * @param {string} keys
 * @param {string} label
 * @param {(event: KeyboardEvent) => unknown} run
 */
export function shortcut(keys, label, run) {
  known.set(keys, { label, run });
  list?.append(
    element("dt", {}, ...keys.split(" ").map((key) => element("kbd", {}, say(key)))),
    element("dd", {}, label),
  );
}

function isOn() {
  return localStorage.getItem(STORED) !== "off";
}

let before = "";
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key.length === 1 && !isOn()) return;
  const found = known.get(`${before} ${event.key}`) ?? known.get(event.key);
  before = event.key;
  if (!found) return;
  before = "";
  event.preventDefault();
  void found.run(event);
});

const box = sheet?.querySelector("[data-shortcuts-on]");
if (box instanceof HTMLInputElement) {
  box.checked = isOn();
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
}

shortcut("?", say("Show this sheet"), () => sheet?.showModal());
for (const [key, href] of [["s", "/storage/list/"], ["g", "/groups"], ["j", "/jobs"], ["a", "/account"]]) {
  const link = all(".sections a").find((each) => each.getAttribute("href") === href);
  if (link) shortcut(`g ${key}`, say("Go to {place}", { place: link.textContent.trim() }), () => link.click());
}
