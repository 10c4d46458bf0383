// Show chosen photos before they are sent; take one with the camera, choose others, draw on them, take one back.
// A form the server reads sends a photo within the limit as it is, and makes smaller what would be refused; the finding
// form, which keeps photos on the phone, makes all of them small itself (finding.js).
import { draw, jpeg } from "./photo/shrink.js";
import { icon, make, say } from "./words.js";

const LONGEST = 2560;
const fromCamera = new WeakMap(); // field → keys of the files its camera gave
const key = (file) => `${file.name}/${file.size}/${file.lastModified}`;

/** Whether this file of the field came from the camera just now, and not from the album. */
export const isFresh = (field, file) => fromCamera.get(field)?.has(key(file)) ?? false;

/** Put files into a field as if they had been chosen; `fresh` when the camera gave them. */
export function addPhotos(field, files, { fresh = false } = {}) {
  if (fresh) for (const file of files) fromCamera.get(field).add(key(file));
  const input = field.querySelector("input[type=file]");
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

export function previewPhotos(field) {
  const input = field.querySelector("input[type=file]");
  const previews = field.querySelector("[data-previews]");
  const most = Number(field.dataset.mostBytes);
  const touch = matchMedia("(pointer: coarse)").matches;
  fromCamera.set(field, new Set());

  const show = () => {
    for (const image of previews.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    previews.replaceChildren(...[...input.files].map((file, index) => preview(file, index)), ...(touch ? [camera()] : []), add());
  };

  // Tiles under the thumb in place of the browser's own button; the field itself stays for keyboards and readers.
  const add = () => make("label", { class: "add", for: input.id, "aria-hidden": "true" }, icon(touch ? "album" : "camera"), make("span", { text: touch ? field.dataset.album : field.dataset.add }));

  const camera = () => {
    const lens = make("input", { type: "file", accept: "image/*", capture: "environment", "aria-label": field.dataset.camera });
    lens.addEventListener("change", () => addPhotos(field, [...lens.files], { fresh: true }));
    return make("label", { class: "add lens" }, icon("camera"), make("span", { text: field.dataset.camera, "aria-hidden": "true" }), lens);
  };

  const preview = (file, index) => {
    const image = make("img", { src: URL.createObjectURL(file), alt: file.name });
    const note = file.shrunk ? ` · ${field.dataset.shrunk}` : "";
    const remove = button(field.dataset.remove, file, () => {
      put([...input.files].filter((_, other) => other !== index));
      input.focus();
    });
    const circle = button(say("mark"), file, async () => {
      const { mark } = await import("./photo/mark.js");
      const marked = await mark(file);
      if (marked) put([...input.files].flatMap((each, at) => (at === index ? [each, marked] : [each])));
    });
    return make("figure", {}, image, make("figcaption", { text: `${file.name} · ${size(file.size)}${note}` }), make("div", { class: "row" }, circle, remove));
  };

  const button = (words, file, press) => {
    const made = make("button", { type: "button", class: "btn small", text: words, "aria-label": `${words} ${file.name}` });
    made.addEventListener("click", press);
    return made;
  };

  const put = (files) => {
    const chosen = new DataTransfer();
    for (const file of files) chosen.items.add(file);
    input.files = chosen.files;
    kept = [...input.files];
    show();
    field.dispatchEvent(new CustomEvent("photos:changed", { bubbles: true }));
  };

  let kept = [];
  input.addEventListener("change", async () => {
    // Choosing again adds: on a phone each press of the camera gives one photo.
    const names = new Set(kept.map(key));
    const fresh = [...input.files].filter((file) => !names.has(key(file)));
    const files = [...kept];
    for (const file of fresh) files.push(file.size > most && !("keepsItself" in field.dataset) ? await shrink(file) : file);
    put(files);
  });
  field.classList.add("lively");
  previews.hidden = false;
  show();
}

async function shrink(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const blob = await jpeg(draw(picture, Math.min(1, LONGEST / Math.max(picture.width, picture.height))), 0.85);
    const smaller = new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified });
    smaller.shrunk = true;
    return smaller;
  } catch {
    return file;
  }
}

function size(bytes) {
  return bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
