// A form that is kept on this phone instead of going to the server, and a page that goes on by itself once it was sent.

/** Keep what the form holds when it is submitted. A second tap keeps nothing twice; when `keep` rejects, nothing was kept: `failed` says so, and the next tap tries again. */
export function keepInstead(form, keep, failed) {
  form.addEventListener(
    "submit",
    async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.saving) return;
      form.dataset.saving = "1";
      form.setAttribute("aria-busy", "true");
      try {
        await keep();
      } catch (error) {
        console.warn(error);
        delete form.dataset.saving;
        form.removeAttribute("aria-busy");
        failed();
      }
    },
    true,
  );
}

let left = false;
// Some phones tell of leaving only when the next page is there: the tap on the link is what they tell in time.
addEventListener("beforeunload", () => (left = true));
addEventListener("click", (event) => !event.defaultPrevented && event.target.closest?.("a[href]:not([target], [download])") && (left = true));
addEventListener("pageshow", () => (left = false));

/** Go on to an address, unless the person is on the way to another already. */
export function goOn(address) {
  if (!left) location.replace(address);
}
