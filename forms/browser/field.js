// What is on this phone: each item with its receipt, its state and the server's reason; send, export, give up.
import { able, again, all, fact, forget, onChange, sendNow, unsent } from "./queue.js";
import { persist } from "./connection.js";
import { draftsOf, dropDraft } from "./draft.js";
import { choose, elsewhere, syncDrafts } from "./server_drafts.js";
import { clock, icon, make, say } from "./words.js";

// Where what the server refused is put right; an act on a ticket says itself where its form is.
const AMENDED = { finding: "/findings/new", quantity: "/field/quantity", "tool-test": "/field/tool" };
const place = document.querySelector("[data-field]");
const login = document.documentElement.dataset.login;
let install = null;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  install = event;
  document.querySelector("[data-install]").hidden = false;
});

if (place) start();

async function start() {
  if (!able()) return;
  onChange((news) => (news.progress ? progress(news) : show()));
  document.querySelector("[data-send-now]").addEventListener("click", () => sendNow());
  document.querySelector("[data-export]").addEventListener("click", exportAll);
  document.querySelector("[data-install]").addEventListener("click", () => install?.prompt());
  await show();
  await storage();
  syncDrafts(login).catch(() => {});
}

async function show() {
  const items = await all();
  const drafts = await draftsOf(login);
  const begun = await elsewhere(login);
  const mine = items.filter((item) => item.author === login);
  const others = items.filter((item) => item.author !== login && unsent(item));
  const open = mine.filter(unsent);
  document.querySelector("[data-send-now]").hidden = !open.some((item) => item.state !== "refused");
  document.querySelector("[data-export]").hidden = ![...open, ...others].length;
  place.replaceChildren(
    ...part("unsent", open.map(card)),
    ...part("drafts", drafts.map(draftCard)),
    ...part("drafts-elsewhere", begun.map(copyCard)),
    ...part("sent-lately", mine.filter((item) => item.state === "sent").reverse().map(card)),
    ...part("of-others", others.map(card)),
    ![...items, ...drafts, ...begun].length ? make("div", { class: "empty" }, icon("check"), make("p", { text: say("nothing-here") })) : "",
  );
  const warmed = await fact("warmed");
  const day = document.querySelector("[data-day]");
  day.hidden = warmed?.login !== login;
  if (!day.hidden) day.textContent = say("day-kept", { when: clock(new Date(warmed.at).toISOString()) });
  const outcome = await fact("outcome");
  const line = document.querySelector("[data-outcome]");
  line.hidden = !(open.length && outcome && outcome.reason !== "done");
  line.querySelector("span").textContent = line.hidden ? "" : `${say(outcome.reason)}${say("tried-at", { when: clock(outcome.at) })}`;
  const door = line.querySelector("a");
  door.hidden = outcome?.reason !== "login";
}

const part = (title, cards) => (cards.length ? [make("section", { class: "stack" }, make("h2", { text: say(title, { count: cards.length }) }), make("ul", { class: "items" }, ...cards))] : []);

function card(item) {
  const done = item.files.filter((file) => file.done).length;
  const own = item.author === login;
  const state = make("span", { class: `chip ${{ refused: "bad", sent: "done" }[item.state] ?? "warn"}`, text: say(`state-${item.state}`) });
  const error = item.error && reason(item.error);
  return make(
    "li", { class: "card item", "data-item": item.id },
    make("div", { class: "meta num" }, make("span", { class: "receipt", text: item.receipt }), make("span", { text: clock(item.made_at) }), make("span", { class: "due" }, state)),
    item.href ? make("a", { class: "title", href: item.href, text: item.title || say(`kind-${item.kind}`) }) : make("span", { class: "title", text: item.title || say(`kind-${item.kind}`) }),
    make("div", { class: "meta" }, make("span", { text: say(`kind-${item.kind}`) }), item.about && make("span", { text: item.about }), item.number && make("span", { class: "num", text: item.number }), item.files.length > 0 && make("span", { class: "num", "data-photos-sent": true, text: say("photos-sent", { done, photos: item.files.length }) }), !own && make("span", { text: item.author_name ?? item.author })),
    error && make("p", { class: "error" }, icon("alert"), make("span", { text: error })),
    item.error?.theirs && make("details", {}, make("summary", { text: say("theirs") }), make("pre", { class: "scroll small", text: JSON.stringify(item.error.theirs, null, 1) })),
    own && item.state === "refused" && make(
      "div", { class: "row" },
      (AMENDED[item.kind] ?? item.form) && !item.number && make("a", { class: "btn small primary", href: `${AMENDED[item.kind] ?? item.form}?from=${item.id}`, text: say("put-right") }),
      press("again", () => again(item.id)),
      press("give-up", () => confirm(say("give-up-sure", { receipt: item.receipt })) && forget(item.id)),
    ),
  );
}

/** Why the server refused: each wrong field by its name on the form. */
function reason({ code, detail, errors = [] }) {
  const named = ({ field, detail: words }) => {
    const name = field.split("/").map(nameOf).find(Boolean);
    return name ? `${name}：${words}` : words;
  };
  return errors.length ? errors.map(named).join(" ") : detail || say(code);
}

/** What a field is called on the form. */
function nameOf(name) {
  const words = say(`field-${name}`);
  return words === `field-${name}` ? null : words;
}

function draftCard(draft) {
  return make(
    "li", { class: "card item" },
    make("div", { class: "meta num" }, make("span", { text: clock(draft.saved_at) }), make("span", { text: say("photos-kept", { photos: draft.photos.length }) })),
    make("a", { class: "title", href: `/findings/new?draft=${draft.id}`, text: draft.values.description || say("no-words") }),
    ...(draft.others?.length ? [make("p", { class: "error" }, icon("alert"), make("span", { text: say("two-copies") })), ...sides(draft)] : [make("div", { class: "row" }, discard(draft))]),
  );
}

const discard = (draft) =>
  press("discard", async () => {
    await dropDraft(draft.id, { everywhere: true });
    await syncDrafts(login).catch(() => {});
  });

/** What two devices wrote, side by side: only what differs, and a button under each. */
function sides(draft) {
  const differing = [...new Set(draft.others.flatMap((copy) => Object.keys({ ...copy.values, ...draft.values })))].filter((name) => draft.others.some((copy) => (copy.values[name] ?? "") !== (draft.values[name] ?? "")));
  const side = (title, values, words, take) =>
    make("section", { class: "stack" }, make("h3", { text: title }), make("dl", { class: "three" }, ...differing.flatMap((name) => [make("dt", { text: nameOf(name) ?? name }), make("dd", { text: values[name] || "—" })])), make("div", { class: "row" }, press(words, take)));
  return [
    make(
      "div", { class: "sides" },
      side(say("this-device", { when: clock(draft.saved_at) }), draft.values, "use-this", () => choose(draft, null)),
      ...draft.others.map((copy) => side(say("other-device", { device: copy.device_name, when: clock(copy.saved_at), photos: copy.photos.length }), copy.values, "use-that", () => choose(draft, copy))),
    ),
  ];
}

/** A draft another device began and this one has not. */
function copyCard(copy) {
  return make(
    "li", { class: "card item" },
    make("div", { class: "meta num" }, make("span", { text: say("other-device", { device: copy.device_name, when: clock(copy.saved_at), photos: copy.photos.length }) })),
    make("a", { class: "title", href: `/findings/new?draft=${copy.id}`, text: copy.values.description || say("no-words") }),
  );
}

function press(words, work) {
  const button = make("button", { type: "button", class: "btn small", text: say(words) });
  button.addEventListener("click", work);
  return button;
}

function progress({ progress: id, share }) {
  const line = place.querySelector(`[data-item="${id}"] [data-photos-sent]`);
  if (line) line.textContent = `${line.textContent.replace(/ · \d+ ?%$/, "")} · ${Math.round(share * 100)} %`;
}

async function storage() {
  const kept = await persist();
  const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
  const line = document.querySelector("[data-storage]");
  line.textContent = [kept ? say("persisted") : say("not-persisted"), quota ? say("room", { used: megabytes(usage), quota: megabytes(quota) }) : ""].join("");
  line.classList.toggle("late", kept === false);
  line.hidden = false;
}

const megabytes = (bytes) => Math.round(bytes / 1048576);

async function exportAll() {
  const { exported } = await import("./export.js");
  const { name, blob } = await exported(login);
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
