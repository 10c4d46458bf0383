// The picker of standard hazards: by characters, by pinyin, by pinyin initials; what was used last comes first.
import { fact, keepFact } from "./queue.js";
import { make, say } from "./words.js";

const SHOWN = 60;
const RECENT = 6;

/** Whether a hazard answers to what was typed: "渗漏", "shenlou", "sl". How it is spoken the server says (domain/pinyin.py). */
export function answers(hazard, typed) {
  const asked = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${hazard.title} ${hazard.category} ${hazard.criterion ?? ""}`.toLowerCase();
  return asked.every((word) => [text, hazard.code.toLowerCase(), hazard.pinyin, hazard.initials].some((each) => each.includes(word)));
}

/** Chips of the last used hazards and a button that opens the list; `hazards()` gives those there are now, `pick` gets the chosen one. */
export async function offerHazards(place, { hazards, login, pick }) {
  const now = hazards();
  if (!now.length) return;
  const used = (await fact(`hazards:${login}`)) ?? [];
  const recent = [...used.map((code) => now.find((each) => each.code === code)).filter(Boolean), ...now].filter((each, index, found) => found.indexOf(each) === index).slice(0, RECENT);
  const choose = async (hazard) => {
    await keepFact(`hazards:${login}`, [hazard.code, ...used.filter((code) => code !== hazard.code)].slice(0, 30));
    pick(hazard);
  };
  const chips = recent.map((hazard) => chip(hazard, choose));
  const open = make("button", { type: "button", class: "btn small", text: say("all-hazards") });
  open.addEventListener("click", () => openList(hazards(), choose));
  place.replaceChildren(...chips, open);
  place.hidden = false;
}

function chip(hazard, choose) {
  const button = make("button", { type: "button", class: "btn small", text: hazard.title });
  button.addEventListener("click", () => choose(hazard));
  return button;
}

function openList(hazards, choose) {
  const search = make("input", { type: "search", "aria-label": say("search-hazards"), placeholder: say("search-hazards"), autocomplete: "off", enterkeyhint: "search" });
  const list = make("ul", { class: "items" });
  const count = make("p", { class: "hint", role: "status" });
  const close = make("button", { type: "button", class: "btn", text: say("cancel") });
  const dialog = make("dialog", { class: "picker", "aria-label": say("all-hazards") }, make("div", { class: "row" }, search, close), count, list);
  const show = () => {
    const found = hazards.filter((each) => answers(each, search.value));
    count.textContent = say("found-hazards", { count: found.length });
    list.replaceChildren(...found.slice(0, SHOWN).map(line));
  };
  const line = (hazard) => {
    const button = make("button", { type: "button", class: "plain", text: hazard.title });
    button.addEventListener("click", () => {
      dialog.close();
      choose(hazard);
    });
    return make("li", { class: "card item" }, button, make("div", { class: "meta" }, make("span", { class: `chip ${hazard.level}`, text: say(`level-${hazard.level}`) }), make("span", { text: hazard.category })));
  };
  search.addEventListener("input", show);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show();
  dialog.showModal();
  search.focus();
}
