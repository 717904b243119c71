/** The requests of the storage browser. */

import { Refusal, load, send, told } from "../requests.js";
import { say } from "../sentences.js";
import { quoted, serviceAddress, uriOf } from "./space.js";
import { escaped } from "./xml.js";

const API = "/api/v1";

/** A node as the server tells of it. @typedef {{name: string, type: string, id: number, length: number, mtime_ns: number, owner: string, public: boolean, readable: boolean, writable: boolean, read_groups: string[], write_groups: string[], inherit: boolean, locked: boolean, files?: number, target?: string, md5?: string | null, media_type?: string, content?: string | null, path?: string, data?: string}} Entry */

/** A folder, links followed: where it is, how many children, the room left. @param {string} path @param {AbortSignal} [signal] */
export const folder = (path, signal) => load(`${API}/folder${quoted(path)}`, signal);
/** @param {string} path */
export const node = (path) => load(`${API}/nodes${quoted(path)}`);
/** The same with the address of its bytes. @param {string} path */
export const openNode = (path) => load(`${API}/nodes${quoted(path)}?ticket=true`);
/** @param {string} path */
export const details = (path) => load(`${API}/details${quoted(path)}`);

/**
 * Lines of a listing; the container itself is the first. Throws when the listing broke off.
 * @param {string} path
 * @param {{after?: string, limit?: number, depth?: string}} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Entry[]>}
 */
export async function children(path, query, signal) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) asked.set(name, String(value));
  const response = await send("GET", `${API}/children${quoted(path)}?${asked}`, { signal, accept: "application/x-ndjson" });
  const lines = (await response.text()).split("\n");
  lines.pop();
  const entries = lines.map((line) => JSON.parse(line));
  if (!entries.pop()?.end) throw new Refusal(0, "Broken", say("The listing broke off. Load it again."));
  return entries;
}

/** @param {string} path @param {Record<string, unknown>} change */
export const change = (path, change) => send("PATCH", `${API}/nodes${quoted(path)}`, { json: change });
/** @param {string} source @param {string} destination @param {boolean} [overwrite] */
export const move = (source, destination, overwrite = false) => send("POST", `${API}/move`, { json: { source, destination, overwrite } });
/** @param {string} path */
export const makeFolder = (path) => send("PUT", `${API}/details${quoted(path)}`, { json: { type: "container" } });
/** @param {string} path @param {string} target */
export const makeLink = (path, target) => send("PUT", `${API}/details${quoted(path)}`, { json: { type: "link", target } });
/** Deletes so that it can be put back; says under which number. @param {string} path */
export const discard = async (path) => (await send("DELETE", `${API}/details${quoted(path)}`)).json();
/** @param {number} id */
export const putBack = (id) => send("POST", `${API}/trash`, { json: { id } });
/** @param {string} text */
export const groups = async (text) => (await load(`${API}/groups?text=${encodeURIComponent(text)}`)).groups;
/** @param {string} path @param {string} [user] */
export const explain = (path, user) => load(`${API}/access${quoted(path)}${user === undefined ? "" : `?user=${encodeURIComponent(user)}`}`);

const VOS = 'xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** Starts a job and returns its address. @param {string} address @param {string} document */
async function startJob(address, document) {
  const made = await send("POST", address, { xml: document, accept: "*/*" });
  const job = made.url.replace(/\/+$/, "");
  await send("POST", `${job}/phase`, { form: { PHASE: "RUN" }, accept: "*/*" });
  return job;
}

/** A job that copies a node to exactly this path. @param {string} source @param {string} destination */
export function startCopy(source, destination) {
  return startJob(`${serviceAddress}/transfers`, `<vos:transfer ${VOS} version="2.1"><vos:target>${escaped(uriOf(source))}</vos:target><vos:direction>${escaped(uriOf(destination))}</vos:direction><vos:keepBytes>true</vos:keepBytes></vos:transfer>`);
}

/**
 * A job that sets properties of a container and of all that is below it.
 * @param {string} path
 * @param {Record<string, string>} properties
 */
export function startPropertyChange(path, properties) {
  const lines = Object.entries(properties).map(([uri, value]) => `<vos:property uri="${escaped(uri)}"${value === "" ? ' xsi:nil="true"/>' : `>${escaped(value)}</vos:property>`}`);
  return startJob(`${serviceAddress}/async-setprops`, `<vos:node ${VOS} uri="${escaped(uriOf(path))}" xsi:type="vos:ContainerNode" version="2.1"><vos:properties>${lines.join("")}</vos:properties><vos:nodes/></vos:node>`);
}

/**
 * Waits for the end of a job; throws a Refusal when it failed.
 * @param {string} job
 * @param {(phase: string) => void} [progress]
 */
export async function jobEnd(job, progress = () => {}) {
  for (;;) {
    const phase = (await (await send("GET", `${job}/phase`, { accept: "text/plain" })).text()).trim();
    progress(phase);
    if (phase === "COMPLETED") return;
    if (phase === "ERROR" || phase === "ABORTED") {
      let text = phase;
      try {
        text = (await (await send("GET", `${job}/error`, { accept: "text/plain" })).text()).trim() || phase;
      } catch {
        // The phase is all there is to say.
      }
      const [, detail] = /^[A-Z][A-Za-z]+: (.*)$/s.exec(text) ?? [text, text];
      throw new Refusal(409, phase, (await told(detail)).slice(0, 500));
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

/** @param {string} job */
export const abortJob = (job) => send("POST", `${job}/phase`, { form: { PHASE: "ABORT" }, accept: "*/*" });
