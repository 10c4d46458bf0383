// What is kept on this phone: items waiting to be sent, the bytes of their photos, drafts, and a few facts.
import { openDB } from "idb";

const CHANNEL = "chuncha-queue";
let opened;

/** The database of this phone, opened once for each page or worker. */
export function db() {
  opened ??= openDB("chuncha", 1, {
    upgrade(database) {
      const items = database.createObjectStore("items", { keyPath: "seq", autoIncrement: true });
      items.createIndex("id", "id", { unique: true });
      // Bytes as ArrayBuffers: some phones lose Blobs that a database holds.
      database.createObjectStore("files", { keyPath: "sha256" });
      database.createObjectStore("drafts", { keyPath: "id" });
      database.createObjectStore("facts");
    },
    // Another tab has a newer version of us: let it go on, and open again when we are next needed.
    blocking(_current, _blocked, event) {
      event.target.close();
      opened = undefined;
    },
    terminated() {
      opened = undefined;
    },
  }).catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

/** Whether this browser can keep anything: no private window without storage, and an address that is secure. */
export const able = () =>
  typeof indexedDB !== "undefined" && globalThis.isSecureContext && Boolean(globalThis.crypto?.subtle && navigator.locks);

/** A small fact, by name; undefined when there is none. */
export const fact = async (name) => (await db()).get("facts", name);
export const keepFact = async (name, value) => (await db()).put("facts", value, name);

/** This phone's own id, made once; changes made here carry it. */
export async function device() {
  const known = await fact("device");
  if (known) return known;
  const made = crypto.randomUUID();
  await keepFact("device", made);
  return made;
}

/** Tell every tab (and this one) that something changed. */
export function changed(detail = {}) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(detail);
  channel.close();
}

/** Call back whenever something changed, here, in another tab or in the worker. */
export function onChange(call) {
  new BroadcastChannel(CHANNEL).addEventListener("message", (event) => call(event.data));
}
