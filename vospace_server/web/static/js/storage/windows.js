/** Dialogs that keep what was typed and say beside it what is wrong, and menus. */

import { element, icon } from "../dom.js";
import { Refusal } from "../requests.js";
import { say } from "../sentences.js";

let made = 0;

/** What went wrong, for a person. @param {unknown} error */
export function reason(error) {
  if (error instanceof Refusal || error instanceof Error) return error.message;
  return String(error);
}

/**
 * A labelled field. `check` says what is wrong with its value, '' when nothing is.
 * @param {string} label
 * @param {{value?: string, type?: string, hint?: string, check?: (value: string) => string, list?: boolean}} [more]
 */
export function field(label, more = {}) {
  made += 1;
  const id = `field-${made}`;
  const input = /** @type {HTMLInputElement} */ (element("input", { id, type: more.type ?? "text", autocomplete: "off", spellcheck: "false" }));
  input.value = more.value ?? "";
  const wrong = element("p", { class: "error", id: `${id}-wrong`, hidden: true });
  const whole = element("div", { class: "field" }, element("label", { for: id }, label), more.hint ? element("p", { class: "hint", id: `${id}-hint` }, more.hint) : null, input, wrong);
  if (more.hint) input.setAttribute("aria-describedby", `${id}-hint`);
  const complain = (/** @type {string} */ text) => {
    wrong.hidden = !text;
    wrong.replaceChildren(...(text ? [icon("warning"), text] : []));
    whole.classList.toggle("wrong", Boolean(text));
    if (text) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", `${id}-wrong`);
    } else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => complain(""));
  return {
    whole,
    input,
    complain,
    /** The value when it is right, else null and the complaint is shown. */
    read() {
      const text = more.check?.(input.value) ?? "";
      complain(text);
      if (text) input.focus();
      return text ? null : input.value;
    },
  };
}

/**
 * A dialog with a form. `run` does the deed: false keeps the dialog open, so does a refusal,
 * which is shown in it. Resolves to true when the deed was done.
 * @param {string} title
 * @param {(Node | null | false)[]} body
 * @param {{yes: string, run: () => Promise<unknown>, danger?: boolean, big?: boolean, disabled?: boolean}} more
 * @returns {Promise<boolean>}
 */
export function formDialog(title, body, more) {
  const trouble = element("p", { class: "banner problem", role: "alert", hidden: true });
  const yes = /** @type {HTMLButtonElement} */ (element("button", { class: more.danger ? "danger" : "primary" }, more.yes));
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "window-title", class: more.big ? "big" : null }));
  // A key that is pressed twice, while the first dialog still asks the server, opens one.
  if (document.querySelector("dialog[open]")) return Promise.resolve(false);
  const cancel = element("button", { type: "button", onclick: () => dialog.close() }, say("Cancel"));
  const form = element("form", { method: "dialog", novalidate: true }, element("h2", { id: "window-title" }, title), ...body.filter(Boolean), trouble, element("p", { class: "actions" }, cancel, yes));
  dialog.append(form);
  const giveBack = keptFocus();
  document.body.append(dialog);
  let done = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (yes.getAttribute("aria-busy") === "true") return;
    yes.setAttribute("aria-busy", "true");
    trouble.hidden = true;
    try {
      if ((await more.run()) !== false) {
        done = true;
        dialog.close();
      }
    } catch (error) {
      trouble.replaceChildren(icon("warning"), element("span", {}, reason(error)));
      trouble.hidden = false;
    } finally {
      yes.removeAttribute("aria-busy");
    }
  });
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      giveBack();
      resolve(done);
    });
  });
}

/**
 * What gives the focus back to where it is now. The rows of a table may be made anew meanwhile;
 * then the one that stands in the place of the former gets it.
 */
function keptFocus() {
  const before = document.activeElement;
  const grid = before?.closest("[role='grid']");
  return () => {
    if (document.activeElement !== document.body || !(before instanceof HTMLElement)) return;
    const now = before.isConnected ? before : grid?.querySelector("[role='row'][tabindex='0']");
    if (now instanceof HTMLElement) now.focus({ preventScroll: true });
  };
}

/**
 * A dialog that only shows something.
 * @param {string} title @param {Node[]} body
 */
export function showDialog(title, body) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "window-title", class: "big" },
    element("form", { method: "dialog" }, element("h2", { id: "window-title" }, title), ...body, element("p", { class: "actions" }, element("button", { class: "primary", autofocus: true }, say("Close"))))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

/**
 * A question with several answers; resolves to the chosen value, '' when it was closed.
 * @param {string} title @param {Node[]} body @param {[string, string][]} answers value and label; the first is the usual one
 * @returns {Promise<string>}
 */
export function choose(title, body, answers) {
  const buttons = answers.map(([value, label], at) => element("button", { value, class: at === 0 ? "primary" : null, autofocus: at === 0 }, label));
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "window-title" },
    element("form", { method: "dialog" }, element("h2", { id: "window-title" }, title), ...body, element("p", { class: "actions" }, element("button", { value: "" }, say("Cancel")), ...buttons))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** @typedef {{label: string, symbol: string, run: () => unknown, key?: string}} Item */

/**
 * A menu below a button: arrows walk, escape closes.
 * @param {HTMLElement} button
 * @param {() => Item[] | Promise<Item[]>} items
 */
export function menu(button, items) {
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    const before = document.activeElement;
    const list = await items();
    // Whoever has gone elsewhere meanwhile is not called back.
    if (document.activeElement !== before || document.querySelector("dialog[open]")) return;
    const place = button.getBoundingClientRect();
    button.setAttribute("aria-expanded", "true");
    openMenu(button.textContent?.trim() ?? "", list, place.left, place.bottom + 4, () => {
      button.setAttribute("aria-expanded", "false");
      return button;
    });
  });
}

/**
 * A menu at a place of the window. `closed` says where the focus goes back to.
 * @param {string} label @param {Item[]} items @param {number} left @param {number} top
 * @param {() => HTMLElement | undefined} closed
 */
export function openMenu(label, items, left, top, closed) {
  const popup = element("div", { class: "popup", role: "menu", popover: "auto", "aria-label": label },
    ...items.map((item) => element("button", { type: "button", role: "menuitem", tabindex: -1, onclick: () => { popup.hidePopover(); void item.run(); } }, icon(item.symbol), item.label, item.key ? element("kbd", { "aria-hidden": "true" }, item.key) : null)));
  (document.querySelector("main") ?? document.body).append(popup);
  popup.showPopover();
  popup.style.top = `${Math.max(8, Math.min(top, innerHeight - popup.offsetHeight - 8)) + scrollY}px`;
  popup.style.left = `${Math.max(8, Math.min(left, innerWidth - popup.offsetWidth - 8)) + scrollX}px`;
  const buttons = [...popup.querySelectorAll("button")];
  buttons[0]?.focus();
  popup.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key === "Tab") popup.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  });
  popup.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const within = popup.contains(document.activeElement) || document.activeElement === document.body;
    popup.remove();
    const back = closed();
    if (within) back?.focus();
  });
}
