/** The hub of SAMP on the computer of whoever looks, by its web profile (SAMP 1.3, section 5). */

import { say } from "../sentences.js";
import { Unreached, escaped, xmlOf } from "./xml.js";

// The standard's own address; the page's policy lets storage pages ask it and nothing else.
const HUB = "http://localhost:21012/";
// So long, in seconds, a program may take over a file before the hub gives up waiting.
const PATIENCE = "120";

/** What the hub said no to. */
export class HubRefusal extends Error {}

/** SAMP knows texts, lists and maps. @typedef {string | SampValue[] | {[name: string]: SampValue}} SampValue */
/** @typedef {{id: string, name: string, takes: Set<string>}} Program */

/** @param {SampValue} value @returns {string} */
function encoded(value) {
  if (typeof value === "string") return `<value><string>${escaped(value)}</string></value>`;
  if (Array.isArray(value)) return `<value><array><data>${value.map(encoded).join("")}</data></array></value>`;
  const members = Object.entries(value).map(([name, each]) => `<member><name>${escaped(name)}</name>${encoded(each)}</member>`);
  return `<value><struct>${members.join("")}</struct></value>`;
}

/** @param {Element | null | undefined} value an element `value` @returns {any} */
function decoded(value) {
  const typed = value?.firstElementChild;
  if (!typed) return value?.textContent ?? "";
  if (typed.localName === "array") return [...(typed.firstElementChild?.children ?? [])].map(decoded);
  if (typed.localName !== "struct") return typed.textContent ?? "";
  return Object.fromEntries([...typed.children].map((member) => [member.children[0]?.textContent ?? "", decoded(member.children[1])]));
}

/** @param {string} method @param {SampValue[]} params */
const request = (method, params) => `<?xml version="1.0"?><methodCall><methodName>samp.webhub.${method}</methodName><params>${params.map((each) => `<param>${encoded(each)}</param>`).join("")}</params></methodCall>`;

/** @param {string} method @param {...SampValue} params @returns {Promise<any>} */
async function ask(method, ...params) {
  const answer = await xmlOf(HUB, request(method, params));
  const fault = answer.querySelector("methodResponse > fault > value");
  if (fault) throw new HubRefusal(decoded(fault).faultString || say("The hub gave no reason."));
  return decoded(answer.querySelector("methodResponse > params > param > value"));
}

/** Our key at the hub; '' before it knows us. */
let key = "";

/**
 * Makes us known to the hub, which asks the person whether that is all right. Once for a page.
 * @throws {Unreached} when there is no hub @throws {HubRefusal} when the person said no
 */
async function connect() {
  if (key) {
    try {
      await ask("getRegisteredClients", key);
      return;
    } catch {
      // Another hub, or it has forgotten us: begin anew.
      key = "";
    }
  }
  const known = await ask("register", { "samp.name": "vospace" });
  key = known["samp.private-key"];
  await ask("declareMetadata", key, { "samp.name": "vospace", "samp.description.text": say("Files of {host}", { host: location.host }) });
}

/** Those who listen that take any of these kinds of message. @param {string[]} mtypes @returns {Promise<Program[]>} */
export async function programs(mtypes) {
  await connect();
  /** @type {Map<string, Program>} */
  const found = new Map();
  for (const mtype of mtypes) {
    for (const id of Object.keys(await ask("getSubscribedClients", key, mtype))) {
      if (!found.has(id)) found.set(id, { id, name: (await ask("getMetadata", key, id))["samp.name"] || id, takes: new Set() });
      found.get(id)?.takes.add(mtype);
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Hands a message to a program and waits for what it says; throws what went wrong there.
 * @param {Program} program @param {string} mtype @param {Record<string, string>} params
 */
export async function tell(program, mtype, params) {
  const reply = await ask("callAndWait", key, program.id, { "samp.mtype": mtype, "samp.params": params }, PATIENCE);
  if (reply["samp.status"] === "samp.error") throw new HubRefusal(reply["samp.error"]?.["samp.errortxt"] || say("It gave no reason."));
}

addEventListener("pagehide", () => {
  if (!key) return;
  void fetch(HUB, { method: "POST", body: request("unregister", [key]), headers: { "content-type": "text/xml" }, keepalive: true }).catch(() => {});
  key = "";
});
