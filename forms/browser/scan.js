// Scanning a sign inside a form, where the browser can read QR codes itself: a place's in the finding form, a tool's in the
// form of its test. Elsewhere the phone's own camera opens the sign's address, which leads to the same form.
import { make } from "./words.js";

const EVERY = 200; // ms between looks
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

export async function offerScan(place, sign, found) {
  const button = place?.querySelector("button");
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const can = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!can.includes("qr_code")) return;
  place.hidden = false;
  const said = place.querySelector("[role=status]");
  button.addEventListener("click", async () => {
    const code = await scan(place.dataset, sign).catch(() => null);
    if (code) said.textContent = (await found(code)) ? "" : place.dataset.unknown;
  });
}

async function scan(words, sign) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" } } });
  const video = make("video", { playsinline: "", muted: "", autoplay: "" });
  video.srcObject = stream;
  const close = make("button", { type: "button", class: "btn", text: words.close });
  const dialog = make("dialog", { class: "lineup", "aria-label": words.label }, make("div", { class: "view" }, video), make("div", { class: "tools" }, make("p", { text: words.hint }), close));
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  document.body.append(dialog);
  dialog.showModal();
  close.addEventListener("click", () => dialog.close());
  let open = true;
  dialog.addEventListener("close", () => (open = false));
  try {
    await video.play();
    while (open) {
      for (const { rawValue } of await detector.detect(video)) {
        const code = codeOf(rawValue, sign);
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
