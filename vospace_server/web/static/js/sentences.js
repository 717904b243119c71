/** The sentences of modules in the language of the page; English ones are the keys. */

/** What a script before this one has brought; nothing in English. @type {Record<string, string>} */
const known = /** @type {any} */ (globalThis).sentences ?? {};

/**
 * The sentence with its values filled in.
 * @param {string} sentence
 * @param {Record<string, unknown>} [values]
 */
export function say(sentence, values = {}) {
  const said = known[sentence] ?? sentence;
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The language of the page, for Intl. */
export const language = document.documentElement.lang || "en";
