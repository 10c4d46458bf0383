// The work queue: rows stay chosen while pages and filters change, and the keyboard does what the mouse does.
// Without it the form sends the rows chosen on the page, and everything is a link or a button.

const form = document.querySelector("form[data-queue]");

// What was done is chosen no longer.
for (const said of document.querySelectorAll("[data-unpick]")) {
  const done = new Set(said.dataset.unpick.split(" "));
  for (const key of Object.keys(sessionStorage)) {
    if (!key.startsWith("picked:")) continue;
    const left = JSON.parse(sessionStorage.getItem(key)).filter((number) => !done.has(number));
    sessionStorage.setItem(key, JSON.stringify(left));
  }
}

class Picks {
  // The numbers chosen, kept for this person in this tab.
  constructor(who, most) {
    this.key = `picked:${who}`;
    this.most = most;
    this.numbers = new Set(JSON.parse(sessionStorage.getItem(this.key) ?? "[]"));
  }

  set(number, chosen) {
    if (chosen && this.numbers.size >= this.most && !this.numbers.has(number)) return false;
    if (chosen) this.numbers.add(number);
    else this.numbers.delete(number);
    this.keep();
    return true;
  }

  clear() {
    this.numbers.clear();
    this.keep();
  }

  keep() {
    sessionStorage.setItem(this.key, JSON.stringify([...this.numbers]));
  }
}

function queue() {
  const picks = new Picks(form.dataset.queue, Number(form.dataset.most));
  const boxes = [...form.querySelectorAll("input[type=checkbox][name=number]")];
  const all = form.querySelector("[data-pick-all]");
  const said = form.querySelector("[data-picked]");
  const clear = form.querySelector("[data-clear]");
  const [some, none] = form.querySelector("[data-counted]").content.querySelectorAll("span");

  // Numbers the address carries (from a page without this) are chosen too.
  for (const field of form.querySelectorAll("[data-elsewhere]")) picks.set(field.value, true);
  for (const box of boxes) if (box.checked) picks.set(box.value, true);

  const show = () => {
    for (const box of boxes) box.checked = picks.numbers.has(box.value);
    for (const field of form.querySelectorAll("[data-elsewhere]")) field.remove();
    const here = new Set(boxes.map((box) => box.value));
    for (const number of picks.numbers) {
      if (here.has(number)) continue;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "number", value: number });
      field.dataset.elsewhere = "";
      form.append(field);
    }
    const count = picks.numbers.size;
    said.textContent = count ? some.textContent.replace("#", count) : none.textContent;
    form.classList.toggle("picking", count > 0);
    clear.hidden = !count;
    all.checked = boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  };

  form.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes) picks.set(box.value, all.checked);
    else if (event.target.name === "number") picks.set(event.target.value, event.target.checked);
    show();
  });
  clear.addEventListener("click", () => {
    picks.clear();
    show();
  });
  all.hidden = false;
  form.classList.add("lively");
  show();
  // The browser's arrow brings back boxes as they were left, not as they are kept.
  addEventListener("pageshow", show);
  return { picks, show };
}

function keys({ picks, show }) {
  const rows = [...form.querySelectorAll("[data-row]")];
  const help = document.getElementById("keys");
  const at = () => rows.indexOf(document.activeElement.closest("tr")?.querySelector("[data-row]"));

  const go = (step) => {
    const next = at() < 0 ? (step > 0 ? 0 : rows.length - 1) : at() + step;
    const row = rows[Math.min(Math.max(next, 0), rows.length - 1)];
    row.focus();
    row.closest("tr").scrollIntoView({ block: "nearest" });
  };

  const act = (name) => {
    if (picks.numbers.size) form.querySelector(`[data-act=${name}]`).click();
    else if (at() >= 0) location.assign(`${rows[at()].getAttribute("href")}/${name}`);
  };

  const does = {
    j: () => go(1),
    k: () => go(-1),
    x: () => {
      if (at() < 0) return;
      const box = rows[at()].closest("tr").querySelector("input[name=number]");
      picks.set(box.value, !box.checked);
      show();
    },
    a: () => act("assign"),
    v: () => act("verify"),
    "/": () => {
      const field = document.getElementById("q");
      field.closest("details").open = true;
      field.focus();
      field.select();
    },
    "?": () => {
      help.open = true;
      help.querySelector("summary").focus();
    },
  };

  document.addEventListener("keydown", (event) => {
    if (localStorage.getItem("keys") === "off" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.isComposing || typing(event.target) || !Object.hasOwn(does, event.key)) return;
    event.preventDefault();
    does[event.key]();
  });

  // Single keys can be in the way of speech and of other aids (WCAG 2.1.4): they can be switched off.
  const box = help.querySelector("[data-keys]");
  box.checked = localStorage.getItem("keys") !== "off";
  box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
  help.querySelector("[data-keys-switch]").hidden = false;
}

const typing = (field) =>
  field.isContentEditable ||
  field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

if (form) keys(queue());
