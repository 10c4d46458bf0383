// Small comforts for forms. Everything works without them.
import { captureFirst } from "./capture.js";
import { connect } from "./connection.js";
import { previewPhotos } from "./photos.js";
import { tellSeen } from "./seen.js";

// A second press of a button sends nothing twice: the first has been taken.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  form.setAttribute("aria-busy", "true");
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
});

// Coming back with the browser's arrow shows the page as it was, with its buttons asleep: wake them.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// What is wrong is read first.
document.getElementById("problems")?.focus();

// A filter takes effect when it is chosen.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// On a phone the phase a campaign is in would lie outside the screen.
document.querySelectorAll(".stepper [aria-current]").forEach((step) => {
  const strip = step.parentElement;
  strip.scrollLeft = step.offsetLeft - (strip.clientWidth - step.offsetWidth) / 2;
});

for (const field of document.querySelectorAll("[data-photos]")) previewPhotos(field);

for (const link of document.querySelectorAll("[data-capture]")) captureFirst(link);

for (const form of document.querySelectorAll("form[data-seen]")) tellSeen(form);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.copied;
  });
}

connect();
