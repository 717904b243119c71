/** Looks for a name in a folder and everything below it, line by line as the server tells of it. */

import { element, icon } from "../dom.js";
import { announceSometimes } from "../live.js";
import { send } from "../requests.js";
import { say } from "../sentences.js";
import { iconOf } from "./grid.js";
import { child, count, nameOf, number, pageOf, parent, quoted, size } from "./space.js";
import { field, reason, showDialog } from "./windows.js";

const MOST_FOUND = 500;

/**
 * @param {string} here @param {string} text what to begin with
 * @param {(folder: string, name: string) => void} go to what was found
 */
export function search(here, text, go) {
  const name = field(say("Part of a name"), { type: "search", value: text });
  const line = element("p", { class: "hint", role: "status" });
  const list = element("ul", { class: "tree found", "aria-label": say("Found") });
  let stop = new AbortController();
  const dialog = showDialog(say("Search below {name}", { name: nameOf(here) || say("Storage") }), [name.whole, line, list]);
  dialog.addEventListener("close", () => stop.abort());

  /** @param {any} entry */
  const found = (entry) => {
    const path = child(here, entry.path);
    const link = element("a", { href: pageOf(parent(path)), onclick: (/** @type {Event} */ event) => { event.preventDefault(); dialog.close(); go(parent(path), entry.name); } }, icon(iconOf(entry)), element("bdi", {}, entry.path));
    list.append(element("li", {}, link, element("span", { class: "muted" }, entry.type === "link" ? "" : size(entry.length))));
  };
  const look = async () => {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    const wanted = name.input.value.trim().toLocaleLowerCase();
    list.replaceChildren();
    line.textContent = "";
    if (!wanted) return;
    try {
      let [seen, hits] = [0, 0];
      for await (const entry of linesBelow(here, signal)) {
        if (signal.aborted) return;
        seen += 1;
        if (entry.path && entry.name.toLocaleLowerCase().includes(wanted)) {
          hits += 1;
          if (hits > MOST_FOUND) break;
          found(entry);
        }
        if (seen % 5000 === 0) line.textContent = say("{n} looked at…", { n: number(seen) });
      }
      stop.abort();
      line.textContent = hits > MOST_FOUND ? say("More than {n} were found; type more of the name.", { n: MOST_FOUND }) : count(hits, "{n} was found", "{n} were found");
      announceSometimes(line.textContent);
    } catch (error) {
      if (!signal.aborted) line.textContent = reason(error);
    }
  };
  let typing = 0;
  name.input.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(look, 250);
  });
  name.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(typing);
    void look();
  });
  name.input.focus();
  if (text) void look();
}

/** Every node below a folder, as it comes. @param {string} path @param {AbortSignal} signal */
async function* linesBelow(path, signal) {
  const response = await send("GET", `/api/v1/children${quoted(path)}?depth=all`, { signal, accept: "application/x-ndjson" });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const entry = JSON.parse(line);
      if (!entry.end) yield entry;
    }
  }
}
