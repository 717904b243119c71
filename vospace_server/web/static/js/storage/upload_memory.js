/** Which uploads in parts are under way, so that a reload or a crash of the browser loses none. */

const NAME = "vospace-uploads";
const STORE = "parts";

/** @typedef {{key: string, viewer: string, path: string, name: string, size: number, modified: number, transaction: string}} Remembered */

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} deed @returns {Promise<any>} */
async function within(mode, deed) {
  let database;
  try {
    database = await open();
  } catch {
    // Private windows may have no storage; uploads then can't outlive the page.
    return undefined;
  }
  try {
    return await new Promise((resolve, reject) => {
      const asked = deed(/** @type {IDBDatabase} */ (database).transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  } finally {
    database.close();
  }
}

/** @param {string} viewer @param {string} path @param {File} file */
export const keyOf = (viewer, path, file) => `${viewer}\n${path}\n${file.size}\n${file.lastModified}`;
/** @param {Remembered} upload */
export const remember = (upload) => within("readwrite", (store) => store.put(upload));
/** @param {string} key */
export const forget = (key) => within("readwrite", (store) => store.delete(key));
/** @param {string} key @returns {Promise<Remembered | undefined>} */
export const recall = (key) => within("readonly", (store) => store.get(key));
/** @param {string} viewer @returns {Promise<Remembered[]>} */
export async function all(viewer) {
  const found = /** @type {Remembered[]} */ ((await within("readonly", (store) => store.getAll())) ?? []);
  return found.filter((each) => each.viewer === viewer);
}
