// Everything unsent on this phone in one file a supervisor can take in: a ZIP with items.json and the photos as they are.
import { zipSync, strToU8 } from "fflate";
import { all, device, filesOf, unsent } from "./queue.js";

export async function exported(login) {
  const items = (await all()).filter(unsent);
  const photos = {};
  for (const item of items) for (const file of await filesOf(item)) photos[`photos/${file.sha256}`] = [new Uint8Array(file.bytes), { level: 0 }];
  const told = {
    format: "chuncha-phone",
    version: 1,
    exported_at: new Date().toISOString(),
    exported_by: login,
    device: await device(),
    items: items.map(({ seq, tries, ...item }) => item),
  };
  const bytes = zipSync({ "items.json": [strToU8(JSON.stringify(told)), { level: 6 }], ...photos });
  const when = new Date().toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).replace(/[-:]/g, "").replace(" ", "-").slice(0, 13);
  return { name: `chuncha-${login}-${when}.zip`, blob: new Blob([bytes], { type: "application/zip" }) };
}
