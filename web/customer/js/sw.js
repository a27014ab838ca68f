// Shows what is pushed to the household, and leads to the page that it speaks of. It keeps nothing.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  const message = event.data?.json();
  if (!message) return;
  const shown = self.registration.showNotification(message.title, {
    body: message.body, tag: message.tag, lang: message.lang, timestamp: Date.parse(message.at) || Date.now(),
    requireInteraction: Boolean(message.urgent), data: { url: message.url, actions: message.actions ?? [] },
    actions: (message.actions ?? []).map(({ action, title }) => ({ action, title })),
  });
  event.waitUntil(message.tag === 'test' ? Promise.all([shown, arrived(message.url)]) : shown);
});

/** A test says that it has arrived by the address in it. */
const arrived = (url) => fetch(url, { credentials: 'same-origin' }).catch(() => {});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url, actions } = event.notification.data;
  event.waitUntil(open(actions.find((a) => a.action === event.action)?.url ?? url));
});

/** open leads a page that is there to the address, or opens one. */
async function open(url) {
  const pages = await self.clients.matchAll({ type: 'window' });
  const here = pages.find((page) => new URL(page.url).pathname.startsWith('/home/'));
  if (!here) return self.clients.openWindow(url);
  await here.focus();
  return here.navigate(url);
}
