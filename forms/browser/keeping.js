// A form that is kept on this phone instead of going to the server, and a page that goes on by itself once it was sent.

/**
 * Keep what the form holds when it is submitted, from the first moment it can be. `ready` resolves to whether this phone keeps
 * anything: where it does not, the form goes to the server as it always did. A second tap keeps nothing twice; when `keep`
 * rejects, nothing was kept: `failed` says so, and the next tap tries again.
 */
export function keepInstead(form, ready, keep, failed) {
  let asAlways = false;
  ready.then((keeps) => (asAlways = !keeps), () => {});
  const awake = () => {
    delete form.dataset.saving;
    form.removeAttribute("aria-busy");
  };
  form.addEventListener(
    "submit",
    async (event) => {
      if (asAlways) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.saving) return;
      form.dataset.saving = "1";
      form.setAttribute("aria-busy", "true");
      const { submitter } = event;
      try {
        if (await ready) return await keep();
      } catch (error) {
        console.warn(error);
        awake();
        return failed();
      }
      awake();
      // Once this event is over: a form that is being submitted is not submitted again.
      setTimeout(() => form.requestSubmit(submitter));
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
