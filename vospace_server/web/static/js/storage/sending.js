/**
 * Sends one file: in one request, or a large one in parts that can be gone on with after the
 * network, the page or the browser was lost (headers x-put-txn-*).
 */

import { csrfToken, told } from "../requests.js";
import { say } from "../sentences.js";
import { fileOf, viewer } from "./space.js";
import * as memory from "./upload_memory.js";

export const PART_FROM = 32 * 1024 * 1024;
const PART = 16 * 1024 * 1024;

/** Why a request did not succeed; status 0 is the network. */
export class Failure extends Error {
  /** @param {number} status @param {string} fault @param {string} detail @param {number} [wait] seconds that the server asks to wait */
  constructor(status, fault, detail, wait = 0) {
    super(detail || fault);
    this.status = status;
    this.fault = fault;
    this.wait = wait;
  }
}

/** @typedef {{path: string, file: File, replace: boolean, sent: number, request: XMLHttpRequest | null, stopped: boolean, whole?: boolean}} Sending */

/**
 * @param {Sending} upload @param {string} method @param {Record<string, string>} headers
 * @param {Blob | null} body @param {(sent: number) => void} [progress]
 * @returns {Promise<XMLHttpRequest>}
 */
function request(upload, method, headers, body, progress) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    upload.request = xhr;
    xhr.open(method, fileOf(upload.path));
    xhr.setRequestHeader("x-csrf-token", csrfToken());
    xhr.setRequestHeader("accept", "*/*");
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    if (progress) xhr.upload.onprogress = (event) => progress(event.loaded);
    xhr.onload = () => {
      upload.request = null;
      if (xhr.status >= 200 && xhr.status < 300) resolve(xhr);
      else void failureOf(xhr).then(reject);
    };
    xhr.onerror = () => {
      upload.request = null;
      reject(new Failure(0, "Unreachable", say("The network was lost.")));
    };
    xhr.onabort = () => {
      upload.request = null;
      reject(new Failure(-1, "Stopped", say("Stopped")));
    };
    xhr.send(body);
  });
}

/** @param {XMLHttpRequest} xhr @returns {Promise<Failure>} */
async function failureOf(xhr) {
  const text = xhr.responseText.trim();
  const found = /^([A-Za-z]+)(?::\s*(.*))?$/s.exec(text);
  if (xhr.status === 401) return new Failure(401, "NotAuthenticated", say("Your session has ended."));
  if (xhr.status === 412) return new Failure(412, "PreconditionFailed", say("Something of this name has appeared meanwhile."));
  const wait = Number(xhr.getResponseHeader("retry-after") ?? 0) || 0;
  return new Failure(xhr.status, found?.[1] ?? "Refused", await told(found?.[2] ?? text.slice(0, 300)), wait);
}

/** @param {Sending} upload */
function describing(upload) {
  /** @type {Record<string, string>} */
  const headers = { "x-vospace-mtime-ns": `${upload.file.lastModified}000000` };
  if (!upload.replace) headers["if-none-match"] = "*";
  return headers;
}

/** Sends a file; `progress` hears how many bytes have gone. @param {Sending} upload @param {() => void} progress */
export async function send(upload, progress) {
  if (upload.file.size < PART_FROM || upload.whole) {
    upload.sent = 0;
    await request(upload, "PUT", describing(upload), upload.file, (sent) => {
      upload.sent = Math.min(sent, upload.file.size);
      progress();
    });
    upload.sent = upload.file.size;
    return;
  }
  await sendParts(upload, progress);
}

/** @param {Sending} upload @param {() => void} progress */
async function sendParts(upload, progress) {
  const key = memory.keyOf(viewer, upload.path, upload.file);
  const begun = await begin(upload, key);
  if (begun === null) {
    upload.whole = true;
    await send(upload, progress);
    return;
  }
  const { transaction, part } = begun;
  upload.sent = begun.received;
  while (upload.sent < upload.file.size) {
    if (upload.stopped) throw new Failure(-1, "Stopped", say("Stopped"));
    const start = upload.sent;
    const end = Math.min(start + part, upload.file.size);
    const headers = { "x-put-txn-id": transaction, "content-range": `bytes ${start}-${end - 1}/${upload.file.size}` };
    await request(upload, "PUT", headers, upload.file.slice(start, end), (sent) => {
      upload.sent = Math.min(start + sent, end);
      progress();
    });
    upload.sent = end;
    progress();
  }
  await request(upload, "PUT", { "x-put-txn-id": transaction, "x-put-txn-op": "commit", "x-vospace-mtime-ns": `${upload.file.lastModified}000000` }, null);
  await memory.forget(key);
}

/**
 * Goes on with a transaction that is known, or starts one; null when the server takes no parts.
 * @param {Sending} upload @param {string} key
 */
async function begin(upload, key) {
  const known = await memory.recall(key);
  if (known) {
    try {
      const answer = await request(upload, "HEAD", { "x-put-txn-id": known.transaction }, null);
      return { transaction: known.transaction, received: Number(answer.getResponseHeader("content-length") ?? 0), part: partOf(answer) };
    } catch (error) {
      if (!(error instanceof Failure) || error.status <= 0 || error.status === 401 || error.status >= 500) throw error;
      await memory.forget(key);
    }
  }
  try {
    const answer = await request(upload, "PUT", { ...describing(upload), "x-put-txn-op": "start", "x-total-length": String(upload.file.size) }, null);
    const transaction = answer.getResponseHeader("x-put-txn-id") ?? "";
    if (!transaction) return null;
    await memory.remember({ key, viewer, path: upload.path, name: upload.file.name, size: upload.file.size, modified: upload.file.lastModified, transaction });
    return { transaction, received: 0, part: partOf(answer) };
  } catch (error) {
    if (error instanceof Failure && error.fault === "OperationNotSupported") return null;
    throw error;
  }
}

/** @param {XMLHttpRequest} answer */
function partOf(answer) {
  const least = Number(answer.getResponseHeader("x-put-segment-minbytes") ?? 0) || 1;
  const most = Number(answer.getResponseHeader("x-put-segment-maxbytes") ?? 0) || PART;
  return Math.max(least, Math.min(most, PART));
}
