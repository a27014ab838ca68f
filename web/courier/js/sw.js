// Keeps the app's shells and their files on the phone, so that it opens without a network. It never keeps what is
// personal: views, streams and actions go past it. files is written above this by the server, with the addresses of
// this release.

const release = files[0].split('/')[2];
const name = `loquet-courier-${release}`;

/** Shells, by what an address begins with. Which stop or visit it is does not matter to them. */
const shells = ['/courier/scan/', '/courier/pair', '/courier/'];
const shellOf = (path) => shells.find((s) => path.startsWith(s));
const notShells = ['/courier/view/', '/courier/live/', '/courier/sw.js'];

/** How long the network may take to bring a shell that the phone has already. Milliseconds. */
const patience = 2500;

addEventListener('install', (event) => {
  event.waitUntil(keepAll().then(() => skipWaiting()));
});

async function keepAll() {
  const cache = await caches.open(name);
  await cache.addAll(files);
  await Promise.all(shells.map(async (shell) => {
    const answer = await fetch(shell === '/courier/scan/' ? `${shell}any` : shell, { cache: 'no-store' });
    if (answer.ok) await cache.put(shell, answer);
  }));
}

addEventListener('activate', (event) => {
  event.waitUntil(tidy().then(() => clients.claim()));
});

async function tidy() {
  const old = (await caches.keys()).filter((n) => n.startsWith('loquet-courier-') && n !== name);
  await Promise.all(old.map((n) => caches.delete(n)));
}

addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/assets/')) event.respondWith(file(request));
  else if (request.mode === 'navigate' && shellOf(url.pathname) && !notShells.some((n) => url.pathname.startsWith(n))) {
    event.respondWith(shell(request, shellOf(url.pathname), event));
  }
});

/** file is one whose address changes with its content: what is kept is right. */
async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const copy = answer.clone();
    const cache = await caches.open(name);
    await cache.put(request, copy);
  }
  return answer;
}

/** shell is the newest within a moment, else the one that is kept. */
async function shell(request, key, event) {
  const cache = await caches.open(name);
  const fresh = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) await cache.put(key, answer.clone());
    return answer;
  });
  event.waitUntil(fresh.catch(() => {}));
  const kept = await cache.match(key, { ignoreVary: true });
  if (!kept) return fresh;
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), patience));
  return Promise.race([fresh.then((answer) => (answer.status < 500 ? answer : kept), () => kept), late]);
}
