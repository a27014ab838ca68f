// Has this browser receive push messages. Whatever the browser refuses has its own words on the page.

import { forget, idOf, tell } from './keep.mjs';

const box = document.querySelector('[data-push]');
const key = document.documentElement.dataset.vapid;

/** The device that this browser is on the server, if it is one of this person's; the browser alone can't tell whom it is for. */
let mine = '';

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
  const subscription = await registration.pushManager.getSubscription();
  mine = subscription ? await idOf(subscription) : '';
  show(mine && document.querySelector(`[data-device="${mine}"]`) ? 'on' : 'ask');
  box.querySelector('[data-push-ask]').addEventListener('click', () => ask(registration).catch(() => show('ask', 'failed')));
  document.addEventListener('submit', (event) => {
    const device = event.target.closest('[data-device]')?.dataset.device;
    if (device && device === mine) end(subscription).catch(() => show('failed'));
  });
}

async function ask(registration) {
  if ((await Notification.requestPermission()) !== 'granted') return show('denied');
  await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  location.assign(await tell(subscription));
}

/** end has the browser take nothing more, beside the server that is to send nothing more. */
async function end(subscription) {
  mine = '';
  forget();
  show('ask');
  await subscription.unsubscribe();
}

if (box) begin().catch(() => show('failed'));
