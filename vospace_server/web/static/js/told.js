/**
 * What services say, in the language of the page. The table comes from the server when the first
 * refusal has to be told, so that no page carries it; web/told.py does the same for pages.
 */

import { language } from "./sentences.js";

const INNER = new Set(["deed", "reason", "who"]);
const MOST = 1000;
/** @typedef {{whole: Map<string, string>, patterns: {fits: RegExp, said: string}[]}} Table */
/** @type {Promise<Table> | null} */
let loading = null;

/** @returns {Promise<Table>} */
async function load() {
  const answer = await fetch(new URL(`../translations/${language}/faults.json`, import.meta.url));
  if (!answer.ok) throw new Error(String(answer.status));
  const entries = /** @type {[string, string][]} */ (Object.entries(await answer.json()));
  const own = (/** @type {string} */ text) => text.replace(/\{\w+\}/g, "").length;
  const parts = entries.filter(([text]) => /\{\w+\}/.test(text)).sort(([a], [b]) => own(b) - own(a));
  const fitting = (/** @type {string} */ text) => new RegExp(`^${text.split(/\{(\w+)\}/).map((piece, at) => (at % 2 ? `(?<${piece}>.+?)` : piece.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))).join("")}$`, "s");
  return { whole: new Map(entries), patterns: parts.map(([text, said]) => ({ fits: fitting(text), said })) };
}

/** @param {Table} table @param {string} text @returns {string} */
function find(table, text) {
  const whole = table.whole.get(text);
  if (whole !== undefined || text.length > MOST) return whole ?? text;
  for (const { fits, said } of table.patterns) {
    const values = fits.exec(text)?.groups;
    if (values) return said.replace(/\{(\w+)\}/g, (_, name) => (INNER.has(name) ? find(table, values[name]) : values[name]));
  }
  return text;
}

/** A sentence of a service in the language of the page; as it came where that is unknown. @param {string} text @returns {Promise<string>} */
export async function told(text) {
  if (!text) return text;
  loading ??= load();
  try {
    return find(await loading, text);
  } catch {
    loading = null;
    return text;
  }
}
