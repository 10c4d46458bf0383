// On the first page the camera opens at once: the photo waits in a draft when the finding form comes up.
import { able, newId } from "./queue.js";
import { keepDraft } from "./draft.js";
import { lastPlace, locateQuietly } from "./place.js";
import { prepare } from "./photo/shrink.js";

export function captureFirst(link) {
  const login = document.documentElement.dataset.login;
  if (!able() || !login || !matchMedia("(pointer: coarse)").matches) return;
  const lens = document.createElement("input");
  Object.assign(lens, { type: "file", accept: "image/*", hidden: true });
  lens.setAttribute("capture", "environment");
  lens.setAttribute("aria-label", link.textContent.trim());
  link.after(lens);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    locateQuietly();
    lens.click();
  });
  lens.addEventListener("change", async () => {
    const id = newId();
    const photos = [];
    for (const file of lens.files) {
      const { exif, ...photo } = await prepare(file);
      const place = lastPlace();
      photos.push({ ...photo, told: { ...exif, captured_at: new Date().toISOString(), ...(place ? { captured_lat: place.lat, captured_lon: place.lon } : {}) } });
    }
    await keepDraft(
      { id, login, values: { description: "" }, photos: photos.map(({ bytes, told, ...photo }) => ({ field: "photos", ...photo, ...told, size: bytes.byteLength })) },
      photos.map(({ sha256, bytes }) => ({ sha256, bytes })),
    );
    location.assign(`/findings/new?draft=${id}`);
  });
}
