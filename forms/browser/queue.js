// The queue of this phone: what a person saved is kept here, sent in the order it was made, and never lost.
//
// Put something in:
//
//   import { put } from "./queue.js";
//   const item = await put({
//     kind: "answers",                      // finding | answers | signature | quantity | tool-test | acknowledge | progress | fix | request
//     method: "PUT",                        // POST when left out
//     url: "/field/inspections/ID/answers", // takes the envelope below, with the header X-CSRF-Token
//     body: { … },                          // what the kind's own command takes
//     files: [{ name, type, bytes, kind }], // photos (bytes: ArrayBuffer); listed in `body` by the caller
//     base_version: 7,                      // what this phone knew of the record; null for something new
//     title: "柳林供电所 · 变压器渗漏油",      // what the list of waiting things shows
//     author: login, author_name: name,
//     replaces: "answers/ID",               // optional: an unsent item with the same word is replaced by this one
//   });
//   item.id, item.receipt                   // shown to the person at once
//
// The server gets {id, kind, author, made_at, device, base_version, body} (forms/field_items.py, `Item`) and answers
// JSON: 2xx {number?, href?} = taken; 4xx {code, detail, errors} = refused, kept with its reason until the person
// decides; anything else, or no answer = kept and tried again. Sending twice must be harmless: use the id.
// 409 with {code, detail, theirs} is a conflict: `theirs` is what the server has now, and both are shown.
//
// States of an item: waiting → taken (has its number, photos still going) → sent; or refused.
import { changed, db, device, onChange } from "./queue/store.js";
import { newId, receiptOf, sha256Of } from "./queue/receipt.js";
import { sendAll, sendNow } from "./queue/send.js";

export { able, device, fact, keepFact } from "./queue/store.js";
export { newId, receiptOf, sha256Of } from "./queue/receipt.js";
export { onChange, sendAll, sendNow };

const KEPT_AFTER_SENDING = 3 * 24 * 3600 * 1000;
const UNSENT = new Set(["waiting", "taken", "refused"]);

/** Keep an item and its photos in one transaction, then try to send. Rejects when the phone has no room: nothing is kept. */
export async function put({ files = [], replaces = null, id = newId(), made_at = new Date().toISOString(), ...told }) {
  const listed = [];
  for (const file of files) {
    const sha256 = file.sha256 ?? (await sha256Of(file.bytes));
    listed.push({ sha256, name: file.name, type: file.type, size: file.bytes.byteLength, bytes: file.bytes, done: false });
  }
  const item = {
    method: "POST", base_version: null, title: "", ...told,
    id, made_at, replaces, device: await device(), receipt: receiptOf(id), state: "waiting", tries: 0, error: null,
    files: listed.map(({ bytes, ...file }) => file),
  };
  const database = await db();
  const work = database.transaction(["items", "files"], "readwrite", { durability: "strict" });
  const items = work.objectStore("items");
  if (replaces) {
    for (let cursor = await items.openCursor(); cursor; cursor = await cursor.continue()) {
      const other = cursor.value;
      if (other.replaces === replaces && other.author === item.author && other.state !== "taken" && UNSENT.has(other.state)) await cursor.delete();
    }
  }
  for (const { sha256, bytes } of listed) await work.objectStore("files").put({ sha256, bytes });
  item.seq = await items.add(item);
  await work.done;
  changed({ added: item.id });
  wake();
  return item;
}

/** Try to send now, and ask the browser to do it later should this page be gone by then. */
export function wake() {
  navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("chuncha-queue")).catch(() => {});
  return sendAll().catch(() => null);
}

/** Every item on this phone, the oldest first. */
export const all = async () => (await db()).getAll("items");

/** One item by its id. */
export const one = async (id) => (await db()).getFromIndex("items", "id", id);

/** The bytes of an item's photos: [{sha256, name, type, size, bytes}]. */
export async function filesOf(item) {
  const database = await db();
  const found = await Promise.all(item.files.map(async (file) => ({ ...file, bytes: (await database.get("files", file.sha256))?.bytes })));
  return found.filter((file) => file.bytes);
}

/** Whether something is still to be sent. */
export const unsent = (item) => UNSENT.has(item.state);

/** How many wait, since when, how many were refused, for one person; and how many belong to others. */
export async function summary(login) {
  const open = (await all()).filter(unsent);
  const mine = open.filter((item) => item.author === login);
  return {
    waiting: mine.filter((item) => item.state !== "refused").length,
    refused: mine.filter((item) => item.state === "refused").length,
    since: mine[0]?.made_at ?? null,
    others: open.length - mine.length,
    photos: mine.flatMap((item) => item.files).filter((file) => !file.done).length,
  };
}

/** Forget an item: a refused one the person gives up, or one that was sent. Photos no other item has go with it. */
export async function forget(id) {
  const database = await db();
  const work = database.transaction(["items", "files"], "readwrite");
  const item = await work.objectStore("items").index("id").get(id);
  if (item) {
    await work.objectStore("items").delete(item.seq);
    const others = new Set((await work.objectStore("items").getAll()).flatMap((each) => each.files.map((file) => file.sha256)));
    for (const file of item.files) if (!others.has(file.sha256)) await work.objectStore("files").delete(file.sha256);
  }
  await work.done;
  changed({ forgotten: id });
}

/** Let a refused item be tried once more as it is (the reason may be gone: a campaign opened, a right given). */
export async function again(id) {
  const database = await db();
  const work = database.transaction("items", "readwrite");
  const item = await work.store.index("id").get(id);
  if (item?.state === "refused") await work.store.put({ ...item, state: item.number ? "taken" : "waiting", error: null });
  await work.done;
  changed({ again: id });
  return wake();
}

/** Forget what was sent some days ago. */
export async function tidy(now = Date.now()) {
  for (const item of await all()) if (item.state === "sent" && now - Date.parse(item.sent_at) > KEPT_AFTER_SENDING) await forget(item.id);
}
