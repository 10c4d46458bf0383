// A page that is before a person's eyes says so, and what they were told of its matter counts as read.

/** Send the form once the page is looked at; the bell then has as many as the server answers. */
export function tellSeen(form) {
  const tell = async () => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", tell);
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" }, redirect: "error", keepalive: true }).catch(() => null);
    // Read without a signal: said when there is one, should the page still be here.
    if (!answer) addEventListener("online", tell, { once: true });
    if (answer?.ok) show((await answer.json()).unread);
  };
  document.addEventListener("visibilitychange", tell);
  tell();
}

function show(unread) {
  if (unread > 99) return;
  for (const count of document.querySelectorAll(".count.unread")) {
    const bell = count.closest(".bell");
    if (bell) bell.setAttribute("aria-label", unread ? bell.getAttribute("aria-label").replace(/\d+/, unread) : bell.dataset.name);
    if (unread) count.textContent = unread;
    else count.remove();
  }
}
