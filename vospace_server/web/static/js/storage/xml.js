/** Answers in XML: parsed by the browser as it receives them, read, and never shown as a page. */

import { say } from "../sentences.js";

/** The network, not the answer, was the trouble. */
export class Unreached extends Error {}

/**
 * The document that an address answers with. No text becomes a document here (that would be a
 * sink of trusted types): the browser makes it from the response, and nothing in it can run.
 * @param {string} address
 * @param {string} [body] sent as text/xml by POST
 * @returns {Promise<Document>}
 */
export function xmlOf(address, body) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(body === undefined ? "GET" : "POST", address);
    xhr.overrideMimeType("text/xml");
    xhr.responseType = "document";
    if (body !== undefined) xhr.setRequestHeader("content-type", "text/xml");
    xhr.onload = () => {
      if (xhr.status >= 400) reject(new Error(say("The server refused the bytes ({status}).", { status: xhr.status })));
      else if (xhr.responseXML) resolve(xhr.responseXML);
      else reject(new Error(say("This is not well-formed XML.")));
    };
    xhr.onerror = () => reject(new Unreached(say("The network was lost.")));
    xhr.send(body);
  });
}

/** A text as it stands in XML. @param {string} text */
export const escaped = (text) => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
