// The board keeps itself up to date: it asks whether anything has changed, and takes over only what is different.
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";

const board = document.getElementById("board");
const said = document.getElementById("board-said");
const every = Number(board.dataset.seconds) * 1000;
let stamp = board.dataset.stamp;
let failures = 0;
let timer;

const wait = () => {
  clearTimeout(timer);
  // After failures less and less often, up to five minutes.
  timer = setTimeout(ask, Math.min(every * 2 ** failures, 300_000));
};

async function ask() {
  if (document.hidden) return; // asked again when it is looked at
  try {
    const answer = await fetch(board.dataset.live, {
      headers: { "If-None-Match": `W/"${stamp}"` },
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error", // the session has ended: the page says so when it is loaded again
    });
    if (answer.status === 200) take(await answer.text(), answer.headers.get("ETag"));
    else if (answer.status !== 304) throw new Error(String(answer.status));
    failures = 0;
    board.classList.remove("stale");
    board.classList.add("live");
  } catch {
    failures += 1;
    board.classList.remove("live");
    if (!board.classList.contains("stale")) say(board.dataset.stale);
    board.classList.add("stale");
  }
  wait();
}

const say = (words) => {
  said.textContent = "";
  said.textContent = words;
};

/** Put the new figures in place of the old: focus, scroll, open tables and drawings stay. */
function take(html, tag) {
  const before = new Map([...board.querySelectorAll(".tile")].map((tile, place) => [place, tile.querySelector("b").textContent]));
  Idiomorph.morph(board, html, {
    morphStyle: "innerHTML",
    callbacks: {
      beforeNodeRemoved: (node) => !node.classList?.contains("drawing"),
      beforeAttributeUpdated: (name) => name !== "open",
    },
  });
  stamp = tag?.match(/"(.*)"/)?.[1] ?? stamp;
  const changed = [];
  board.querySelectorAll(".tile").forEach((tile, place) => {
    const figure = tile.querySelector("b");
    if (before.get(place) === figure.textContent) return;
    changed.push(`${tile.querySelector("small").textContent} ${figure.textContent}`);
    figure.classList.remove("changed");
    void figure.offsetWidth; // begin the animation anew
    figure.classList.add("changed");
  });
  if (changed.length) say(`${board.dataset.changed}: ${changed.join(", ")}`);
  charts?.draw();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
board.classList.add("live");
wait();

// Charts are the heaviest part: fetched when the first of them comes near.
let charts;
const first = board.querySelector("[data-chart]");
if (first) {
  const near = new IntersectionObserver(
    async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      charts = await import("./charts.js");
      charts.begin(board);
    },
    { rootMargin: "400px" },
  );
  near.observe(first);
}
addEventListener("beforeprint", () => {
  for (const table of board.querySelectorAll(".chart details")) table.open = true;
});
