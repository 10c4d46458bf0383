// The service worker: pages of the day open without a signal, and what waits is sent when the browser finds one.
// forms/shell.py puts the list of our own files in front of it.
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";
import { registerRoute, setCatchHandler, setDefaultHandler } from "workbox-routing";
import { NetworkFirst, NetworkOnly, StaleWhileRevalidate } from "workbox-strategies";
import { sendAll } from "./queue/send.js";
import { OFFLINE, PAGES, PHOTOS } from "./caches.js";

const PATIENCE = 3; // seconds until a page of the day comes from the phone instead
const AT_ONCE = new Set(["/findings/new", "/field", "/field/tool", "/field/quantity"]); // shown from the phone, made new behind it
const FIRST_NETWORK = (path) => path === "/" || path === "/work" || path.startsWith("/inspections/") || /^\/tickets\/[^/]+\/(fix|progress|request)$/.test(path);
// Whoever comes in or goes out here must not meet pages made for somebody else, or in the other language.
const DOOR = /^\/(login|logout|password|language\/)/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

precacheAndRoute(self.__CHUNCHA_FILES);
cleanupOutdatedCaches();

// A page kept before an update names our files by their former fingerprint: the present one serves it.
registerRoute(
  ({ url }) => url.origin === self.location.origin && url.pathname.startsWith("/static/"),
  async ({ request }) => {
    try {
      return await fetch(request);
    } catch (error) {
      const kept = await caches.match(request, { ignoreSearch: true });
      if (kept) return kept;
      throw error;
    }
  },
);

// Only whole pages of our own are kept: no login page that stood in for one, no error.
const wholePages = {
  cacheWillUpdate: async ({ request, response }) => (response.ok && !response.redirected && response.type === "basic" && !new URL(request.url).search ? response : null),
  cacheKeyWillBeUsed: async ({ request }) => new URL(request.url).pathname,
};
const options = { cacheName: PAGES, plugins: [wholePages], matchOptions: { ignoreVary: true } };
const atOnce = new StaleWhileRevalidate(options);
const fresh = new NetworkFirst({ ...options, networkTimeoutSeconds: PATIENCE });

const isPage = ({ request, url }) => request.mode === "navigate" && url.origin === self.location.origin;
registerRoute((match) => isPage(match) && AT_ONCE.has(match.url.pathname), (match) => (reload(match.request) ? fresh : atOnce).handle(match));
registerRoute((match) => isPage(match) && FIRST_NETWORK(match.url.pathname), fresh);

/** A person who reloads wants what is true now. */
const reload = (request) => request.cache === "reload" || request.cache === "no-cache";

registerRoute(
  (match) => isPage(match) && DOOR.test(match.url.pathname),
  async ({ request }) => {
    const answer = await fetch(request);
    // Only once the server has answered: without a signal nobody came in, and the day's pages are still needed.
    if (answer.type === "opaqueredirect" || answer.redirected) await caches.delete(PAGES);
    return answer;
  },
  "POST",
);

// Guidance photos and photos of tickets the day needs; named by content, so what is kept never goes stale.
registerRoute(
  ({ url }) => url.origin === self.location.origin && url.pathname.startsWith("/photos/"),
  async ({ request }) => (await caches.match(request, { cacheName: PHOTOS })) ?? fetch(request),
);

setDefaultHandler(new NetworkOnly());
setCatchHandler(async ({ request, url }) => {
  if (request.mode !== "navigate") return Response.error();
  // A place's code prefills the finding form, a tool's the form of its test, which are here; anything else says where to go on.
  const shown = url.pathname.startsWith("/p/") ? "/findings/new" : url.pathname.startsWith("/tools") ? "/field/tool" : url.pathname;
  return (await caches.match(shown, { cacheName: PAGES, ignoreVary: true })) ?? (await caches.match(OFFLINE, { ignoreSearch: true })) ?? Response.error();
});

self.addEventListener("sync", (event) => {
  if (event.tag !== "chuncha-queue") return;
  event.waitUntil(
    sendAll().then((outcome) => {
      // An error asks the browser to try again later; a login only the person can give.
      if (outcome === "offline" || outcome === "server" || outcome === "busy") throw new Error(outcome);
    }),
  );
});
