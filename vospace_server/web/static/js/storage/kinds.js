/** What a file is, by its name and by what was said when it was stored. */

/** @typedef {{name: string, media_type?: string}} Named */

/** The last ending of a name, without its full stop. @param {string} name */
export const extensionOf = (name) => /\.([^.]+)$/.exec(name.toLowerCase())?.[1] ?? "";

/** FITS, packed or not. @param {Named} entry */
export const isFits = (entry) => /\.(fits|fit|fts)(\.(gz|fz))?$|\.fz$/i.test(entry.name) || /fits/.test(entry.media_type ?? "");

/** @param {Named} entry */
export const isVotable = (entry) => /\.(vot|votable)$/i.test(entry.name) || /votable/.test(entry.media_type ?? "");
