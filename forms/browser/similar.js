// While a finding is being typed: tickets it may repeat, with photo, place, state and who, so that nobody reports twice.
// Without a signal there are none, and the form goes on.
const WAIT = 600; // ms after the last key
const READ = ["unit", "description", "location", "place", "checklist_item", "lat", "lon"];

export function offerSimilar(form) {
  const place = form.querySelector("[data-similar]");
  if (!place) return;
  let timer;
  let asked = "";
  let running = null;

  const ask = async () => {
    const query = new URLSearchParams();
    for (const name of READ) if (form.elements[name]?.value.trim()) query.set(name, form.elements[name].value.trim());
    if (query.toString() === asked) return;
    asked = query.toString();
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(`/findings/similar?${asked}`, { headers: { Accept: "text/html" }, signal: running.signal, redirect: "error" });
      if (!answer.ok) return;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...found.body.children);
      place.hidden = !place.children.length;
      press();
    } catch {
      // No signal, or another key was pressed: what is shown stays.
    }
  };

  // The hazard is back: the new ticket names the old one. Pressed again, it does not.
  const press = () => {
    for (const button of place.querySelectorAll("[data-recurrence]")) button.setAttribute("aria-pressed", String(button.dataset.recurrence === form.elements.recurrence_of.value));
  };
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-recurrence]");
    if (!button) return;
    const field = form.elements.recurrence_of;
    field.value = field.value === button.dataset.recurrence ? "" : button.dataset.recurrence;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    press();
  });
  form.addEventListener("input", (event) => {
    if (!READ.includes(event.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  form.addEventListener("change", ask);
  ask();
}
