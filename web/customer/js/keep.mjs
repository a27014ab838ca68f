// A browser in which somebody receives push messages says so again in each session of that person's: what an ended
// session had added is told nothing any more.

const keptUnder = 'loquet-push';
const { member, session } = document.documentElement.dataset;

/** called is how this browser calls itself, in few words. */
function called() {
  const brands = navigator.userAgentData?.brands?.map((b) => b.brand).filter((b) => !/not.a.brand/i.test(b));
  const name = brands?.at(-1) ?? /(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] ?? '';
  return [name, navigator.userAgentData?.platform ?? navigator.platform].filter(Boolean).join(', ');
}

/** tell has the person's messages sent to a subscription, and returns the address that says what came of it. */
export async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth, name: called() });
  const answer = await fetch('/home/notifications/devices', { method: 'POST', body, credentials: 'same-origin' });
  if (answer.ok) localStorage.setItem(keptUnder, `${member} ${session}`);
  return answer.url;
}

/** again tells for the person who once asked for it here, once in each session. */
export async function again() {
  const [whose, when] = (localStorage.getItem(keptUnder) ?? '').split(' ');
  if (!session || whose !== member || when === session) return;
  const registration = await navigator.serviceWorker?.getRegistration('/home/');
  const subscription = await registration?.pushManager?.getSubscription();
  if (subscription) await tell(subscription);
}

again().catch(() => {}); // the next page tries again
