/** Says things to people who listen to the page instead of looking at it. */

const region = document.getElementById("live");
const PAUSE_MS = 5000;
let last = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/** At once, in place of what was said before. @param {string} text */
export function announce(text) {
  if (region) region.textContent = text;
}

/** At most every five seconds, the newest of what came meanwhile: progress. @param {string} text */
export function announceSometimes(text) {
  clearTimeout(waiting);
  const wait = Math.max(0, last + PAUSE_MS - Date.now());
  waiting = setTimeout(() => {
    last = Date.now();
    announce(text);
  }, wait);
}
