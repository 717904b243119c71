/** What every page does when there is script. Without it, everything here still works. */

import { all, icon } from "./dom.js";
import { guardForms, wireOpeners } from "./dialogs.js";
import { announce } from "./live.js";
import { send } from "./requests.js";
import { say } from "./sentences.js";
import { shortcut } from "./shortcuts.js";
import { toast } from "./toasts.js";

/** Copy buttons. */
for (const button of all("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = button.closest(".copyable")?.querySelector("[data-copied]")?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      button.replaceChildren(icon("done"));
      setTimeout(() => button.replaceChildren(icon("copy")), 2000);
      announce(say("Copied"));
    } catch {
      toast(say("The browser did not let the page copy. Select the text instead."), { problem: true });
    }
  });
}

/** The theme changes in place; a new language needs the page anew. */
for (const form of all("form[data-preferences]")) {
  form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.name !== "theme") return;
    event.preventDefault();
    document.documentElement.dataset.theme = button.value;
    for (const other of all('button[name="theme"]', form)) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    try {
      await send("POST", form.action, { form: { theme: button.value } });
    } catch (refusal) {
      toast(refusal.message, { problem: true });
    }
  });
}

/** A form is sent once, however often its button is pressed. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !(event.target instanceof HTMLFormElement)) return;
  if (event.target.method === "dialog") return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
// A page that comes back with the button "back" can be sent again.
addEventListener("pageshow", () => {
  for (const form of all("form[data-sent], form[data-answered]")) {
    delete form.dataset.sent;
    delete form.dataset.answered;
  }
  for (const button of all('button[aria-busy="true"]')) button.removeAttribute("aria-busy");
});

guardForms();
wireOpeners();

/** After a form that was wrong, people start at the complaint. */
all("[data-focus]").at(0)?.focus();

const search = all("input[type=search]").at(0);
if (search) shortcut("/", say("Search"), () => search.focus());
