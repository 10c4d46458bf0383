// What whoever fixes does with a ticket, kept on this phone and sent in order: acknowledged, progress, fixed, more time asked
// for. Where the server has a form's content at once the ticket comes up, as it does without us; 签收 is one tap in place.
import { able, all, fact, newId, one, onChange, put, unsent } from "./queue.js";
import { keepForm } from "./keep_form.js";
import { keepInstead } from "./keeping.js";
import { make, minute, say } from "./words.js";

const login = document.documentElement.dataset.login;

for (const form of document.querySelectorAll("form[data-act]")) {
  if (form.dataset.act === "acknowledge") keepTap(form);
  else keepAct(form);
}

function about({ act, number, title, about }) {
  return { kind: act, url: "/field/acts", title, about: `${number} ${about}`, ...(act === "acknowledge" ? {} : { form: location.pathname }) };
}

function keepAct(form) {
  const photos = form.querySelector("[data-photos]");
  keepForm(form, {
    again: "/work",
    goOn: ({ href }) => `${href}?done=${form.dataset.act}`,
    fill: ({ said: { fixed_at, ...said } }) => ({ ...said, ...(fixed_at ? { fixed_at: minute(new Date(fixed_at)) } : {}) }),
    item: ({ fixed_at, ...said }, files) => ({ ...about(form.dataset), body: { ticket: form.dataset.number, said: { ...said, ...(fixed_at ? { fixed_at: `${fixed_at}:00+08:00` } : {}), ...(photos ? { files } : {}) } } }),
  });
}

/** One tap, no form: the button gives way to what became of it, and the page stays where it is. */
async function keepTap(form) {
  if (!login || !able()) return;
  const earlier = tapped(form.dataset.number);
  const keep = async () => {
    if ((await earlier).id) return;
    const kept = await put({ ...about(form.dataset), body: { ticket: form.dataset.number, said: {} }, id: newId(), author: login, author_name: document.documentElement.dataset.name });
    showTapped(form, kept.id);
  };
  // Nothing can be kept: the server takes it as it always did.
  keepInstead(form, earlier.then(Boolean), keep, () => HTMLFormElement.prototype.submit.call(form));
  const here = await earlier;
  if (here?.id) showTapped(form, here.id);
}

/** The {id} of the tap on this ticket that waits here; null when nothing can be kept here. */
async function tapped(number) {
  try {
    await fact("device");
    const here = (await all()).find((item) => item.kind === "acknowledge" && item.author === login && unsent(item) && item.state !== "refused" && item.body.ticket === number);
    return { id: here?.id };
  } catch {
    return null;
  }
}

function showTapped(form, id) {
  const { number } = form.dataset;
  const acts = form.parentElement;
  // Said before the form goes: its words are kept with it.
  const line = make("p", { class: "small", role: "status", tabindex: "-1", text: say(navigator.onLine ? "sending" : "acknowledged-here") });
  const pressed = form.contains(document.activeElement);
  form.replaceWith(line);
  // Whoever reads by ear or goes by keys is where the button was.
  if (pressed) line.focus({ preventScroll: true });
  const look = async () => {
    const item = await one(id);
    const key = item?.state === "waiting" ? ((await stopped(item)) ? "acknowledged-here" : "sending") : (TAPPED[item?.state] ?? "acknowledged");
    if (line.dataset.said === key) return;
    line.dataset.said = key;
    line.replaceChildren(say(key, { why: item?.error?.detail ?? "" }));
    if (key === "saved-refused") line.append(" ", make("a", { href: "/field", text: say("see-ticket") }));
    if (key === "acknowledged") acknowledged(number, acts);
  };
  onChange(look);
  addEventListener("offline", look);
  look();
}

const TAPPED = { sent: "acknowledged", refused: "saved-refused" };

/** Whether there is no way to the server at the moment: none at all, or the last try since the tap found none. */
async function stopped(item) {
  if (!navigator.onLine) return true;
  const outcome = await fact("outcome");
  return Boolean(outcome) && outcome.at > item.made_at && outcome.reason !== "done" && outcome.reason !== "busy";
}

/** What the page says of the ticket is true again: it is acknowledged, and the fix is what comes next. */
function acknowledged(number, acts) {
  for (const each of document.querySelectorAll("[data-unsigned]")) if (each.dataset.unsigned === number) each.textContent = say("acknowledged-mark");
  for (const chip of document.querySelectorAll("[data-unsigned-count]")) {
    const count = Number(chip.dataset.unsignedCount) - 1;
    chip.dataset.unsignedCount = count;
    chip.textContent = say("unsigned-left", { count });
    chip.hidden = count < 1;
  }
  acts?.querySelector("a.btn[href$='/fix']")?.classList.add("primary");
}
