// The finding form, taken over where the browser can keep things: saved on this phone at once, sent when there is a
// signal. Without JavaScript, or where nothing can be kept, the server's form works as it always did.
import { able, fact, keepFact, newId, one, onChange, put } from "./queue.js";
import { persist } from "./connection.js";
import { draftById, draftsOf, dropDraft, keepDraft, photosOf, takeOver as goOnHere } from "./draft.js";
import { offerHazards } from "./hazards.js";
import { keepInstead } from "./keeping.js";
import { keptOf, listed, putBack } from "./photo/kept.js";
import { locate, locateQuietly } from "./place.js";
import { elsewhere, saveDrafts, syncDrafts } from "./server_drafts.js";
import { confirmSaved, sayNotKept } from "./saved.js";
import { offerScan, PLACE } from "./scan.js";
import { offerSimilar } from "./similar.js";
import { clock, icon, make, say } from "./words.js";

const form = document.getElementById("finding");
const login = document.documentElement.dataset.login;
const author_name = document.documentElement.dataset.name;
const asked = new URLSearchParams(location.search);
const TYPED = ["description", "location", "level", "unit", "campaign", "category", "checklist_item", "standard_hazard", "standard_hazard_version", "measure", "deadline_days", "quantity", "measure_unit", "lat", "lon", "place", "recurrence_of", "on_spot", "note"];

let id = newId();
let writing; // the timer of the draft
let replacing = null; // a refused item that is being put right

if (form && login && able()) takeOver();
if (form) {
  offerSimilar(form);
  offerScan(form.querySelector("[data-scan]"), PLACE, (code) => atPlace(code));
}

async function takeOver() {
  const kept = fact("day").then((told) => ({ day: told?.day }), () => null);
  keepInstead(form, kept.then(Boolean), save, () => sayNotKept(form));
  const opened = await kept;
  if (!opened) return; // nothing can be kept here: the server's form goes on
  const { day } = opened;
  for (const field of form.querySelectorAll("[data-photos]")) {
    field.dataset.keepsItself = "";
    field.addEventListener("photos:changed", () => keepPhotos(field));
  }
  form.addEventListener("input", () => keepSoon());
  form.querySelector("[data-here]").hidden = false;
  form.querySelector("[data-here] button").addEventListener("click", () => here(true));
  await fillIn(day);
  await offer(day);
  // On the very first visit the day comes after the form.
  onChange(async ({ kept }) => kept && form.querySelector("[data-hazards]").hidden && offer((await fact("day"))?.day));
  here(false);
  syncDrafts(login).catch(() => {});
}

async function offer(day) {
  if (day?.login === login) await offerHazards(form.querySelector("[data-hazards]"), { hazards: () => offered(day), login, pick });
}

/** What the address asks for, what was begun, or what this person used last. */
async function fillIn(day) {
  const refused = asked.get("from") && (await one(asked.get("from")));
  if (refused?.author === login) return putRight(refused);
  const unit = await fact(`unit:${login}`);
  if (!field("unit").value && unit) set("unit", unit);
  const begun = asked.get("draft");
  if (begun) {
    const copy = (await elsewhere(login)).find((each) => each.id === begun);
    const draft = (await draftById(begun)) ?? (copy && (await goOnHere(copy, login)));
    if (draft?.login === login) return goOn(draft);
  }
  await atPlace();
  const hazard = day?.login === login && asked.get("hazard") && offered(day).find((each) => each.code === asked.get("hazard"));
  if (hazard) pick(hazard);
  for (const name of ["unit", "campaign", "location", "description"]) if (asked.get(name)) set(name, asked.get(name));
  const [latest] = await draftsOf(login);
  if (latest && !asked.size) offerDraft(latest);
}

/** The code of a place in the address (/p/CODE) names its unit, its words and its position. */
async function atPlace(code = /^\/p\/([^/]+)/.exec(location.pathname)?.[1] ?? asked.get("place")) {
  if (!code) return false;
  const kept = able() ? await fact("day").catch(() => null) : null;
  const place = (kept?.day.places ?? []).find((each) => each.code === decodeURIComponent(code)) ?? (field("place").value === code ? null : await askedOf(code));
  if (!place) return false;
  set("place", place.code);
  for (const name of ["unit", "location", "lat", "lon"]) if (place[name] !== undefined && place[name] !== null) set(name, place[name]);
  form.dispatchEvent(new Event("change"));
  return true;
}

/** What the server fills in for a place that is not on this phone; null without a signal, or when it knows none. */
async function askedOf(code) {
  try {
    const answer = await fetch(`/findings/new?place=${encodeURIComponent(code)}`, { headers: { Accept: "text/html" }, redirect: "error" });
    const filled = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("finding");
    const read = (name) => filled.querySelector(`[name=${name}]`)?.value || null;
    return read("place") ? { code, unit: read("unit"), location: read("location"), lat: read("lat"), lon: read("lon") } : null;
  } catch {
    return null;
  }
}

async function goOn(draft) {
  id = draft.id;
  for (const [name, value] of Object.entries(draft.values)) set(name, value);
  await showPhotos(await photosOf(draft));
  if (draft.elsewhere) form.before(make("p", { class: "banner note", text: say("photos-elsewhere", { photos: draft.elsewhere }) }));
  if (draft.others?.length) form.before(make("p", { class: "banner warn" }, make("a", { href: "/field", text: say("two-copies") })));
}

async function putRight(item) {
  replacing = item;
  if (item.error) sayProblems(item.error);
  const { finding, fix } = item.body;
  for (const name of TYPED) if (finding[name] !== undefined && finding[name] !== null) set(name, finding[name]);
  if (fix) {
    set("on_spot", "1");
    set("note", fix.note ?? "");
  }
  const { filesOf } = await import("./queue.js");
  const after = new Set((fix?.files ?? []).map((file) => file.sha256));
  const before = new Map([...finding.files, ...(fix?.files ?? [])].map((file) => [file.sha256, file]));
  await showPhotos((await filesOf(item)).map((file) => ({ ...before.get(file.sha256), ...file, field: after.has(file.sha256) ? "after" : "photos" })));
}

/** What the server refused, with a way to each field it named. */
function sayProblems({ detail, errors }) {
  const named = errors.map((each) => [each.field.split("/").find((step) => field(step)), each.detail]);
  const lines = named.length ? named : [[null, detail]];
  const line = ([name, words]) => make("li", {}, name ? make("a", { href: `#${field(name).id ?? name}`, text: words }) : make("span", { text: words }));
  form.before(make("div", { class: "problems", role: "alert" }, make("h2", { text: say("put-right-these") }), make("ul", {}, ...lines.map(line))));
}

/** Photos kept earlier stand in their fields again; what was read from their files stays with them. */
async function showPhotos(photos) {
  for (const name of ["photos", "after"]) {
    const mine = photos.filter((photo) => photo.field === name).map(({ exif_at, exif_lat, exif_lon, captured_at, captured_lat, captured_lon, ...photo }) => ({ ...photo, told: clean({ exif_at, exif_lat, exif_lon, captured_at, captured_lat, captured_lon }) }));
    putBack(photoField(name), mine);
  }
}

function offerDraft(draft) {
  const photos = draft.photos.length;
  const begun = make("a", { class: "btn small", href: `/findings/new?draft=${draft.id}`, text: say("go-on") });
  const drop = make("button", { type: "button", class: "btn small", text: say("discard") });
  const banner = make("div", { class: "banner note" }, icon("note"), make("div", {}, make("p", { text: say("begun", { when: clock(draft.saved_at), what: draft.values.description || say("no-words"), photos }) }), make("div", { class: "row" }, begun, drop)));
  drop.addEventListener("click", async () => {
    await dropDraft(draft.id, { everywhere: true });
    banner.remove();
    saveDrafts(login);
  });
  form.before(banner);
}

const field = (name) => form.elements[name];
const photoField = (name) => form.querySelector(`input[type=file][name=${name}]`).closest("[data-photos]");

function set(name, value) {
  const target = field(name);
  if (!target) return;
  if (target.type === "checkbox") target.checked = Boolean(value);
  else target.value = value;
  if (name === "on_spot" && value) target.closest("details").open = true;
}

/** What the chosen campaign takes: the library, and what its own checklist asks about. */
const offered = (day) => (day.hazards ?? []).filter((each) => !each.campaign || each.campaign === field("campaign").value);

function pick(hazard) {
  set("description", hazard.title);
  set("level", hazard.level);
  set("category", hazard.category);
  set("measure", hazard.measure);
  set("deadline_days", hazard.days);
  // The days belong to the usual level: at another one the server reckons them by its own rule.
  for (const each of field("level")) each.onchange = () => set("deadline_days", each.value === hazard.level ? hazard.days : "");
  for (const name of ["checklist_item", "standard_hazard", "standard_hazard_version"]) set(name, "");
  for (const [name, value] of Object.entries(hazard.fill ?? {})) set(name, value);
  if (hazard.measure && !field("note").value) field("note").placeholder = hazard.measure;
  keepSoon();
  form.querySelector(".bar .btn").focus();
}

async function here(asking) {
  const line = form.querySelector("[data-here] [role=status]");
  if (asking) line.textContent = say("locating");
  const place = asking ? await locate() : await locateQuietly();
  if (!place) {
    if (asking) line.textContent = say("no-place");
    return;
  }
  set("lat", place.lat);
  set("lon", place.lon);
  line.textContent = say("located", { metres: place.metres });
  keepSoon();
}

/** Make new photos small and keep them, so that a closed browser loses none. */
async function keepPhotos(of) {
  await keptOf(of);
  await keepNow();
}

const values = () => Object.fromEntries(TYPED.map((name) => [name, field(name)?.type === "checkbox" ? (field(name).checked ? "1" : "") : (field(name)?.value ?? "")]));

const chosen = (name) => keptOf(photoField(name));

function keepSoon() {
  clearTimeout(writing);
  writing = setTimeout(keepNow, 600);
}

async function keepNow() {
  clearTimeout(writing);
  if (replacing || !form.isConnected) return;
  const typed = values();
  const photos = [];
  for (const name of ["photos", "after"]) for (const photo of await chosen(name)) photos.push({ field: name, ...photo });
  if (!typed.description.trim() && !photos.length) return;
  if (!form.isConnected) return;
  await keepDraft(
    { id, login, values: typed, photos: photos.map(({ bytes, told, ...photo }) => ({ ...photo, ...told, size: bytes.byteLength })) },
    photos.map(({ sha256, bytes }) => ({ sha256, bytes })),
  );
  saveDrafts(login);
}

const clean = (told) => Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && value !== null && value !== ""));

async function save() {
  clearTimeout(writing);
  const item = await put(await toSend());
  await keepFact(`unit:${login}`, field("unit").value);
  const kept = await persist();
  await keepFact("persisted", kept);
  form.remove();
  await dropDraft(id);
  if (replacing) await (await import("./queue.js")).forget(replacing.id);
  confirmSaved(item, kept, { again: "/findings/new", amend: ({ id: refused }) => `/findings/new?from=${refused}` });
}

async function toSend() {
  const before = await chosen("photos");
  const { on_spot, note, lat, lon, ...typed } = values();
  const after = on_spot ? await chosen("after") : [];
  const made_at = new Date().toISOString();
  const found_at = replacing?.body.finding.found_at ?? made_at;
  const finding = clean({ ...typed, ...(lat && lon ? { lat: Number(lat), lon: Number(lon) } : {}) });
  const files = [...before.map((photo) => ({ ...photo, kind: "before" })), ...after.map((photo) => ({ ...photo, kind: "after" }))];
  return {
    // A finding put right is another one: the server must not take it for the one it refused.
    id: replacing ? newId() : id,
    kind: "finding",
    url: "/field/findings",
    body: {
      finding: { ...finding, source: "phone", found_at, files: before.map(listed) },
      ...(on_spot ? { fix: { ...clean({ note }), fixed_at: found_at, files: after.map(listed) } } : {}),
    },
    files: files.filter((photo, index) => files.findIndex((other) => other.sha256 === photo.sha256) === index),
    title: finding.description,
    about: field("unit").selectedOptions?.[0]?.textContent.trim() ?? "",
    made_at,
    author: login,
    author_name,
  };
}
