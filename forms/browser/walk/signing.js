// The signature: what was found once more, a statement to tick, and a name on the button. It waits like everything else.
import { goOn } from "../keeping.js";
import { forget, onChange, one, put } from "../queue.js";
import { make, say } from "../words.js";
import { asks, codeOf, fieldOf, photosOf, valueOf } from "./item.js";
import { counted } from "./progress.js";

/** Open the dialog; `about` says whose visit it is, `said` is called with a sentence for the person. */
export function openSigning(form, about, said) {
  const dialog = document.getElementById("signing");
  const { counts, open, score } = counted(form);
  for (const [value, count] of Object.entries(counts)) dialog.querySelector(`[data-count=${value}]`).textContent = count;
  dialog.querySelector("[data-score]").textContent = score;
  const failed = asks(form).filter((ask) => valueOf(ask) === "fail");
  dialog.querySelector("[data-failed]").replaceChildren(...failed.map(line));
  const obstacles = [
    open ? say("open-items", { count: open }) : "",
    form.querySelector(".clash") ? say("open-conflicts", { count: new Set([...form.querySelectorAll(".clash")].map((each) => each.closest("[data-item]"))).size }) : "",
    ...failed.filter((ask) => "photoRequired" in ask.dataset && !photoCount(ask)).map((ask) => say("photo-needed", { name: ask.dataset.name })),
  ].filter(Boolean);
  const line_ = dialog.querySelector("[data-open-items]");
  line_.hidden = !obstacles.length;
  line_.className = "banner warn";
  line_.textContent = obstacles.join(" ");
  const nothing = !failed.length && !counts.unchecked && !open;
  dialog.querySelector("[data-when-nothing]").hidden = !nothing;
  dialog.querySelector("[data-when-found]").hidden = nothing;
  const tick = dialog.querySelector("#signed");
  const button = dialog.querySelector("[data-sign-now]");
  tick.checked = false;
  tick.disabled = obstacles.length > 0;
  button.disabled = true;
  tick.onchange = () => (button.disabled = !tick.checked);
  button.onclick = async () => {
    button.disabled = true;
    await sign(about, said);
    dialog.close();
  };
  dialog.showModal();
}

function photoCount(ask) {
  return photosOf(ask).querySelector("input[type=file]").files.length + ask.querySelectorAll(".shots.kept figure").length;
}

function line(ask) {
  const days = fieldOf(ask, "deadline_days").value;
  const level = fieldOf(ask, "level").selectedOptions[0].textContent;
  const note = fieldOf(ask, "note").value.trim();
  return make("li", { class: "card" }, make("b", { text: `${codeOf(ask)} ${ask.dataset.name}` }), make("p", { text: [level, say("within-days", { days }), note].filter(Boolean).join(" · ") }));
}

async function sign(about, said) {
  const item = await put({ ...about, kind: "signature", url: `/field/inspections/${about.visit}/signature`, body: {}, replaces: `signature/${about.visit}` });
  said(say("signed-here"));
  follow(item.id, about, said);
}

/** Go on once the server has it; say why when it will not have it. */
export function follow(id, about, said) {
  const look = async () => {
    const item = await one(id);
    if (item?.state === "sent") goOn(`/inspections/${about.visit}?done=submit`);
    if (item?.state !== "refused") return;
    said(item.error.detail || say(item.error.code), { wrong: true });
    await forget(id);
  };
  onChange(look);
  look();
}
