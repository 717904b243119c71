/** Short messages at the foot of the page, with a way to take the deed back. */

import { all, element, icon } from "./dom.js";
import { say } from "./sentences.js";

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
      onclick: () => { made.remove(); void undo(); },
    }, more.action ?? say("Undo")));
  }
  shelf?.append(made);
  prepare(made);
  return made;
}

/** Adds the button that closes a toast, and its end. @param {HTMLElement} made */
function prepare(made) {
  made.append(element(
    "button",
    { type: "button", class: "quiet square", "aria-label": say("Close this message"), onclick: () => made.remove() },
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
