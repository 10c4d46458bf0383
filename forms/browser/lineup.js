// The photo after the fix, lined up with the one before: the old photo lies half-transparent over the camera's picture.
// Where the browser gives no camera, the old photo stands beside the field and nothing is lost.
import { dated } from "./photo/exif.js";
import { addPhotos } from "./photos.js";
import { make } from "./words.js";

const LONGEST = 2560;

export function lineUp(place) {
  if (!navigator.mediaDevices?.getUserMedia) return;
  const field = document.querySelector("[data-photos]");
  for (const figure of place.querySelectorAll("figure[data-before]")) {
    const button = make("button", { type: "button", class: "btn small", text: place.dataset.label });
    button.addEventListener("click", () => open(place.dataset, figure.dataset.before, field));
    figure.append(button);
  }
}

async function open(words, before, field) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" }, width: { ideal: LONGEST } } });
  } catch {
    // Refused, or the camera is taken: the field takes photos as it always does.
    field.querySelector("input[type=file]").click();
    return;
  }
  const video = make("video", { playsinline: "", muted: "", autoplay: "" });
  video.srcObject = stream;
  const over = make("img", { class: "over", src: before, alt: "" });
  const clear = make("input", { type: "range", min: "0", max: "100", value: "45" });
  over.style.opacity = "0.45";
  clear.addEventListener("input", () => (over.style.opacity = String(clear.value / 100)));
  const shoot = make("button", { type: "button", class: "btn primary", text: words.shoot });
  const close = make("button", { type: "button", class: "btn", text: words.close });
  const dialog = make("dialog", { class: "lineup", "aria-label": words.label },
    make("div", { class: "view" }, video, over),
    make("div", { class: "tools" }, make("label", {}, make("span", { text: words.clear }), clear), make("div", { class: "row" }, close, shoot)));
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  };
  dialog.addEventListener("close", end);
  close.addEventListener("click", () => dialog.close());
  shoot.addEventListener("click", async () => {
    const canvas = make("canvas", {});
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    if (blob) addPhotos(field, [new File([await dated(blob)], `${Date.now()}.jpg`, { type: "image/jpeg" })], { fresh: true });
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  await video.play().catch(() => {});
  shoot.focus();
}

for (const place of document.querySelectorAll("[data-lineup]")) lineUp(place);
