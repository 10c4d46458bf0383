// How far the walk has come and the station's score, counted from what stands on the page.
import { asks, valueOf } from "./item.js";

export function counted(form) {
  const counts = { pass: 0, fail: 0, na: 0, unchecked: 0 };
  let open = 0;
  for (const ask of asks(form)) {
    const value = valueOf(ask);
    if (value) counts[value]++;
    else open++;
  }
  return { counts, open, score: scored(counts) };
}

/** 合格/(合格+不合格) in percent with two decimals, half up, as domain/inspections.py; — when nothing was judged. */
export function scored({ pass, fail }) {
  const judged = pass + fail;
  return judged ? `${(Math.floor((20000 * pass + judged) / (2 * judged)) / 100).toFixed(2)} %` : "—";
}

export function showProgress(form) {
  const { counts, open, score } = counted(form);
  const head = form.querySelector("[data-head]");
  const items = Number(head.dataset.items);
  head.querySelector("[data-progress]").value = items - open;
  head.querySelector("[data-answered]").textContent = items - open;
  head.querySelector("[data-score]").textContent = score;
  const failed = head.querySelector("[data-failed-count]");
  failed.classList.toggle("unseen", !counts.fail);
  failed.querySelector("b").textContent = counts.fail;
  for (const group of form.querySelectorAll("[data-group]")) {
    const mine = asks(group);
    const done = mine.filter(valueOf).length;
    group.querySelector("[data-group-done]").textContent = `${done}/${mine.length}`;
    const rest = group.querySelector("[data-rest]");
    if (!rest) continue;
    rest.classList.toggle("unseen", done === mine.length);
    if (done) rest.textContent = rest.dataset.rest;
  }
}
