/** The bytes of a FITS file: asked for by ranges, or, of a file that is packed with gzip, unpacked here. */

import { Trouble } from "./fits.js";

// A look must not fill the memory of whoever takes it, however well a file is packed.
const MOST_UNPACKED = 128 * 1024 * 1024;
const FIRST = 8 * 2880;

/** @typedef {{code: string, values: Record<string, string | number>}} Note */
/** `length` is of the file as FITS; `notes` say what is wrong with it. @typedef {{length: number, read: (start: number, end: number) => Promise<Uint8Array>, notes: Note[]}} Source */

/** @param {string} address @param {number} length @returns {Promise<Source>} */
export async function sourceOf(address, length) {
  const first = await ranged(address, 0, Math.min(length, FIRST));
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    return { length, notes: [], read: async (start, end) => (end <= first.length ? first.subarray(start, end) : ranged(address, start, Math.min(end, length))) };
  }
  const { bytes, note } = await unpacked(address);
  return { length: bytes.length, notes: note ? [note] : [], read: async (start, end) => bytes.subarray(start, end) };
}

/** @param {string} address @param {number} start @param {number} end */
async function ranged(address, start, end) {
  if (end <= start) return new Uint8Array(0);
  const response = await fetch(address, { headers: { range: `bytes=${start}-${end - 1}` } });
  if (response.status !== 206 && response.status !== 200) throw new Trouble("refused", { status: response.status });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 200 ? bytes.subarray(start, end) : bytes;
}

/** As much as may be held; the rest is neither unpacked nor fetched. @param {string} address */
async function unpacked(address) {
  const response = await fetch(address);
  if (!response.ok || !response.body) throw new Trouble("refused", { status: response.status });
  const reader = response.body.pipeThrough(new DecompressionStream("gzip")).getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  /** @type {Note | null} */
  let note = null;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value);
      length += piece.value.length;
      if (length < MOST_UNPACKED) continue;
      note = { code: "packed-large", values: { bytes: MOST_UNPACKED } };
      await reader.cancel();
      break;
    }
  } catch {
    note = { code: "packed-broken", values: {} };
  }
  const bytes = new Uint8Array(Math.min(length, MOST_UNPACKED));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece.subarray(0, bytes.length - at), at);
    at += piece.length;
  }
  return { bytes, note };
}
