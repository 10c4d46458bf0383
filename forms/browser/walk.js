// The checklist, taken over where the browser can keep things: every tap is kept on this phone at once and sent in order
// when there is a signal. Without JavaScript, or where nothing can be kept, the server's form works as it always did.
import { able, all, fact, filesOf, onChange, put, unsent } from "./queue.js";
import { previewPhotos } from "./photos.js";
import { keptOf, listed, putBack } from "./photo/kept.js";
import { locateQuietly } from "./place.js";
import { takeSteps } from "./walk/device.js";
import { answerOf, asks, codeOf, photosOf, show, valueOf, versionOf } from "./walk/item.js";
import { showProgress } from "./walk/progress.js";
import { follow, openSigning } from "./walk/signing.js";
import { clock, make, say } from "./words.js";

const form = document.getElementById("walk");
const login = document.documentElement.dataset.login;
const visit = form?.dataset.walk;
const about = { visit, title: form?.dataset.title, author: login, author_name: document.documentElement.dataset.name };
const PAUSE = 800; // ms of silence after which typed words are kept
const STALE = 60_000; // ms after which a page that comes back to the front asks the server how things stand
const typing = new Map(); // item → timer
const tapped = new Map(); // item → what was chosen since the page is open
let opened = null; // whether anything can be kept here; null until that is known
let taken; // resolves to `opened` once the page shows what is kept here
let last; // answers are kept one after the other, in the order they were tapped
let looked = Date.now();

if (form) {
  showProgress(form);
  form.addEventListener("change", () => showProgress(form));
  if (login && able()) {
    // At once: the first tap counts, whenever this phone's store is open.
    for (const ask of asks(form)) wire(ask);
    form.addEventListener("submit", pressed, true);
    taken = last = takeOver();
  }
}

/** Resolves to whether anything can be kept here; where not, the server's form goes on. */
async function takeOver() {
  opened = await fact("device").then(() => true, () => false);
  if (!opened) {
    for (const ask of asks(form)) delete photosOf(ask).dataset.keepsItself;
    return false;
  }
  form.querySelector("[data-save]").hidden = true;
  await overlay();
  onChange(news);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? flush() : refreshIfStale()));
  addEventListener("online", refreshIfStale);
  await showKept();
  return true;
}

function wire(ask) {
  for (const radio of ask.querySelectorAll("input[type=radio]")) {
    radio.addEventListener("change", () => {
      tapped.set(ask, radio.value);
      keep([ask]);
      if (radio.value === "fail") locateQuietly();
      else goOn(ask);
    });
  }
  const tail = ask.querySelector(".tail");
  tail.addEventListener("input", (event) => event.target.type !== "file" && keepSoon(ask));
  tail.addEventListener("change", (event) => event.target.type !== "file" && keep([ask]));
  const photos = photosOf(ask);
  photos.dataset.keepsItself = "";
  photos.addEventListener("photos:changed", () => keep([ask]));
}

function pressed(event) {
  const { submitter } = event;
  const deed = submitter?.value ?? "save";
  // Which of two answers holds is a choice the server keeps: the form goes there as it does without us.
  if (deed.startsWith("keep:") || opened === false) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  taken.then((here) => (here ? act(deed, submitter) : form.requestSubmit(submitter)));
}

function act(deed, submitter) {
  if (deed.startsWith("rest:")) rest(submitter.closest("[data-group]"));
  else flush().then(() => deed === "sign" && openSigning(form, about, said));
}

function rest(group) {
  const open = asks(group).filter((ask) => !valueOf(ask));
  for (const ask of open) ask.querySelector("input[value=pass]").checked = true;
  keep(open);
  goOn(asks(group).at(-1));
}

/** The next item without an answer comes under the thumb, when it does not lie there already. */
function goOn(from) {
  const every = asks(form);
  const next = every.slice(every.indexOf(from) + 1).find((ask) => !valueOf(ask));
  if (!next) return;
  const { bottom } = next.getBoundingClientRect();
  const room = innerHeight - (form.querySelector(".bar")?.offsetHeight ?? 0);
  if (bottom > room) next.scrollIntoView({ block: "center" });
}

// Keeping.

function keepSoon(ask) {
  clearTimeout(typing.get(ask));
  typing.set(ask, setTimeout(() => keep([ask]), PAUSE));
}

/** Keep everything typed and not kept yet. */
function flush() {
  const open = [...typing.keys()];
  if (open.length) keep(open);
  return last;
}

function keep(some) {
  for (const ask of some) {
    clearTimeout(typing.get(ask));
    typing.delete(ask);
  }
  showProgress(form);
  last = last.then(() => keepNow(some)).catch(notKept);
  return last;
}

async function keepNow(some) {
  if (!(await taken)) return;
  const given = some.map((ask) => [ask, answerOf(ask)]).filter(([, answer]) => answer);
  if (!given.length) return;
  const { branch, first } = await takeSteps(login, given.length);
  const answered_at = new Date().toISOString();
  const files = [];
  const answers = [];
  for (const [place, [ask, answer]] of given.entries()) {
    const photos = answer.value === "fail" ? await keptOf(photosOf(ask)) : [];
    files.push(...photos);
    answers.push({ ...answer, files: photos.map(listed), answered_at, base_version: versionOf(ask), branch, step: first + place });
    ask.classList.add("waiting");
    by(ask, answered_at);
  }
  // A group answered in one tap is one item; a single one replaces what of it still waits here.
  const replaces = given.length === 1 ? `answers/${visit}/${codeOf(given[0][0])}` : null;
  const names = given.map(([ask]) => ask.dataset.name);
  await put({ ...about, kind: "answers", method: "PUT", url: `/field/inspections/${visit}/answers`, body: { answers }, files, about: names.length > 3 ? `${names.slice(0, 3).join("、")}…` : names.join("、"), replaces });
  await showKept();
}

/** Who answered, on the line the page keeps for it. */
function by(ask, when) {
  ask.querySelector("[data-by]").textContent = `${about.author_name} ${clock(when)}`;
}

// What is kept here goes over what the page says: it may have been made before, or come from this phone's own store.

const ours = async () => (await all()).filter((item) => item.author === login && item.url?.startsWith(`/field/inspections/${visit}/`));

async function overlay() {
  const byCode = new Map(asks(form).map((ask) => [codeOf(ask), ask]));
  for (const item of await ours()) {
    if (item.kind === "signature" && unsent(item) && item.state !== "refused") {
      said(say("signed-here"));
      follow(item.id, about, said);
    }
    if (item.kind !== "answers" || item.state === "refused") continue;
    const bytes = unsent(item) ? await filesOf(item) : [];
    for (const answer of item.body.answers) {
      const ask = byCode.get(answer.item);
      const version = item.told?.versions?.[answer.item];
      // What was sent is on the page already, unless the page is older: one kept for where there is no signal.
      if (!ask || (!unsent(item) && !(version > versionOf(ask)))) continue;
      // What was chosen while this was read is what the person wants now.
      show(ask, { ...answer, value: tapped.get(ask) ?? answer.value });
      by(ask, answer.answered_at);
      known(ask, item.told);
      if (!unsent(item)) continue;
      ask.classList.add("waiting");
      restore(ask, bytes.filter(({ sha256 }) => answer.files.some((each) => each.sha256 === sha256)), answer.files);
    }
  }
  showProgress(form);
}

/** What the server made of our answer is the version we go on from; but for one in conflict, which nobody here has seen. */
function known(ask, told) {
  const version = told?.versions?.[codeOf(ask)];
  if (version > versionOf(ask) && !told.conflicts.includes(codeOf(ask))) ask.dataset.seal = `${version}.`;
}

function restore(ask, photos, files) {
  putBack(photosOf(ask), photos.map((photo) => {
    const { name, sha256, size, ...told } = files.find((each) => each.sha256 === photo.sha256);
    return { ...photo, name, told };
  }));
}

async function news(detail) {
  if (detail.progress) return;
  let clash = false;
  for (const item of await ours()) {
    if (item.kind !== "answers" || unsent(item)) continue;
    for (const { item: code } of item.body.answers) {
      const ask = form.querySelector(`fieldset[data-item="${CSS.escape(code)}"]`);
      if (ask) known(ask, item.told);
    }
    clash ||= item.told?.conflicts?.some((code) => !form.querySelector(`fieldset[data-item="${CSS.escape(code)}"] .clash`));
  }
  await showKept();
  if (clash) await refresh();
}

/** Whether everything is with the server, or how much still waits. */
async function showKept() {
  const mine = await ours();
  const waiting = mine.filter((item) => unsent(item) && item.state !== "refused");
  const refused = mine.filter((item) => item.state === "refused");
  const codes = new Set(waiting.filter((item) => item.kind === "answers").flatMap((item) => item.body.answers.map((each) => each.item)));
  for (const ask of asks(form)) ask.classList.toggle("waiting", codes.has(codeOf(ask)));
  const line = form.querySelector("[data-kept]");
  const newest = mine.filter((item) => item.state === "sent").at(-1);
  if (refused.length) line.textContent = say("not-taken", { count: refused.length });
  else if (waiting.length) line.textContent = say("sending", { count: waiting.length });
  else line.textContent = newest ? say("kept", { when: clock(newest.sent_at) }) : "";
}

// What others did meanwhile.

function refreshIfStale() {
  if (Date.now() - looked > STALE) refresh().catch(() => {});
}

/** Fetch the page and take over each item that is not being changed here. */
async function refresh() {
  looked = Date.now();
  const answer = await fetch(`/inspections/${visit}`, { headers: { Accept: "text/html" }, cache: "no-store", redirect: "error" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const other = fresh.getElementById("walk");
  // Submitted, handed over or missed meanwhile: there is nothing to answer any more.
  if (!other) return location.reload();
  const open = new Set((await ours()).filter(unsent).flatMap((item) => item.body.answers?.map((each) => each.item) ?? []));
  const hold = steady();
  for (const theirs of asks(other)) {
    const ask = document.getElementById(theirs.id);
    const clashing = theirs.querySelectorAll(".clash").length !== ask?.querySelectorAll(".clash").length;
    if (!ask || open.has(codeOf(ask)) || typing.has(ask)) continue;
    if (!clashing && (ask.contains(document.activeElement) || versionOf(theirs) === versionOf(ask))) continue;
    const taken = document.importNode(theirs, true);
    ask.replaceWith(taken);
    for (const field of taken.querySelectorAll("[data-photos]")) previewPhotos(field);
    wire(taken);
  }
  const banner = fresh.getElementById("conflicts");
  document.getElementById("conflicts")?.remove();
  if (banner) form.querySelector("[data-head]").after(document.importNode(banner, true));
  showProgress(form);
  hold();
}

/** Call what it gives after the page was changed: the answers that were under the thumb lie there again. */
function steady() {
  const judges = asks(form).map((ask) => ask.dataset.item);
  const at = (code) => form.querySelector(`fieldset[data-item="${CSS.escape(code)}"] .judge`)?.getBoundingClientRect().top;
  const held = judges.find((code) => at(code) > form.querySelector("[data-head]").getBoundingClientRect().bottom);
  const before = held && at(held);
  return () => held && scrollBy({ top: at(held) - before, behavior: "instant" });
}

function notKept() {
  said(`${say("not-kept")}：${say("not-kept-why")}`, { wrong: true });
}

function said(text, { wrong = false } = {}) {
  document.querySelector("[data-walk-said]")?.remove();
  const line = make("p", { class: `banner ${wrong ? "bad" : "ok"}`, role: wrong ? "alert" : "status", "data-walk-said": true, text });
  form.querySelector("[data-head]").after(line);
  line.scrollIntoView({ block: "nearest" });
}
