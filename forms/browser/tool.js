// The test of a tool, kept on this phone. Without a signal the page /field/tool is the tool's own: it shows what the phone
// keeps of it from the last time it had one.
import { able, all, fact, one, unsent } from "./queue.js";
import { keepForm } from "./keep_form.js";
import { offerScan, TOOL } from "./scan.js";
import { make, say } from "./words.js";

const login = document.documentElement.dataset.login;
const form = document.getElementById("test");
const lookup = document.getElementById("lookup");
let tool = form?.dataset.tool ? { number: form.dataset.tool, what: form.dataset.what } : null;
let tools = [];

start();

async function start() {
  const day = able() ? (await fact("day").catch(() => null))?.day : null;
  if (day?.login === login) tools = day.tools ?? [];
  if (lookup) await openLookup();
  else await shown();
  if (!form) return;
  for (const name of ["passed", "tested_on"]) for (const field of [form.elements[name]].flatMap((each) => (each instanceof RadioNodeList ? [...each] : [each]))) field.addEventListener("change", sayNext);
  form.querySelector("[data-more]").addEventListener("click", addRow);
  form.querySelector("[data-readings]").addEventListener("input", ({ target }) => needBoth(target.closest("[data-row]")));
  showMore();
  keepForm(form, {
    again: "/field/tool",
    fill: ({ test: { readings = [], ...test } }) => {
      readings.forEach(showReading);
      return test;
    },
    told: ({ next_test_on, status_name }) => (next_test_on ? say("next-test", { day: next_test_on }) : say("now-stopped", { status: status_name })),
    item: ({ passed, tested_on, report_number, campaign, note }, files) => ({
      kind: "tool-test",
      url: "/field/tool-tests",
      body: { tool: tool.number, test: { passed: passed === "true", tested_on, report_number, campaign, note, readings: readings(), files } },
      title: `${tool.what ?? `${tool.kind} ${tool.number}`} ${say(passed === "true" ? "passed" : "failed")}`,
      about: tool.unit_name ?? "",
    }),
  });
}

async function openLookup() {
  document.getElementById("tools").append(...tools.map((each) => make("option", { value: each.number, text: `${each.kind} ${each.unit_name}` })));
  const field = lookup.elements.tool;
  lookup.addEventListener("submit", (event) => {
    event.preventDefault();
    go(field.value.trim());
  });
  field.addEventListener("change", () => tools.some((each) => each.number === field.value.trim()) && go(field.value.trim()));
  offerScan(lookup.querySelector("[data-scan]"), TOOL, async (number) => (await go(number)) || true);
  const asked = new URLSearchParams(location.search);
  const refused = asked.get("from") && (await one(asked.get("from")));
  const number = (refused?.author === login && refused.body.tool) || asked.get("tool") || codeInPath();
  if (number) await go(number, { stay: true });
}

const codeInPath = () => {
  const code = /^\/tools\/([^/]+)$/.exec(location.pathname)?.[1];
  return code ? decodeURIComponent(code) : null;
};

/** Open the tool here; one this phone does not know is opened on the server, and without a signal can still be tested. */
async function go(number, { stay = false } = {}) {
  const known = tools.find((each) => each.number === number);
  if (!known && !stay && navigator.onLine) return location.assign(`/tools/${encodeURIComponent(number)}`);
  tool = known ?? { number, kind: "", what: number };
  lookup.elements.tool.value = number;
  const place = document.querySelector("[data-known]");
  place.hidden = !known;
  for (const each of place.querySelectorAll("[data-fact]")) each.textContent = each.dataset.fact === "what" ? `${tool.kind} ${tool.number}` : tool[each.dataset.fact] || "—";
  place.querySelector("[data-stop]").hidden = !tool.stopped;
  if (form) form.hidden = false;
  showUsual(tool.measured ?? []);
  await shown();
  sayNext();
}

/** What was tested here and has not arrived yet. */
async function shown() {
  document.querySelector("[data-kept-here]")?.remove();
  if (!tool || !form || !able()) return;
  const here = (await all().catch(() => [])).filter((item) => item.kind === "tool-test" && item.author === login && unsent(item) && item.state !== "refused" && item.body.tool === tool.number).at(-1);
  if (here) form.before(make("p", { class: `banner ${here.body.test.passed ? "note" : "bad"}`, role: "status", "data-kept-here": true, text: say("tested-here", { result: say(here.body.test.passed ? "passed" : "failed"), receipt: here.receipt }) }));
}

// What was measured: a row each, with the names usual for the kind of tool.

const rows = () => [...(form?.querySelectorAll("[data-row]") ?? [])];
const partsOf = (row) => [...row.querySelectorAll("input")];

/** What is filled in; a row that has no more than the names it came with measured nothing. */
function readings() {
  return rows()
    .map((row) => partsOf(row).map((each) => each.value.trim()))
    .filter(([name, value, , usual]) => value || name !== usual)
    .map(([name, value, unit]) => ({ name, value, unit }));
}

/** The usual names in rows where nothing was written yet, and one more row. */
function showUsual(measured) {
  for (const [place, row] of rows().entries()) {
    const [name, value, unit, usual] = partsOf(row);
    const [its, unitOfIt] = measured[place] ?? ["", ""];
    if (value.value || name.value !== usual.value) continue;
    for (const [field, text] of [[name, its], [unit, unitOfIt], [usual, its]]) field.value = text;
    row.hidden = place > measured.length;
  }
  showMore();
}

/** A reading of a refused test stands in the row of its name, else in the next one that is free. */
function showReading({ name, value, unit }) {
  const free = rows().filter((row) => !partsOf(row)[1].value);
  const row = free.find((each) => partsOf(each)[0].value === name) ?? free.find((each) => !partsOf(each)[0].value);
  if (!row) return;
  row.hidden = false;
  for (const [at, text] of [name, value, unit].entries()) partsOf(row)[at].value = text;
}

/** A figure says nothing without what it is of, nor the other way round. */
function needBoth(row) {
  const [name, value, , usual] = partsOf(row);
  name.required = Boolean(value.value.trim());
  value.required = name.value.trim() !== usual.value;
}

function addRow() {
  const row = rows().find((each) => each.hidden);
  row.hidden = false;
  showMore();
  partsOf(row)[0].focus();
}

function showMore() {
  form.querySelector("[data-more]").hidden = !rows().some((row) => row.hidden);
}

/** The next day a passed test gives, as the server reckoned it for today; for another day it says so once it has the test. */
function sayNext() {
  const line = form?.querySelector("[data-next]");
  if (!line) return;
  const { passed, tested_on } = form.elements;
  const known = tools.find((each) => each.number === tool?.number);
  line.hidden = !passed.value || !known;
  if (line.hidden) return;
  if (passed.value === "false") line.textContent = say("will-stop");
  else line.textContent = tested_on.value === known.as_of ? say("next-if-today", { day: known.next_if_today, months: known.months }) : say("next-later", { months: known.months });
}
