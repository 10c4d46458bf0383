// One item of the checklist on the page: what stands in its fields, and putting something there.

export const codeOf = (ask) => ask.dataset.item;
export const versionOf = (ask) => Number.parseInt(ask.dataset.seal, 10) || 0;
export const valueOf = (ask) => ask.querySelector("input[type=radio]:checked")?.value ?? null;
export const asks = (form) => [...form.querySelectorAll("fieldset[data-item]")];
export const fieldOf = (ask, name) => ask.querySelector(`[name="${name}-${CSS.escape(codeOf(ask))}"]`);
export const photosOf = (ask) => ask.querySelector("[data-photos]");

const SAID = ["note", "location", "level", "measure", "deadline_days"];

/** What the item has where the inspector says nothing else. */
function usual(ask, name) {
  if (name === "level") return ask.dataset.level;
  if (name === "deadline_days") return ask.dataset.days;
  if (name === "measure") return fieldOf(ask, name).dataset.usual;
  return "";
}

/** The answer as the server takes it, without the device and the photos; null when nothing was chosen. */
export function answerOf(ask) {
  const value = valueOf(ask);
  if (!value) return null;
  const answer = { item: codeOf(ask), value };
  if (value !== "fail") return answer;
  for (const name of SAID) {
    const text = fieldOf(ask, name).value.trim();
    if (text && text !== usual(ask, name)) answer[name] = name === "deadline_days" && /^\d+$/.test(text) ? Number(text) : text;
  }
  return answer;
}

/** Put an answer kept on this phone back into the fields. */
export function show(ask, answer) {
  const radio = [...ask.querySelectorAll("input[type=radio]")].find((each) => each.value === answer.value);
  if (radio) radio.checked = true;
  if (answer.value === "fail") for (const name of SAID) fieldOf(ask, name).value = answer[name] ?? usual(ask, name);
}
