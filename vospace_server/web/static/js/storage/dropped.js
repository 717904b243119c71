/** What was dropped or chosen, as files with the paths they had in their folders. */

/** @typedef {{file: File, relative: string}} Chosen */

/** Files of an `<input type=file>`. @param {FileList} list @returns {Chosen[]} */
export const fromInput = (list) => [...list].map((file) => ({ file, relative: file.webkitRelativePath || file.name }));

/** Everything that was dropped, folders with all that is in them. @param {DataTransfer} data @returns {Promise<{files: Chosen[], folders: string[]}>} */
export async function fromDrop(data) {
  // Entries must be asked for before the event is over.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  const plain = entries.length ? [] : [...data.files];
  /** @type {Chosen[]} */
  const files = plain.map((file) => ({ file, relative: file.name }));
  /** @type {string[]} */
  const folders = [];
  const left = [...entries];
  while (left.length) {
    const entry = left.pop();
    if (!entry) continue;
    const relative = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) files.push({ file: await fileOf(/** @type {FileSystemFileEntry} */ (entry)), relative });
    else {
      folders.push(relative);
      left.push(...(await entriesOf(/** @type {FileSystemDirectoryEntry} */ (entry))));
    }
  }
  files.sort((a, b) => (a.relative < b.relative ? -1 : 1));
  return { files, folders };
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Browsers give at most a hundred at once. @param {FileSystemDirectoryEntry} folder */
async function entriesOf(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
