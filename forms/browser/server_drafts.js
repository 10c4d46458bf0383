// Drafts early on the server, so that a lost phone loses no words; what two devices wrote is kept from both.
import { changed, db, device, fact, keepFact } from "./queue/store.js";
import { draftsOf } from "./draft.js";

const SOON = 4000; // ms of quiet before a draft travels
let timer;

/** Let what was typed travel once the person pauses. */
export function saveDrafts(login) {
  clearTimeout(timer);
  timer = setTimeout(() => syncDrafts(login).catch(() => {}), SOON);
}

/** Send drafts that changed here, fetch those of other devices. Rejects without a signal; nothing is lost by it. */
export function syncDrafts(login) {
  return navigator.locks.request("chuncha-drafts", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    const session = await call("/field/session");
    if (session.login !== login) return;
    const csrf = session.csrf;
    for (const id of (await fact(`dropped:${login}`)) ?? []) await call(`/field/drafts/${id}`, { method: "DELETE", csrf });
    await keepFact(`dropped:${login}`, []);
    for (const draft of await draftsOf(login)) if (draft.dirty) await send(draft, csrf);
    const { copies } = await call("/field/drafts");
    await keepFact(`copies:${login}`, copies);
    for (const draft of await draftsOf(login)) await follow(draft, copies);
    changed({ drafts: true });
  });
}

async function send(draft, csrf) {
  const told = { device: await device(), device_name: deviceName(), base_version: draft.base_version ?? 0, values: draft.values, photos: draft.photos.map(({ name, sha256 }) => ({ name, sha256 })) };
  const { version, others } = await call(`/field/drafts/${draft.id}`, { method: "PUT", csrf, body: told });
  await change(draft.id, (now) => ({
    ...now,
    others,
    // While others stand beside it, it goes on from the version it knew: the next saving must not replace them.
    base_version: others.length ? now.base_version : version,
    dirty: now.saved_at !== draft.saved_at,
  }));
}

/** Another device went on from what this one had sent: this one follows, if nothing was typed here meanwhile. */
async function follow(draft, copies) {
  const mine = await device();
  const there = copies.filter((copy) => copy.id === draft.id && copy.device !== mine);
  const later = there.find((copy) => copy.version > (draft.base_version ?? 0) && copy.base_version >= (draft.base_version ?? 0));
  const ours = copies.some((copy) => copy.id === draft.id && copy.device === mine);
  if (later && !ours && !draft.dirty) await change(draft.id, (now) => ({ ...now, values: later.values, base_version: later.version, others: [] }));
}

/** The person has chosen: the copy of another device, or this one's; the other copies go. */
export async function choose(draft, other) {
  const known = Math.max(...draft.others.map((copy) => copy.version));
  await change(draft.id, (now) => ({ ...now, values: other?.values ?? now.values, base_version: known, others: [], dirty: true, saved_at: new Date().toISOString() }));
  changed({ drafts: true });
  await syncDrafts(draft.login).catch(() => {});
}

/** Copies of other devices whose draft is not on this one. */
export async function elsewhere(login) {
  const here = new Set((await draftsOf(login)).map((draft) => draft.id));
  const sent = new Set((await (await db()).getAll("items")).map((item) => item.id));
  const mine = await device();
  return ((await fact(`copies:${login}`)) ?? []).filter((copy) => copy.device !== mine && !here.has(copy.id) && !sent.has(copy.id));
}

async function change(id, how) {
  const work = (await db()).transaction("drafts", "readwrite");
  const now = await work.store.get(id);
  if (now) await work.store.put(how(now));
  await work.done;
}

async function call(url, { method = "GET", csrf, body } = {}) {
  const headers = { Accept: "application/json", ...(csrf ? { "X-CSRF-Token": csrf } : {}), ...(body ? { "Content-Type": "application/json" } : {}) };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error", signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status}`);
  return answer.json();
}

function deviceName() {
  return /iPhone|iPad|Android|Windows|Macintosh|Linux/.exec(navigator.userAgent)?.[0] ?? "";
}
