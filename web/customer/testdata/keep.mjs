// Runs js/keep.mjs as a page with a session would, and js/push.mjs where the page lists devices, and says on its output what was sent
// and shown. Argument: {member, session, remembered, subscribed, answered, devices, removes} as JSON.

const page = JSON.parse(process.argv[2]);
const kept = new Map(page.remembered ? [['loquet-push', page.remembered]] : []);
const sent = [];
const given = { endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } };
let subscribed = page.subscribed;
const subscription = { toJSON: () => given, unsubscribe: async () => (subscribed = false) };

// The parts of the page that the scripts look for.
const parts = Object.fromEntries(['ask', 'on', 'denied', 'failed', 'unable'].map((name) => [`[data-push-${name}]`, { hidden: true, addEventListener() {} }]));
const box = { hidden: true, querySelector: (selector) => parts[selector] };
const listed = (selector) => page.devices.some((id) => selector === `[data-device="${id}"]`);
let submit = () => {};

globalThis.document = {
  documentElement: { dataset: { member: page.member, session: page.session, vapid: 'key' } },
  querySelector: (selector) => (selector === '[data-push]' ? page.devices && box : listed(selector) ? {} : null),
  addEventListener: (name, listener) => (submit = listener),
};
globalThis.localStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) };
globalThis.fetch = async (url, { body }) => {
  sent.push(`${url} ${body.get('endpoint')}`);
  return { ok: true, url: `https://loquet.example${page.answered}` };
};
globalThis.PushManager = class {};
globalThis.Notification = { permission: 'granted' };
const registration = { pushManager: { getSubscription: async () => (subscribed ? subscription : null) } };
const serviceWorker = { getRegistration: async () => registration, register: async () => registration };
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Firefox/140.0', platform: 'Linux', serviceWorker } });

const settled = () => new Promise((done) => setTimeout(done, 20));
const { again, idOf } = await import('../js/keep.mjs');
await settled();
if (page.devices) {
  await import('../js/push.mjs');
  await settled();
  if (page.removes) submit({ target: { closest: () => ({ dataset: { device: page.removes } }) } });
  await settled();
}
await again();
const shown = Object.keys(parts).filter((name) => !parts[name].hidden);
console.log(JSON.stringify({ sent, kept: kept.get('loquet-push') ?? '', shown, subscribed, id: await idOf(subscription) }));
