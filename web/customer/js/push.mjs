// Has this browser receive push messages. Whatever the browser refuses has its own words on the page.

const box = document.querySelector('[data-push]');
const key = document.documentElement.dataset.vapid;

const show = (...names) => {
  for (const name of ['ask', 'on', 'denied', 'failed', 'unable']) {
    const part = box.querySelector(`[data-push-${name}]`);
    if (part) part.hidden = !names.includes(name);
  }
};

const bytesOf = (base64url) => Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** called is how this browser calls itself, in few words. */
function called() {
  const brands = navigator.userAgentData?.brands?.map((b) => b.brand).filter((b) => !/not.a.brand/i.test(b));
  const name = brands?.at(-1) ?? /(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] ?? '';
  return [name, navigator.userAgentData?.platform ?? navigator.platform].filter(Boolean).join(', ');
}

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
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth, name: called() });
  const answer = await fetch('/home/notifications/devices', { method: 'POST', body, credentials: 'same-origin' });
  location.assign(answer.url);
}

if (box) begin().catch(() => show('failed'));
