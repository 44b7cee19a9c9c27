// Keeps the page's own files, so that a board opens without a network. The build puts the names of all files before this,
// as FILES, and their digest as VERSION. The drawing is not its matter: the page keeps that itself.
/* global FILES, VERSION */
const PAGE = "/";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(VERSION)
      // The page is sent to who asks for one.
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { headers: { accept: "text/html,*/*" } }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== VERSION).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (FILES.includes(pathname) && pathname !== PAGE) event.respondWith(fromCache(pathname, request));
  // The newest page as long as there is a network.
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => fromCache(PAGE, request)));
});

async function fromCache(pathname, request) {
  return (await caches.match(pathname)) ?? fetch(request);
}
