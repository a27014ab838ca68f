// What the person does. Every action is a form of the page; here it becomes a signed request to the API under its
// idempotency key, so that however often it is tapped or sent, it does its work once. Until the server answered, it is
// only asked, and the button says so.

import { say as speak, alarm } from '../../ui/js/live.mjs';
import { NoKey, NoLink, Problem, problemOf, serverTime, signed } from './key.mjs';
import { focusHeading, root } from './parts.mjs';
import * as position from './position.mjs';
import { keep, keepAndSend, waiting } from './queue.mjs';
import { refuse } from './refusal.mjs';
import { distance, travel } from './way.mjs';
import { say } from './words.mjs';

/** For how long an unanswered request is sent again, and how long one try may take. Milliseconds. */
const insist = 20000;
const patience = 10000;
const pause = 2000;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Unanswered: nobody answered a request. tried says that it may have arrived all the same. */
export class Unanswered extends Error {
  constructor(tried, options) {
    super('unanswered', options);
    this.tried = tried;
  }
}

/** Kept: the request waits on the phone, and is sent as soon as there is a link. */
class Kept extends Error {}

/** again are problems that the same request, sent again, may not have. */
const again = new Set(['busy', 'timeout', 'uncertain', 'ending', 'too-many']);

/**
 * send posts the very same bytes under the same key until they are answered. within is for how long it insists, in
 * milliseconds; slow is told of each further try. A phone that says itself that it has no network is believed.
 */
export async function send(path, body, headers, { within = insist, slow = () => {} } = {}) {
  let tried = false;
  for (const limit = performance.now() + within; ; slow()) {
    if (!navigator.onLine) throw new Unanswered(tried);
    tried = true;
    try {
      const response = await signed(path, { method: 'POST', body, headers, signal: AbortSignal.timeout(patience) });
      const problem = await problemOf(response);
      if (response.ok) return await response.json();
      if (!again.has(problem?.code) || performance.now() > limit) throw new Problem(problem);
      await sleep(1000 * (Number(response.headers.get('Retry-After')) || 1));
    } catch (error) {
      if (error instanceof Problem || error instanceof NoKey) throw error;
      if (performance.now() > limit) throw new Unanswered(tried, { cause: error });
      await sleep(pause);
    }
  }
}

/** post sends one request of the API, as JSON. */
export const post = (path, body, key, how) =>
  send(path, JSON.stringify(body), { 'Content-Type': 'application/json', 'Idempotency-Key': key }, how);

/**
 * intent is everything that a form asks for, read when it is sent: while its answer is out, an update may turn the very
 * same element into another form.
 */
function intent(form) {
  const { act, offline, go, photo } = form.dataset;
  const fields = {};
  for (const field of form.elements) {
    if (!field.name || field.type === 'submit') continue;
    fields[field.name] = field.hasAttribute('data-json') ? JSON.parse(field.value) : field.value;
  }
  return {
    act, offline, go, photo, fields, path: new URL(form.action).pathname, about: { act, ...here() },
    place: form.hasAttribute('data-place'), eta: form.hasAttribute('data-eta') ? estimate() : undefined,
  };
}

/** photos are the pictures taken in this visit, by the address to which each is sent; sent is the promise of its digest. */
export const photos = new Map();

/** Milliseconds for which a tap waits for its picture: a door stands open meanwhile. */
const pictured = 5000;

async function bodyOf({ fields, photo, place, eta }) {
  const body = { ...fields, eta };
  if (photo) body.photo = await Promise.race([photos.get(photo)?.sent, sleep(pictured)]);
  if (place) body.position = await position.current();
  return body;
}

/** estimate is when the phone will be at the stop that the page shows; undefined when nobody knows. */
export function estimate() {
  const way = document.querySelector('[data-way]');
  const fix = position.recent();
  if (!way?.dataset.latitude || !fix) return undefined; // a car is not told before one is near
  const { latitude, longitude } = way.dataset;
  const metres = distance(fix, { latitude: Number(latitude), longitude: Number(longitude) });
  return serverTime(Date.now() + travel(metres)).toISOString();
}

let busy;

/** begin takes every form with data-act from now on. page says what to do with answers. */
export function begin(page) {
  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-act]');
    if (!form) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    perform(form, event.submitter ?? form.querySelector('button'), page).catch((error) => {
      console.error(error);
      alarm(say('js.broke'));
    });
  }, true);
}

/** perform asks what a form asks. Nothing else is asked meanwhile, but to leave in danger. */
async function perform(form, button, page) {
  const asked = intent(form);
  if (busy && asked.offline !== 'queue') return;
  const mine = busy = {};
  const before = root()?.dataset.screen;
  const ready = asking(form, button);
  try {
    await page.answered(asked, await ask(asked, button));
    // The stream may have brought the step before the answer came: it is the person's own all the same.
    if (root()?.dataset.screen !== before) focusHeading();
  } catch (error) {
    await failed(asked, error, page);
  } finally {
    ready();
    if (busy === mine) busy = undefined;
  }
}

async function ask(asked, button) {
  if (asked.offline === 'queue') {
    const answer = await keepAndSend(asked.path, asked.fields, asked.about);
    if (!answer) throw new Kept();
    return answer;
  }
  const slow = () => button && label(button, say('js.slow'));
  if (asked.offline === 'keep') return askOnce(asked, slow);
  return post(asked.path, await bodyOf(asked), crypto.randomUUID(), { slow });
}

/** here names the stop that is shown, by its path and where it is: what is kept until there is a link is answered elsewhere. */
export function here() {
  const { stop, where } = root()?.dataset ?? {};
  return { stop, where };
}

/** askOnce keeps what nobody answered, under the key under which it was sent: a tap more adds nothing to what waits. */
async function askOnce(asked, slow) {
  if ((await waiting()).some(({ path }) => path === asked.path)) throw new Kept();
  const body = await bodyOf(asked), key = crypto.randomUUID();
  try {
    return await post(asked.path, body, key, { slow });
  } catch (error) {
    if (!(error instanceof Unanswered || error instanceof NoLink)) throw error;
    await keep(asked.path, body, asked.about, key);
    throw new Kept();
  }
}

/** asking shows that a request is on its way: asked, and no more than that. */
function asking(form, button) {
  if (!button) return () => {};
  const said = button.querySelector('span')?.textContent;
  form.setAttribute('aria-busy', 'true');
  button.dataset.asked = '';
  label(button, say('js.sending'));
  speak(say('js.sending'));
  return () => {
    form.removeAttribute('aria-busy');
    delete button.dataset.asked;
    if (button.isConnected && button.dataset.relabelled !== undefined) label(button, said);
    delete button.dataset.relabelled;
  };
}

function label(button, text) {
  const span = button.querySelector('span');
  if (!span) return;
  span.textContent = text;
  button.dataset.relabelled = '';
}

async function failed(asked, error, page) {
  if (error instanceof NoKey) return page.unbound();
  if (error instanceof Kept) {
    const kept = say(asked.offline === 'queue' ? 'js.kept.urgent' : 'js.kept.later');
    alarm(kept);
    return note(kept);
  }
  if (error instanceof Unanswered || error instanceof NoLink) {
    if (asked.offline === 'go') return page.go(asked.go);
    alarm(say('js.unanswered'));
    await page.load();
    return note(say('js.unanswered'));
  }
  if (!(error instanceof Problem)) throw error;
  refuse(undone({ problem: error }));
}

/** undone is why an answer says that nothing was done, as a refusal; undefined when it was done. */
export function undone({ refused, problem }) {
  if (!problem) return refused;
  const { code, reference } = problem;
  const text = say(`js.problem.${code}`);
  const known = text !== `js.problem.${code}`;
  return { code, title: say('js.problem.title'), text: known ? text : say('js.problem.other'), reference };
}

/** note stands above the page's buttons until the next view. */
function note(text) {
  const place = root()?.querySelector('[data-note]');
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
}
