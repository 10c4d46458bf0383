// Draw a circle or an arrow on a photo with a finger: the marked copy is sent beside the plain one.
import { LONGEST, draw, jpeg } from "./shrink.js";
import { make, say } from "../words.js";

const COLOUR = "#e5281c";

/** Let the person mark the photo; resolves to a new file, or null when they changed their mind. */
export async function mark(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const plain = draw(picture, Math.min(1, LONGEST / Math.max(picture.width, picture.height)));
  const canvas = make("canvas", { width: plain.width, height: plain.height, role: "img", "aria-label": say("mark-here") });
  const marks = [];
  let tool = "circle";
  let begun = null;

  const show = (extra) => {
    const paper = canvas.getContext("2d");
    paper.drawImage(plain, 0, 0);
    for (const each of extra ? [...marks, extra] : marks) stroke(paper, each, Math.max(canvas.width, canvas.height) / 160);
    undo.disabled = !marks.length;
    done.disabled = !marks.length;
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    begun = at(event);
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => begun && show({ tool, from: begun, to: at(event) }));
  canvas.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const mark = { tool, from: begun, to: at(event) };
    begun = null;
    // A touch without a move is a circle around that spot.
    if (Math.hypot(mark.to[0] - mark.from[0], mark.to[1] - mark.from[1]) < canvas.width / 50) {
      const round = canvas.width / 10;
      mark.tool = "circle";
      mark.from = [mark.to[0] - round, mark.to[1] - round];
      mark.to = [mark.to[0] + round, mark.to[1] + round];
    }
    marks.push(mark);
    show();
  });
  canvas.addEventListener("pointercancel", () => {
    begun = null;
    show();
  });

  const tools = ["circle", "arrow"].map((name) => {
    const button = make("button", { type: "button", class: "btn small", "aria-pressed": String(name === tool), text: say(name) });
    button.addEventListener("click", () => {
      tool = name;
      for (const each of tools) each.setAttribute("aria-pressed", String(each === button));
    });
    return button;
  });
  const undo = make("button", { type: "button", class: "btn small", text: say("undo") });
  undo.addEventListener("click", () => {
    marks.pop();
    show();
  });
  const cancel = make("button", { type: "button", class: "btn", text: say("cancel") });
  const done = make("button", { type: "button", class: "btn primary", text: say("done-marking") });
  const dialog = make("dialog", { class: "marking", "aria-label": say("mark") }, make("div", { class: "row" }, ...tools, undo), canvas, make("div", { class: "row" }, cancel, done));
  document.body.append(dialog);
  show();
  dialog.showModal();
  const finished = await new Promise((settled) => {
    cancel.addEventListener("click", () => settled(false));
    done.addEventListener("click", () => settled(true));
    dialog.addEventListener("cancel", () => settled(false));
  });
  dialog.remove();
  if (!finished) return null;
  const blob = await jpeg(canvas, 0.85);
  return new File([blob], `${file.name.replace(/\.\w+$/, "")}-${say("marked")}.jpg`, { type: "image/jpeg" });
}

function stroke(paper, { tool, from, to }, width) {
  // White under red: seen on a dark transformer and in the snow.
  for (const [colour, broad] of [["#fff", width * 1.9], [COLOUR, width]]) {
    paper.strokeStyle = colour;
    paper.lineWidth = broad;
    paper.lineCap = paper.lineJoin = "round";
    paper.beginPath();
    if (tool === "circle") {
      const [x, y] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      paper.ellipse(x, y, Math.max(Math.abs(to[0] - from[0]) / 2, width * 3), Math.max(Math.abs(to[1] - from[1]) / 2, width * 3), 0, 0, 2 * Math.PI);
    } else {
      const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
      const head = Math.min(Math.hypot(to[0] - from[0], to[1] - from[1]) / 2, width * 9);
      paper.moveTo(...from);
      paper.lineTo(...to);
      for (const side of [-0.5, 0.5]) {
        paper.moveTo(...to);
        paper.lineTo(to[0] - head * Math.cos(angle + side), to[1] - head * Math.sin(angle + side));
      }
    }
    paper.stroke();
  }
}
