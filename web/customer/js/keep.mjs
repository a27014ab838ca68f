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

/** idOf is the identifier of the device that a subscription is on the server. */
export async function idOf(subscription) {
  const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`device\0${subscription.toJSON().endpoint}`));
  return [...new Uint8Array(sum, 0, 16)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** tell has the person's messages sent to a subscription, and returns the address that says what came of it. */
export async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth, name: called() });
  const answer = await fetch('/home/notifications/devices', { method: 'POST', body, credentials: 'same-origin' });
  // A refusal, and the way to the sign-in, are pages as well.
  if (answer.ok && new URL(answer.url).searchParams.get('done') === 'subscribed') localStorage.setItem(keptUnder, `${member} ${session}`);
  return answer.url;
}

/** forget is for when nobody is to be told here any more, in no session. */
export const forget = () => localStorage.removeItem(keptUnder);

/** again tells for the person who once asked for it here, once in each session. */
export async function again() {
  const [whose, when] = (localStorage.getItem(keptUnder) ?? '').split(' ');
  if (!session || whose !== member || when === session) return;
  const registration = await navigator.serviceWorker?.getRegistration('/home/');
  const subscription = await registration?.pushManager?.getSubscription();
  if (subscription) await tell(subscription);
}

again().catch(() => {}); // the next page tries again
