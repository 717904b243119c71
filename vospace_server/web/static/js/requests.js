/** Requests to our own server, as the person who is logged in. */

import { language, say } from "./sentences.js";

/** What the server refused, or why it was not reached; `status` is 0 then. */
export class Refusal extends Error {
  /** @param {number} status @param {string} fault @param {string} detail */
  constructor(status, fault, detail) {
    super(detail || fault);
    this.status = status;
    this.fault = fault;
  }
}

/** The proof that a page of this session asks; '' when nobody is logged in. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/**
 * Sends a request; `json`, `form` or `xml` is the body. Throws a Refusal for anything but 2xx.
 * @param {string} method
 * @param {string} url
 * @param {{json?: unknown, form?: Record<string, string>, xml?: string, signal?: AbortSignal, accept?: string}} [more]
 * @returns {Promise<Response>}
 */
export async function send(method, url, more = {}) {
  const headers = new Headers({ accept: more.accept ?? "application/json" });
  if (method !== "GET" && method !== "HEAD") headers.set("x-csrf-token", csrfToken());
  /** @type {BodyInit | undefined} */
  let body;
  if (more.json !== undefined) {
    headers.set("content-type", "application/json");
    body = JSON.stringify(more.json);
  } else if (more.xml !== undefined) {
    headers.set("content-type", "text/xml");
    body = more.xml;
  } else if (more.form) {
    body = new URLSearchParams(more.form);
  }
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal: more.signal, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(0, "Unreachable", say("The server can't be reached. Check the network, then try again."));
  }
  if (response.ok) return response;
  throw await refusalOf(response);
}

/** The JSON of an answer to GET. @param {string} url @param {AbortSignal} [signal] */
export async function load(url, signal) {
  return (await send("GET", url, { signal })).json();
}

/** What a service said, in the language of the page; most pages never need more than this. @param {string} text */
export async function told(text) {
  return language === "en" ? text : (await import("./told.js")).told(text);
}

/** @param {Response} response */
async function refusalOf(response) {
  if (response.status === 401) {
    return new Refusal(401, "NotAuthenticated", say("Your session has ended. Log in again, then repeat this."));
  }
  const text = (await response.text()).trim();
  const named = /^([A-Za-z]+)(?::\s*(.*))?$/s.exec(text);
  return named
    ? new Refusal(response.status, named[1], await told(named[2] ?? named[1]))
    : new Refusal(response.status, "Refused", text.slice(0, 300));
}
