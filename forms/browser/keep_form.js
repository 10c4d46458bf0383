// A short form that is kept on this phone and sent like everything else. Without JavaScript, or where nothing can be kept,
// it goes to the server as it always did.
import { able, fact, filesOf, forget, newId, one, put } from "./queue.js";
import { persist } from "./connection.js";
import { keepInstead } from "./keeping.js";
import { keptOf, listed, putBack } from "./photo/kept.js";
import { confirmSaved, sayNotKept } from "./saved.js";
import { locateQuietly } from "./place.js";
import { make, minute, say, today } from "./words.js";

const login = document.documentElement.dataset.login;

/**
 * Take the form over. `item(values, files)` gives {kind, url, body, title, about} of what was filled in and the photos as they are
 * listed, `fill(body)` the values of a refused one, with its `files` if it has any; `again`, `told` and `goOn` are as in saved.js.
 */
export function keepForm(form, { item, fill, again, told, goOn }) {
  if (!login || !able()) return;
  const field = form.querySelector("[data-photos]");
  const begun = begin(form, field, fill);
  const keep = async () => {
    const { replacing } = await begun;
    const photos = field ? await keptOf(field) : [];
    // One put right is another one: the server must not take it for the one it refused.
    const kept = await put({ ...item(values(form), photos.map(listed)), files: photos, id: newId(), author: login, author_name: document.documentElement.dataset.name });
    const lasting = await persist();
    if (replacing) await forget(replacing.id);
    confirmSaved(kept, lasting, { again, amend: ({ id }) => `${location.pathname}?from=${id}`, told, goOn });
  };
  keepInstead(form, begun.then(Boolean), keep, () => sayNotKept(form));
}

/** Fill in what a refused item said, and what the page could not know; null when nothing can be kept here. */
async function begin(form, field, fill) {
  try {
    await fact("device");
  } catch {
    return null;
  }
  const from = new URLSearchParams(location.search).get("from");
  const refused = from && (await one(from));
  const replacing = refused?.author === login ? refused : null;
  if (field) {
    field.dataset.keepsItself = "";
    locateQuietly();
    field.addEventListener("photos:changed", () => keptOf(field).catch(() => {}));
  }
  if (replacing) {
    const { files = [], ...given } = fill(replacing.body);
    set(form, given);
    if (field) putBack(field, (await filesOf(replacing)).map((photo) => ({ ...photo, told: toldOf(files, photo.sha256) })));
    sayWhy(form, replacing.error);
  }
  // The page may be yesterday's, kept for where there is no signal.
  for (const field of form.querySelectorAll("input[type=date]")) if (field.max && field.max < today()) field.value = field.max = today();
  for (const field of form.querySelectorAll("input[type=datetime-local]")) if (field.max && field.max < minute()) field.max = minute();
  return { replacing };
}

/** What a refused item said of one of its photos, besides what the photo itself says. */
function toldOf(files, wanted) {
  const { name, sha256, size, ...told } = files.find((each) => each.sha256 === wanted) ?? {};
  return told;
}

/** What is filled in, by name; what is empty is left out, and so are the photos. */
function values(form) {
  const given = [...new FormData(form)].filter(([, value]) => typeof value === "string").map(([name, value]) => [name, value.trim()]);
  return Object.fromEntries(given.filter(([name, value]) => value && name !== "csrf"));
}

function set(form, given) {
  for (const [name, value] of Object.entries(given)) {
    const field = form.elements[name];
    if (!field || value === null || value === undefined) continue;
    if (field.type === "checkbox") field.checked = Boolean(value);
    else field.value = String(value);
  }
}

function sayWhy(form, error) {
  if (!error) return;
  const lines = error.errors?.length ? error.errors.map(({ field, detail }) => [field.split("/").find((step) => step && form.elements[step]), detail]) : [[null, error.detail]];
  const line = ([name, words]) => make("li", {}, name ? make("a", { href: `#${name}`, text: words }) : make("span", { text: words }));
  form.before(make("div", { class: "problems", role: "alert" }, make("h2", { text: say("put-right-these") }), make("ul", {}, ...lines.map(line))));
}
