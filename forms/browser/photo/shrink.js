// A photo as it is kept: small enough for a bad line, with the time and place its file had before it was made smaller.
import { sha256Of } from "../queue/receipt.js";

export const LONGEST = 2048; // pixels
export const MOST = 500 * 1024; // bytes
const QUALITIES = [0.85, 0.75, 0.65, 0.55, 0.45];

/** What a chosen file becomes: {name, type, bytes, sha256, exif}. A photo that cannot be read is kept as it is. */
export async function prepare(file) {
  const exif = await ownData(file);
  const smaller = await shrink(file);
  const bytes = await (smaller ?? file).arrayBuffer();
  const name = smaller ? `${file.name.replace(/\.\w+$/, "")}.jpg` : file.name;
  return { name, type: smaller ? "image/jpeg" : file.type, bytes, sha256: await sha256Of(bytes), exif };
}

async function shrink(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
  const longest = Math.max(picture.width, picture.height);
  const shown = /^image\/(jpeg|png|webp)$/.test(file.type);
  if (shown && longest <= LONGEST && file.size <= MOST) return null;
  let scale = Math.min(1, LONGEST / longest);
  for (;;) {
    const canvas = draw(picture, scale);
    for (const quality of QUALITIES) {
      const blob = await jpeg(canvas, quality);
      if (blob.size <= MOST) return blob;
    }
    scale *= 0.8;
  }
}

export function draw(picture, scale = 1) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export const jpeg = (canvas, quality) => new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/jpeg", quality));

/** When and where the file says it was taken: {exif_at?, exif_lat?, exif_lon?}. A camera without a zone is here. */
async function ownData(file) {
  try {
    const { parse } = await import("exifr/dist/lite.esm.mjs");
    const said = (await parse(file, { tiff: true, exif: true, gps: true, reviveValues: false, translateValues: false })) ?? {};
    const found = {};
    const [, day, time] = /^(\d{4}:\d\d:\d\d) (\d\d:\d\d:\d\d)/.exec(said.DateTimeOriginal ?? "") ?? [];
    if (day) {
      const zone = /^[+-]\d\d:\d\d$/.test(said.OffsetTimeOriginal ?? "") ? said.OffsetTimeOriginal : "+08:00";
      const moment = new Date(`${day.replaceAll(":", "-")}T${time}${zone}`);
      if (!Number.isNaN(moment.getTime())) found.exif_at = moment.toISOString();
    }
    if (Math.abs(said.latitude) <= 90 && Math.abs(said.longitude) <= 180) {
      found.exif_lat = said.latitude;
      found.exif_lon = said.longitude;
    }
    return found;
  } catch {
    return {};
  }
}
