// What stands in place of a form once its content is kept on this phone: the receipt at once, the number when it is there.
import { goOn as goOnTo } from "./keeping.js";
import { all, one, onChange } from "./queue.js";
import { make, say } from "./words.js";

/** Saved on this phone → sent. `again` is the form for another one, `amend` where a refused one is put right, `told` the sentence about what the server answered; with `goOn` the page goes on by itself once the server has decided. */
export function confirmSaved(item, kept, { again, amend, told = () => "", goOn = null }) {
  const status = make("p", { role: "status", class: "lines" });
  const more = make("a", { class: "btn primary", href: again, text: say("one-more") });
  const card = make(
    "section", { class: "card stack saved" },
    make("h1", { text: say("saved") }),
    make("p", {}, make("span", { class: "muted", text: say("receipt") }), make("b", { class: "num receipt", text: item.receipt })),
    make("p", { class: "over-long", text: item.title }),
    status,
    kept === false && make("p", { class: "hint", text: say("not-persisted") }),
  );
  document.querySelector("main").replaceChildren(card, make("div", { class: "bar" }, make("a", { class: "btn", href: "/", text: say("home") }), more));
  more.focus();
  const show = async () => {
    const now = (await one(item.id)) ?? (await all()).find((each) => each.id === item.id);
    if (!now) return;
    if (goOn && (now.state === "sent" || now.state === "refused")) return goOnTo(now.state === "sent" ? goOn(now) : amend(now));
    const done = now.files.filter((file) => file.done).length;
    const text = say(`saved-${now.state}`, { number: now.number ?? "", done, photos: now.files.length, why: now.error?.detail ?? "" }) + (now.told ? told(now.told) : "");
    if (status.dataset.text === text) return;
    status.dataset.text = text;
    const link = now.href ?? (now.state === "refused" ? amend(now) : null);
    status.replaceChildren(text, ...(link ? [" ", make("a", { href: link, text: say(now.href ? "see-ticket" : "put-right") })] : []));
  };
  onChange(show);
  show();
}

/** The phone has no room, or keeps nothing: the form stays as it is, and says so. */
export function sayNotKept(form) {
  const problem = make("div", { class: "problems", role: "alert", tabindex: "-1" }, make("h2", { text: say("not-kept") }), make("p", { text: say("not-kept-why") }));
  form.before(problem);
  problem.focus();
}
