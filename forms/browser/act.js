// What whoever fixes does with a ticket, kept on this phone and sent in order: acknowledged, progress, fixed, more time asked
// for. Where the server has it at once the ticket comes up, as it does without us.
import { able, all, fact, newId, one, onChange, put, unsent } from "./queue.js";
import { keepForm } from "./keep_form.js";
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

/** One tap, no form: the button gives way to what was kept. */
async function keepTap(form) {
  if (!login || !able()) return;
  let here;
  try {
    await fact("device");
    here = (await all()).find((item) => item.kind === "acknowledge" && item.author === login && unsent(item) && item.state !== "refused" && item.body.ticket === form.dataset.number);
  } catch {
    return;
  }
  if (here) return showTapped(form, here.id);
  form.addEventListener(
    "submit",
    async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.saving) return;
      form.dataset.saving = "1";
      try {
        const kept = await put({ ...about(form.dataset), body: { ticket: form.dataset.number, said: {} }, id: newId(), author: login, author_name: document.documentElement.dataset.name });
        showTapped(form, kept.id);
      } catch (error) {
        console.warn(error);
        // Nothing can be kept: the server takes it as it always did.
        HTMLFormElement.prototype.submit.call(form);
      }
    },
    true,
  );
}

function showTapped(form, id) {
  const back = form.elements.back?.value;
  form.replaceWith(make("p", { class: "small", role: "status", text: say("acknowledged-here") }));
  const look = async () => {
    const now = await one(id);
    if (now?.state !== "sent" && now?.state !== "refused") return;
    const [path, place] = (back ?? location.pathname).split("#");
    location.assign(now.state === "refused" ? "/field" : `${path}?done=acknowledge${place ? `#${place}` : ""}`);
  };
  onChange(look);
  look();
}
