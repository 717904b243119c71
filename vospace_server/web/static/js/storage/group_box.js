/** Groups as chips with a typeahead over those that exist; nothing else can be added. */

import { element, icon } from "../dom.js";
import { announce } from "../live.js";
import { say } from "../sentences.js";
import * as api from "./api.js";
import { viewer } from "./space.js";
import { reason } from "./windows.js";

let made = 0;

/** The name of a group in its URI. @param {string} uri */
export const groupName = (uri) => uri.split("?").at(-1) ?? uri;

/**
 * @param {string} label @param {string[]} start URIs @param {() => void} changed
 */
export function groupBox(label, start, changed) {
  made += 1;
  const id = `groups-${made}`;
  let chosen = [...start];
  /** @type {any[]} */
  let found = [];
  let at = -1;
  const chips = element("div", { class: "chips" });
  const input = /** @type {HTMLInputElement} */ (element("input", { id, role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: say("Type the name of a group") }));
  const list = element("ul", { class: "options", id: `${id}-list`, role: "listbox", "aria-label": label, hidden: true });
  const wrong = element("p", { class: "error", role: "alert", hidden: true });
  const whole = element("div", { class: "field" }, element("label", { for: id }, label), chips, element("div", { class: "chipbox" }, input, list), wrong);

  const showChips = () => {
    chips.hidden = !chosen.length;
    chips.replaceChildren(...chosen.map((uri) => element("span", { class: "chip", title: uri }, icon("group"), element("bdi", {}, groupName(uri)),
      element("button", { type: "button", "aria-label": say("Take {name} out", { name: groupName(uri) }), onclick: () => { chosen = chosen.filter((each) => each !== uri); showChips(); input.focus(); changed(); } }, icon("close")))));
  };
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const complain = (/** @type {string} */ text) => {
    wrong.hidden = !text;
    wrong.replaceChildren(...(text ? [icon("warning"), text] : []));
  };
  const add = (/** @type {any} */ group) => {
    if (!chosen.includes(group.uri)) chosen.push(group.uri);
    // An answer to what was typed before would open the list again.
    asked += 1;
    input.value = "";
    complain("");
    close();
    showChips();
    changed();
  };
  const show = () => {
    const left = found.filter((group) => !chosen.includes(group.uri));
    list.replaceChildren(...left.map((group, n) => element("li", { role: "option", id: `${id}-${n}`, "aria-selected": String(n === at), onmousedown: (/** @type {Event} */ event) => { event.preventDefault(); add(group); } },
      element("bdi", {}, group.name), group.owner === viewer ? element("span", { class: "muted" }, ` · ${say("yours")}`) : null, group.description ? element("span", { class: "muted" }, ` — ${group.description}`) : null)));
    if (!left.length) list.replaceChildren(element("li", { class: "muted", role: "option", "aria-disabled": "true", "aria-selected": "false" }, say("No group of this name that you know of")));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (at >= 0) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
    return left;
  };
  let asked = 0;
  /** The newest question to the server. @type {Promise<void>} */
  let answered = Promise.resolve();
  const look = () => { answered = ask(); };
  const ask = async () => {
    asked += 1;
    const mine = asked;
    try {
      const answer = await api.groups(input.value.trim());
      if (mine !== asked) return;
      found = answer;
      at = -1;
      if (document.activeElement === input) announce(say("{n} groups", { n: show().length }));
    } catch (error) {
      if (mine === asked) complain(reason(error));
    }
  };
  /** Takes what is marked, or what has the name that was typed, once the server has named it. */
  const take = async () => {
    const text = input.value.trim();
    await answered;
    if (input.value.trim() !== text) return;
    const left = found.filter((group) => !chosen.includes(group.uri));
    const exact = left.find((group) => group.name === text || group.uri === text);
    if (at >= 0 && left[at]) add(left[at]);
    else if (exact) add(exact);
    else if (text) complain(say("Choose a group from the list: “{text}” is none yet.", { text }));
  };
  input.addEventListener("input", () => {
    complain("");
    look();
  });
  input.addEventListener("focus", look);
  input.addEventListener("blur", () => {
    close();
    if (input.value.trim()) complain(say("Choose a group from the list: “{text}” is none yet.", { text: input.value.trim() }));
  });
  input.addEventListener("keydown", (event) => {
    const left = found.filter((group) => !chosen.includes(group.uri));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (left.length) at = (at + (event.key === "ArrowDown" ? 1 : -1) + left.length) % left.length;
      show();
    } else if (event.key === "Enter") {
      event.preventDefault();
      void take();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Backspace" && !input.value && chosen.length) {
      chosen.pop();
      showChips();
      changed();
    }
  });
  showChips();
  return {
    whole,
    get chosen() { return chosen; },
    /** Whether something was typed that is no group. */
    get isWrong() {
      if (!input.value.trim()) return false;
      complain(say("Choose a group from the list: “{text}” is none yet.", { text: input.value.trim() }));
      input.focus();
      return true;
    },
  };
}
