/** Short messages at the foot of the page, with a way to take the deed back. */

import { all, element, icon } from "./dom.js";
import { say } from "./sentences.js";
import { shortcut } from "./shortcuts.js";

const shelf = document.getElementById("toasts");
const LIFE_MS = 10_000;

/**
 * Shows a message. It stays while it is pointed at or holds the focus; a problem stays until it
 * is closed.
 * @param {string} text
 * @param {{problem?: boolean, undo?: () => unknown, action?: string}} [more]
 */
export function toast(text, more = {}) {
  const made = element(
    "div",
    { class: more.problem ? "toast problem" : "toast", role: more.problem ? "alert" : "status" },
    icon(more.problem ? "warning" : "done"),
    element("p", {}, text),
  );
  if (more.undo) {
    const undo = more.undo;
    made.append(element("button", {
      type: "button",
      class: "quiet",
      onclick: () => { take(made); void undo(); },
    }, more.action ?? say("Undo")));
  }
  if (document.activeElement) origins.set(made, document.activeElement);
  shelf?.append(made);
  prepare(made);
  return made;
}

/** Where somebody was when a message came; the focus goes back there when they have used it. @type {WeakMap<Element, Element>} */
const origins = new WeakMap();

/** @param {HTMLElement} made */
function take(made) {
  const hadFocus = made.contains(document.activeElement);
  made.remove();
  if (!hadFocus) return;
  const before = origins.get(made);
  const back = before?.isConnected && before !== document.body ? before : document.getElementById("content");
  if (back instanceof HTMLElement) back.focus({ preventScroll: true });
}

/** Adds the button that closes a toast, and its end. @param {HTMLElement} made */
function prepare(made) {
  made.append(element(
    "button",
    { type: "button", class: "quiet square", "aria-label": say("Close this message"), onclick: () => take(made) },
    icon("close"),
  ));
  if (made.classList.contains("problem")) return;
  const end = () => {
    if (made.matches(":hover, :focus-within")) setTimeout(end, 1000);
    else made.remove();
  };
  setTimeout(end, LIFE_MS);
}

all(".toast", shelf ?? document).forEach(prepare);

// A message goes after ten seconds, and is far from a row by Tab.
shortcut("z", say("Take back what was done last"), () => all(".toast button:not(.square)", shelf ?? document).at(-1)?.click());
