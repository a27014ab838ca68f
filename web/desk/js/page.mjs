// What the demo adds to every page: a word in its band on what to do next and, for the courier's page, a place to be,
// labels to use without a camera, and hands that play the desk's stories with it. The product has none of this.
//
// It asks the desk again and again instead of holding a stream open: a browser gives all pages of this origin six
// connections.

const { app } = document.documentElement.dataset;

const patience = () => AbortSignal.timeout(5000);

async function ask() {
  return (await fetch(`/demo/page?app=${app}&at=${encodeURIComponent(location.pathname)}`, { cache: 'no-store', signal: patience() })).json();
}

/** the last answer, and the next. */
let last = {};
let pending;

const fresh = () => (pending ??= ask().finally(() => (pending = undefined)));

async function forever() {
  for (;;) {
    try {
      last = await fresh();
      tell();
      band(last);
      if (last.go) location.assign(last.go);
      if (last.ask) await lend(last.ask);
    } catch {
      // The desk does not answer: the next time it may.
    }
    await new Promise((resolve) => setTimeout(resolve, last.again ?? 1000));
  }
}

// --- The band ---

/** band shows what the desk offers here, in the band that says that nothing is real. */
function band({ say, aids = [] }) {
  const place = document.querySelector('aside.demo');
  if (!place) return;
  const fit = aids.filter((aid) => aid.offer || typing());
  const now = JSON.stringify([say, fit]);
  const old = place.querySelector('[data-aids]');
  if (old?.dataset.aids === now) return;
  old?.remove();
  if (!say && fit.length === 0) return;
  const here = document.createElement('div');
  here.dataset.aids = now;
  if (say) here.append(`→ ${say} `);
  here.append(...fit.map((aid) => (aid.offer ? way(aid) : label(aid))));
  place.append(here);
}

/** way opens another app, in a window of its own. */
function way({ text, offer }) {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: '/demo/offer', target: '_blank' });
  form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'app', value: offer }), button(text, 'submit'));
  return form;
}

/** typing is the form of the page that takes a parcel's number, if it has one. */
const typing = () => document.querySelector('form[data-typed]');

/** label types a parcel's code, as a person would. */
function label({ text, code }) {
  const tap = button(text, 'button');
  tap.addEventListener('click', () => {
    const field = typing()?.querySelector('input[name="text"]');
    if (!field) return;
    field.value = code;
    typing().requestSubmit();
  });
  return tap;
}

function button(text, type) {
  return Object.assign(document.createElement('button'), { type, className: 'aid', textContent: text });
}

// --- Where the courier is ---

/** watches are who wants to hear where the phone is. */
const watches = new Map();

const fix = ({ place }) => ({ coords: place, timestamp: Date.now() });

function tell() {
  if (!last.place) return;
  for (const hear of watches.values()) hear(fix(last));
}

/** settle takes the browser's own way to say where it is: nobody of the town is where this computer stands. */
function settle() {
  let ids = 0;
  const none = { code: 2, message: 'the demo is gone', PERMISSION_DENIED: 1, POSITION_UNAVAILABLE: 2, TIMEOUT: 3 };
  const geolocation = {
    watchPosition(found) {
      watches.set(++ids, found);
      fresh().then(tell, () => {});
      return ids;
    },
    clearWatch: (id) => watches.delete(id),
    getCurrentPosition: (found, failed) => fresh().then((now) => found(fix(now)), () => failed?.(none)),
  };
  Object.defineProperty(navigator, 'geolocation', { value: geolocation, configurable: true });
}

// --- Stories ---

/** lend does with this phone what a story's courier does: it signs as the page's own buttons do. */
async function lend({ id, path, body }) {
  let done;
  try {
    const own = document.querySelector('script[type="module"][src*="/courier/js/"]').src;
    const { post } = await import(new URL('actions.mjs', own));
    done = { id, answer: await post(path, body, id) };
  } catch (error) {
    done = { id, problem: String(error) };
  }
  await fetch('/demo/page', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(done), signal: patience() });
}

if (app === 'courier') settle();
forever();
