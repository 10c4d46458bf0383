// A form half filled in survives a closed browser: its fields and photos are kept on this phone as they are typed.
import { changed, db, fact, keepFact } from "./queue/store.js";

/** The drafts of one person on this phone, the latest first. */
export async function draftsOf(login) {
  const database = await db();
  const saved = new Set((await database.getAll("items")).map((item) => item.id));
  const found = (await database.getAll("drafts")).filter((draft) => draft.login === login && !saved.has(draft.id));
  return found.sort((one, other) => (one.saved_at < other.saved_at ? 1 : -1));
}

export const draftById = async (id) => (await db()).get("drafts", id);

/** Go on here with what another device began; its photos lie there. */
export async function takeOver(copy, login) {
  const draft = { id: copy.id, login, values: copy.values, photos: [], elsewhere: copy.photos.length, base_version: copy.version, others: [], dirty: false, saved_at: copy.saved_at };
  await (await db()).put("drafts", draft);
  return draft;
}

/** Keep a draft: {id, login, values, photos: [{sha256, name, type, field, …}]} and the bytes of photos given. */
export async function keepDraft(draft, bytes = []) {
  const database = await db();
  const work = database.transaction(["drafts", "files"], "readwrite");
  const before = await work.objectStore("drafts").get(draft.id);
  await work.objectStore("drafts").put({ base_version: before?.base_version ?? 0, others: before?.others ?? [], ...draft, dirty: true, saved_at: new Date().toISOString() });
  for (const each of bytes) await work.objectStore("files").put(each);
  await work.done;
}

/** Forget a draft; its photos stay when an item has them. `everywhere`: on the server too (one that was sent goes by itself). */
export async function dropDraft(id, { everywhere = false } = {}) {
  const database = await db();
  const work = database.transaction(["drafts", "items", "files"], "readwrite");
  const draft = await work.objectStore("drafts").get(id);
  await work.objectStore("drafts").delete(id);
  const needed = new Set();
  for (const item of await work.objectStore("items").getAll()) if (item.state !== "sent") for (const file of item.files) needed.add(file.sha256);
  for (const other of await work.objectStore("drafts").getAll()) for (const photo of other.photos) needed.add(photo.sha256);
  for (const photo of draft?.photos ?? []) if (!needed.has(photo.sha256)) await work.objectStore("files").delete(photo.sha256);
  await work.done;
  if (everywhere && draft) await keepFact(`dropped:${draft.login}`, [...((await fact(`dropped:${draft.login}`)) ?? []), id]);
  changed({ draft: id });
}

/** The photos of a draft as files again. */
export async function photosOf(draft) {
  const database = await db();
  const found = await Promise.all(draft.photos.map(async (photo) => ({ ...photo, bytes: (await database.get("files", photo.sha256))?.bytes })));
  return found.filter((photo) => photo.bytes);
}
