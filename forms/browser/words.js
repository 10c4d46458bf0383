// What a person reads comes from the page, in their language: elements with data-words hold a JSON object.
let words;

/** The text named `key`, with %(name)s filled in. */
export function say(key, values = {}) {
  words ??= Object.assign({}, ...[...document.querySelectorAll("[data-words]")].map((each) => JSON.parse(each.dataset.words)));
  return (words[key] ?? key).replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? "");
}

const CHINA = "Asia/Shanghai";

/** The day it is here, as a date field has it. */
export const today = () => new Date().toLocaleDateString("en-CA", { timeZone: CHINA });

/** A moment here, as a field for date and time has it; now when left out. */
export const minute = (moment = new Date()) => moment.toLocaleString("sv-SE", { timeZone: CHINA }).replace(" ", "T").slice(0, 16);

/** A moment as people here say it: 9:14 today, else 4月1日 9:14. */
export function clock(iso, now = new Date()) {
  const moment = new Date(iso);
  const lang = document.documentElement.lang || "zh-CN";
  const day = (each) => each.toLocaleDateString("en-CA", { timeZone: CHINA });
  const time = moment.toLocaleTimeString(lang, { timeZone: CHINA, hour: "numeric", minute: "2-digit", hour12: false });
  if (day(moment) === day(now)) return time;
  return `${moment.toLocaleDateString(lang, { timeZone: CHINA, month: "long", day: "numeric" })} ${time}`;
}

/** An element: make("p", { class: "muted", text: "…" }, child, …). */
export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter(Boolean));
  return element;
}

/** An icon of ours. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}
