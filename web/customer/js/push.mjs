// Has this browser receive push messages. Whatever the browser refuses has its own words on the page.

import { tell } from './keep.mjs';

const box = document.querySelector('[data-push]');
const key = document.documentElement.dataset.vapid;

const show = (...names) => {
  for (const name of ['ask', 'on', 'denied', 'failed', 'unable']) {
    const part = box.querySelector(`[data-push-${name}]`);
    if (part) part.hidden = !names.includes(name);
  }
};

const bytesOf = (base64url) => Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

async function begin() {
  box.hidden = false;
  if (!key || !('serviceWorker' in navigator) || !('PushManager' in globalThis)) return show('unable');
  const registration = await navigator.serviceWorker.register('/home/sw.js', { scope: '/home/' });
  if (Notification.permission === 'denied') return show('denied');
  show((await registration.pushManager.getSubscription()) ? 'on' : 'ask');
  box.querySelector('[data-push-ask]').addEventListener('click', () => ask(registration).catch(() => show('ask', 'failed')));
}

async function ask(registration) {
  if ((await Notification.requestPermission()) !== 'granted') return show('denied');
  await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  location.assign(await tell(subscription));
}

if (box) begin().catch(() => show('failed'));
