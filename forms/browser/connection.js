// On every page: keep the day on the phone, send what waits, and say always how much that is.
import { able, fact, keepFact, onChange, sendAll, summary, tidy } from "./queue.js";
import { changed } from "./queue/store.js";
import { PAGES, PHOTOS } from "./caches.js";
import { clock, say } from "./words.js";

const LATER = [5, 15, 30, 60]; // seconds between tries while a page is open and something waits
const KEPT_FRESH = 10 * 60_000; // ms until the day is fetched again
const login = document.documentElement.dataset.login ?? null;
// With a one-time password the server gives and takes nothing but a new one.
const heard = login && !("passwordDue" in document.documentElement.dataset);
let tries = 0;
let timer;

export async function connect() {
  if (!able()) return;
  try {
    await fact("device");
  } catch {
    return; // a private window that keeps nothing: pages work as they always did
  }
  onChange(onNews);
  addEventListener("online", () => send());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && send());
  document.querySelector("[data-queue] [data-send]")?.addEventListener("click", () => send());
  for (const form of document.querySelectorAll("form[action='/logout']")) form.addEventListener("submit", askBeforeLeaving, true);
  await show();
  if (heard) send();
  tidy();
  // After the page itself: the worker fetches our files, and a slow line is the person's first.
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  await navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
  if (heard) await keepDay().catch(() => {});
}

async function send() {
  clearTimeout(timer);
  const { waiting } = await summary(login);
  if (!waiting) return show();
  const outcome = await sendAll();
  await show();
  const left = await summary(login);
  if (!left.waiting) tries = 0;
  // Something may have been added while the last one was on its way.
  else if (outcome === "done") send();
  else if (document.visibilityState === "visible") timer = setTimeout(send, LATER[Math.min(tries++, LATER.length - 1)] * 1000);
}

async function onNews(news) {
  if (news.progress) return;
  await show();
  if (news.outcome === "done" || news.added) send();
}

/** The banner: nothing when nothing waits. */
async function show() {
  const banner = document.querySelector("[data-queue]");
  // The page that lists what waits says it itself.
  if (!banner || document.querySelector("[data-field]")) return;
  const { waiting, refused, since, others } = await summary(login);
  const outcome = await fact("outcome");
  const said = [];
  if (waiting) said.push(say("waiting", { count: waiting, since: clock(since) }));
  if (waiting && outcome && outcome.reason !== "done") said.push(say(navigator.onLine || outcome.reason !== "offline" ? outcome.reason : "no-signal"));
  if (refused) said.push(say("refused", { count: refused }));
  if (others) said.push(say(login ? "others" : "at-the-door", { count: others }));
  banner.hidden = !said.length;
  const line = banner.querySelector("[data-said]");
  if (line.textContent !== said.join("")) line.textContent = said.join("");
  banner.classList.toggle("bad", refused > 0);
  banner.classList.toggle("note", refused === 0);
  banner.querySelector("[data-send]").hidden = !waiting;
}

/** Whoever signs out with something unsent is told: it stays here, and is sent only under their own login. */
function askBeforeLeaving(event) {
  const form = event.currentTarget;
  if (form.dataset.asked) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  summary(login).then(({ waiting, refused }) => {
    if (waiting + refused > 0 && !confirm(say("leaving", { count: waiting + refused }))) return;
    form.dataset.asked = "1";
    form.requestSubmit();
  });
}

/** Fetch the day and keep its pages, so that it goes on without a signal. */
async function keepDay() {
  // Pages without our files would be no use: the worker has them all once it is ready.
  await navigator.serviceWorker.ready;
  const built = document.documentElement.dataset.built;
  const kept = await fact("day");
  const warmed = await fact("warmed");
  const same = kept?.login === login && warmed?.login === login && warmed.built === built;
  if (same && Date.now() - warmed.at < KEPT_FRESH && (await caches.has(PAGES))) return;
  const answer = await fetch("/field/day", { headers: { Accept: "application/json", ...(same && kept.tag ? { "If-None-Match": kept.tag } : {}) }, cache: "no-store", redirect: "error" });
  let day = kept?.day;
  if (answer.status === 200) {
    day = await answer.json();
    if (day.login !== login) return othersPages();
    await keepFact("day", { login, tag: answer.headers.get("ETag"), day });
  } else if (answer.status !== 304) return;
  await keepPages(day);
  await keepPhotos(day.photos ?? []);
  await keepFact("warmed", { login, built, at: Date.now() });
  changed({ kept: true });
}

async function keepPages(day) {
  const cache = await caches.open(PAGES);
  for (const path of day.pages) {
    const page = await fetch(path, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (page.ok && !page.redirected) await cache.put(path, page);
  }
  for (const request of await cache.keys()) if (!day.pages.includes(new URL(request.url).pathname)) await cache.delete(request);
}

async function keepPhotos(urls) {
  const cache = await caches.open(PHOTOS);
  for (const url of urls) if (!(await cache.match(url))) await cache.add(url).catch(() => {});
  const wanted = new Set(urls.map((url) => new URL(url, location.origin).href));
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request);
}

/** The login changed in another way than through our own door: what was kept for the person before is not shown. */
async function othersPages() {
  await caches.delete(PAGES);
  location.reload();
}

/** Ask the browser not to throw away what is kept here; it may refuse, and that is said where it matters. */
export async function persist() {
  if (!navigator.storage?.persist) return null;
  return (await navigator.storage.persisted()) || navigator.storage.persist();
}
