// The photos of a field as they are kept on this phone: made small once, with when and where the camera here took them.
import { addPhotos, isFresh } from "../photos.js";
import { lastPlace } from "../place.js";
import { prepare } from "./shrink.js";

const made = new Map(); // key of a chosen file → the promise of what is kept of it
const key = (file) => `${file.name}/${file.size}/${file.lastModified}`;

/** Every photo in a field, in order: [{name, type, bytes, sha256, told}]. */
export async function keptOf(field) {
  const found = [];
  // One after the other: several large pictures at once are more than a small phone has room for.
  for (const file of field.querySelector("input[type=file]").files) found.push(await kept(field, file));
  return found;
}

function kept(field, file) {
  if (!made.has(key(file))) {
    const place = lastPlace();
    // What comes from the album was taken some other time: only its own data says when.
    const captured = isFresh(field, file) ? { captured_at: new Date().toISOString(), ...(place ? { captured_lat: place.lat, captured_lon: place.lon } : {}) } : {};
    const making = prepare(file).then(({ exif, ...photo }) => ({ ...photo, told: { ...exif, ...captured } }));
    making.catch(() => made.delete(key(file)));
    made.set(key(file), making);
  }
  return made.get(key(file));
}

/** How the server is told of a kept photo. */
export const listed = ({ name, sha256, bytes, told }) => ({ name, sha256, size: bytes.byteLength, ...told });

/** Photos kept earlier stand in their field again, once; `told` is what is known of each. */
export function putBack(field, photos) {
  const have = new Set([...field.querySelector("input[type=file]").files].map(key));
  const files = photos.map(({ name, type, bytes, sha256, told }) => {
    const file = new File([bytes], name, { type, lastModified: 0 });
    made.set(key(file), Promise.resolve({ name, type, bytes, sha256, told }));
    return file;
  });
  const fresh = files.filter((file) => !have.has(key(file)));
  if (fresh.length) addPhotos(field, fresh);
}
