/** The page of a group: nested groups open in place, names of groups are offered while typing. */

import { all, element, icon } from "./dom.js";
import { load } from "./requests.js";
import { say } from "./sentences.js";

const API = "/api/v1/groups";
const SYMBOLS = { user: "person", dn: "certificate", email: "mail", group: "group" };

for (const details of all("details[data-expand]")) wire(details);

/** Loads the members when it is opened for the first time. @param {HTMLDetailsElement} details */
function wire(details) {
  details.addEventListener("toggle", async () => {
    const place = details.querySelector("[data-members]");
    if (!details.open || !place || details.dataset.loaded) return;
    details.dataset.loaded = "yes";
    place.replaceChildren(element("p", { class: "muted" }, say("Loading…")));
    try {
      const found = await load(`${API}/members?group=${encodeURIComponent(details.dataset.expand ?? "")}`);
      place.replaceChildren(listOf(found.members));
    } catch (refusal) {
      delete details.dataset.loaded;
      place.replaceChildren(element("p", { class: "muted" }, refusal.message));
    }
  });
}

/** @param {{kind: keyof SYMBOLS, value: string, uri?: string, expires: string | null}[]} members */
function listOf(members) {
  if (!members.length) return element("p", { class: "muted" }, say("Nobody is in this group."));
  return element("ul", { class: "people" }, ...members.map((member) => {
    if (member.kind !== "group") {
      return element("li", {}, element("span", { class: "who-is" }, icon(SYMBOLS[member.kind]), element("bdi", {}, member.value)));
    }
    const inner = /** @type {HTMLDetailsElement} */ (element(
      "details",
      { data: { expand: member.value } },
      element("summary", {}, icon("group"), element("bdi", {}, member.value)),
      element("div", { class: "nested" }, element("div", { "data-members": true })),
    ));
    wire(inner);
    return element("li", {}, inner);
  }));
}

/** Own groups first, as the server gives them. */
const choices = document.getElementById("known-groups");
const field = document.getElementById("member");
let asked = "";
field?.addEventListener("input", async () => {
  const text = /** @type {HTMLInputElement} */ (field).value.trim();
  if (text.length < 2 || text === asked || text.startsWith("ivo:")) return;
  asked = text;
  try {
    const found = await load(`${API}?text=${encodeURIComponent(text)}`);
    if (asked !== text) return;
    choices?.replaceChildren(...found.groups.slice(0, 10).map((group) => element("option", { value: group.uri }, group.name)));
  } catch {
    // Offering names is a help; without it everything works.
  }
});
