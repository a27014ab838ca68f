// Runs js/keep.mjs as a page with a session would, and says on its output what was sent.
// Arguments: the member and the session of the page, what the browser remembers, and whether it has a subscription.

const [member, session, remembered, subscribed] = process.argv.slice(2);
const kept = new Map(remembered ? [['loquet-push', remembered]] : []);
const sent = [];
const given = { endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } };

globalThis.document = { documentElement: { dataset: { member, session } } };
globalThis.localStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
globalThis.fetch = async (url, { body }) => {
  sent.push(`${url} ${body.get('endpoint')}`);
  return { ok: true, url: '/home/notifications?done=subscribed' };
};
const registration = { pushManager: { getSubscription: async () => (subscribed === 'yes' ? { toJSON: () => given } : null) } };
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Firefox/140.0', platform: 'Linux', serviceWorker: { getRegistration: async () => registration } } });

const { again } = await import('../js/keep.mjs');
await new Promise((done) => setImmediate(done));
await again();
console.log(JSON.stringify({ sent, kept: kept.get('loquet-push') ?? '' }));
