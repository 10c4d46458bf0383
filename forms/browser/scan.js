// Scanning a sign inside a form: a place's in the finding form, a tool's in the form of its test. Where the browser reads
// QR codes itself it is asked; elsewhere (iPhones, Firefox, desks) our own reader is fetched at the first press. Without a
// camera the button stays away, and the phone's own camera opens the sign's address, which leads to the same form.
import { make } from "./words.js";

const EVERY = 150; // ms between looks
const LONGEST = 960; // pixels of the picture our own reader looks at
const PATIENCE = 60; // ms it may take for one
export const PLACE = /\/p\/([A-Za-z0-9][A-Za-z0-9-]{0,31})\/?$/;
export const TOOL = /\/tools\/([^/]+)\/?$/;

/** The code on a sign of this kind, whatever host it was printed for. */
export function codeOf(text, sign) {
  try {
    const code = sign.exec(new URL(text).pathname)?.[1];
    return code ? decodeURIComponent(code) : null;
  } catch {
    return null;
  }
}

export function offerScan(place, sign, found) {
  const button = place?.querySelector("button");
  if (!button || !navigator.mediaDevices?.getUserMedia) return;
  place.hidden = false;
  const said = place.querySelector("[role=status]");
  button.addEventListener("click", async () => {
    said.textContent = "";
    let code;
    try {
      code = await scan(place.dataset, sign);
    } catch {
      // Refused, or taken by another app.
      said.textContent = place.dataset.noCamera;
      return;
    }
    if (code) said.textContent = (await found(code)) ? "" : place.dataset.unknown;
  });
}

/** What reads the codes in a playing video: a function that gives their texts. */
async function reader() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats().catch(() => []);
  if (formats?.includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video)).map(({ rawValue }) => rawValue);
  }
  const { default: decode } = await import("qr/decode.js");
  const canvas = make("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return [decode(context.getImageData(0, 0, canvas.width, canvas.height), { timeLimit: PATIENCE })];
    } catch {
      return []; // no code in this picture
    }
  };
}

async function scan(words, sign) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } } });
  const video = make("video", { playsinline: "", muted: "", autoplay: "" });
  video.srcObject = stream;
  const close = make("button", { type: "button", class: "btn", text: words.close });
  const dialog = make("dialog", { class: "lineup", "aria-label": words.label }, make("div", { class: "view" }, video), make("div", { class: "tools" }, make("p", { text: words.hint }), close));
  document.body.append(dialog);
  dialog.showModal();
  close.addEventListener("click", () => dialog.close());
  let open = true;
  dialog.addEventListener("close", () => (open = false));
  try {
    const [read] = await Promise.all([reader(), video.play()]);
    while (open) {
      for (const text of await read(video)) {
        const code = codeOf(text, sign);
        if (code) return code;
      }
      await new Promise((later) => setTimeout(later, EVERY));
    }
    return null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    if (dialog.open) dialog.close();
    dialog.remove();
  }
}
