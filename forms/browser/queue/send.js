// Sending: one sender at a time on this phone (whichever tab or worker holds the lock), records first and in the order
// they were made, then their photos in parts that go on where they broke off.
import { changed, db, keepFact } from "./store.js";

const PART = 128 * 1024; // bytes; at 2G speed one takes some seconds, and no more than one is ever sent twice
const PATIENCE = 45_000; // ms for one request
const FAILURES = 3; // how often the server may fail at an item before the next one is tried
const CLOCK_OFF = 2 * 60_000; // ms the phone's clock may be ahead before its times are set right

/** Why sending stopped before everything was sent: offline | login | server. What is kept stays kept. */
class Stopped extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** The server will not have it as it is. */
class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Send what waits; resolves to why it stopped ("done" when nothing is left, "busy" when another tab is sending). */
export function sendAll() {
  return navigator.locks.request("chuncha-send", { ifAvailable: true }, async (lock) => {
    if (!lock) return "busy";
    let outcome = "done";
    try {
      await send();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      outcome = error.reason;
    }
    await keepFact("outcome", { reason: outcome, at: new Date().toISOString() });
    changed({ outcome });
    return outcome;
  });
}

let pressed;

/** As sendAll, for a person who presses: a try that is on its way is waited for, and what it leaves is tried again. */
export function sendNow() {
  pressed ??= sendAll()
    .then((outcome) => (outcome === "busy" ? navigator.locks.request("chuncha-send", () => {}).then(sendAll) : outcome))
    .finally(() => (pressed = undefined));
  return pressed;
}

async function send() {
  if (!(await (await db()).getAll("items")).some((item) => item.state === "waiting" || item.state === "taken")) return;
  const session = await opened();
  const passed = new Set();
  for (let item; (item = await next(session.login, "waiting", passed)); ) await tried(sendRecord, item, session, passed);
  for (let item; (item = await next(session.login, "taken", passed)); ) await tried(sendFiles, item, session, passed);
  if (passed.size) throw new Stopped("server");
}

/** The oldest item of this person in a state. Asked for each time: others may be added meanwhile. */
async function next(login, state, passed) {
  const items = await (await db()).getAll("items");
  return items.find((item) => item.state === state && item.author === login && !passed.has(item.seq));
}

/** Send one item. One the server fails at again and again is passed over, so that it does not keep the others waiting. */
async function tried(work, item, session, passed) {
  try {
    await work(item, session);
  } catch (error) {
    const { code, detail, errors = [], theirs = null } = error.problem ?? {};
    const at = new Date().toISOString();
    if (error instanceof Refused) await keep(item, { state: "refused", tries: item.tries + 1, error: { code, detail, errors, theirs, at } });
    else if (error instanceof Stopped) await keep(item, { tries: item.tries + 1 });
    if (error instanceof Refused) return;
    if (!(error instanceof Stopped) || error.reason !== "server" || item.tries < FAILURES) throw error;
    passed.add(item.seq);
  }
}

/** Whose login the browser has now. Items of anybody else are left alone. */
async function opened() {
  const asked = Date.now();
  const { answer, told } = await call("/field/session");
  if (!answer.ok) throw new Stopped("server");
  // Half the way there and back is too little to matter; a phone an hour ahead is not.
  return { ...told, ahead: (asked + Date.now()) / 2 - Date.parse(told.now) };
}

async function sendRecord(item, session) {
  item = await timed(item, session);
  const { id, kind, author, made_at, device, base_version, body } = item;
  const { answer, told } = await call(item.url, {
    method: item.method,
    headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf },
    body: JSON.stringify({ id, kind, author, made_at, device, base_version, body }),
  });
  refuse(answer, told);
  const missing = item.files.some((file) => !file.done);
  await keep(item, { state: missing ? "taken" : "sent", number: told.number ?? null, href: told.href ?? null, told, error: null, tries: 0, sent_at: missing ? null : new Date().toISOString() });
  if (!missing) await dropBytes();
}

async function sendFiles(item, session) {
  for (const file of item.files.filter((each) => !each.done)) {
    const kept = await (await db()).get("files", file.sha256);
    if (!kept) throw new Refused({ code: "photo-lost", detail: "" });
    await sendFile(file, kept.bytes, item, session);
    file.done = true;
    await keep(item, { files: item.files });
  }
  await keep(item, { state: "sent", error: null, sent_at: new Date().toISOString() });
  await dropBytes();
}

async function sendFile(file, bytes, item, session) {
  const url = `/field/files/${file.sha256}`;
  let offset = 0;
  if (file.begun) {
    const { answer, told } = await call(url);
    refuse(answer, told);
    if (told.complete) return;
    offset = told.offset;
  } else {
    file.begun = true;
    await keep(item, { files: item.files });
  }
  for (let damaged = 0; ; ) {
    const end = Math.min(offset + PART, bytes.byteLength);
    const { answer, told } = await call(url, {
      method: "PUT",
      headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": session.csrf, "Content-Range": `bytes ${offset}-${end - 1}/${bytes.byteLength}` },
      body: bytes.slice(offset, end),
    });
    // Damaged on the way: once more from the start; damaged here: refused.
    if (told.code === "file-hash-mismatch" && damaged++ < 2) {
      offset = 0;
      continue;
    }
    refuse(answer, told);
    if (told.complete) return;
    offset = told.offset > offset ? told.offset : end;
    if (offset >= bytes.byteLength) offset = 0;
    changed({ progress: item.id, sha256: file.sha256, share: offset / bytes.byteLength });
  }
}

/** One request for JSON. Raises Stopped when nothing like our server answers (no signal, a hotel's login page). */
async function call(url, options = {}) {
  let answer, told;
  try {
    answer = await fetch(url, {
      ...options,
      headers: { Accept: "application/json", ...options.headers },
      credentials: "same-origin", cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
    });
    if (!(answer.headers.get("content-type") ?? "").startsWith("application/json")) throw new Stopped("server");
    told = await answer.json();
  } catch (error) {
    throw error instanceof Stopped ? error : new Stopped("offline");
  }
  if (answer.status === 401 || told.code === "password-needed" || told.code === "others-item") throw new Stopped("login");
  // The token is of a login that ended in between: with the next try comes the new one.
  if (told.code === "form-expired" || answer.status >= 500 || [408, 425, 429].includes(answer.status)) throw new Stopped("server");
  return { answer, told };
}

function refuse(answer, told) {
  if (!answer.ok) throw new Refused(told);
}

/** A phone ahead of the server would report from the future: its times are set back once, before the first sending. */
async function timed(item, session) {
  if (item.timed) return item;
  if (session.ahead < CLOCK_OFF) return keep(item, { timed: true });
  const back = (value) => (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(Date.parse(value) - session.ahead).toISOString() : value);
  const set = (value) => {
    if (Array.isArray(value)) return value.map(set);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name.startsWith("exif_") ? each : set(back(each))]));
    return value;
  };
  return keep(item, { body: set(item.body), timed: true });
}

async function keep(item, changes) {
  const database = await db();
  const work = database.transaction("items", "readwrite", { durability: "strict" });
  const now = await work.store.get(item.seq);
  if (now) await work.store.put({ ...now, ...changes });
  await work.done;
  changed({ item: item.id });
  return Object.assign(item, changes);
}

/** Forget the bytes no unsent item needs. */
async function dropBytes() {
  const database = await db();
  const work = database.transaction(["items", "files", "drafts"], "readwrite");
  const needed = new Set();
  for (const item of await work.objectStore("items").getAll()) if (item.state !== "sent") for (const file of item.files) needed.add(file.sha256);
  for (const draft of await work.objectStore("drafts").getAll()) for (const photo of draft.photos ?? []) needed.add(photo.sha256);
  for (const sha256 of await work.objectStore("files").getAllKeys()) if (!needed.has(sha256)) await work.objectStore("files").delete(sha256);
  await work.done;
}
