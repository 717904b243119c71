/** Questions before deeds, in a dialog; the focus goes back to where it was. */

import { all, element } from "./dom.js";
import { say } from "./sentences.js";

/**
 * Asks yes or no.
 * @param {string} question
 * @param {{yes?: string, detail?: string, danger?: boolean}} [more]
 * @returns {Promise<boolean>}
 */
export function ask(question, more = {}) {
  const cancel = element("button", { value: "", autofocus: true }, say("Cancel"));
  const yes = element("button", { value: "yes", class: more.danger ? "danger" : "primary" }, more.yes ?? say("Yes"));
  const dialog = /** @type {HTMLDialogElement} */ (element(
    "dialog",
    { "aria-labelledby": "question" },
    element(
      "form",
      { method: "dialog" },
      element("h2", { id: "question" }, question),
      more.detail ? element("p", {}, more.detail) : null,
      element("p", { class: "actions" }, cancel, yes),
    ),
  ));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
  });
}

/** Forms with a question are sent when it was answered. */
export function guardForms(within = document) {
  for (const form of all("form[data-question]", within)) {
    form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
      if (form.dataset.answered) return;
      event.preventDefault();
      const button = /** @type {HTMLElement | null} */ (event.submitter);
      const sure = await ask(form.dataset.question, { yes: button?.textContent?.trim(), danger: true });
      if (!sure) return;
      form.dataset.answered = "yes";
      form.requestSubmit(button);
    });
  }
}

/** Buttons that open a dialog of the page: `data-opens="ID"`. */
export function wireOpeners(within = document) {
  for (const button of all("[data-opens]", within)) {
    button.addEventListener("click", () => {
      /** @type {HTMLDialogElement | null} */ (document.getElementById(button.dataset.opens))?.showModal();
    });
  }
}
