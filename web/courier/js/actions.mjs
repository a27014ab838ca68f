// What the person does. Every action is a form of the page; here it becomes a signed request to the API under its
// idempotency key, so that however often it is tapped or sent, it does its work once. Until the server answered, it is
// only asked, and the button says so.

import { say as speak, alarm } from '../../ui/js/live.mjs';
import { NoKey, NoLink, Problem, problemOf, serverTime, signed } from './key.mjs';
import { root } from './parts.mjs';
import * as position from './position.mjs';
import { keep } from './queue.mjs';
import { refuse } from './refusal.mjs';
import { distance, travel } from './way.mjs';
import { say } from './words.mjs';

/** For how long an unanswered request is sent again, and how long one try may take. Milliseconds. */
const insist = 20000;
const patience = 10000;
const pause = 2000;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Unanswered: nobody knows whether the request arrived. */
export class Unanswered extends Error {}

/** again are problems that the same request, sent again, may not have. */
const again = new Set(['busy', 'timeout', 'uncertain', 'ending', 'too-many']);

/**
 * post sends one request until it is answered: the very same bytes under the same key. within is for how long it insists,
 * in milliseconds; slow is told of each further try. A phone that says itself that it has no network is believed.
 */
export async function post(path, body, key, { within = insist, slow = () => {} } = {}) {
  const bytes = JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  for (const limit = performance.now() + within; ; slow()) {
    if (!navigator.onLine) throw new Unanswered();
    try {
      const response = await signed(path, { method: 'POST', body: bytes, headers, signal: AbortSignal.timeout(patience) });
      const problem = await problemOf(response);
      if (response.ok) return await response.json();
      if (!again.has(problem?.code) || performance.now() > limit) throw new Problem(problem);
      await sleep(1000 * (Number(response.headers.get('Retry-After')) || 1));
    } catch (error) {
      if (error instanceof Problem || error instanceof NoKey) throw error;
      if (performance.now() > limit) throw new Unanswered(undefined, { cause: error });
      await sleep(pause);
    }
  }
}

/** bodyOf is what a form says, as JSON: a field with data-json is no text. */
export async function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.type === 'submit') continue;
    body[field.name] = field.hasAttribute('data-json') ? JSON.parse(field.value) : field.value;
  }
  if (form.hasAttribute('data-place')) body.position = await position.current();
  if (form.hasAttribute('data-eta')) body.eta = estimate();
  return body;
}

/** estimate is when the phone will be at the stop that the page shows; undefined when nobody knows. */
export function estimate() {
  const way = document.querySelector('[data-way]');
  const fix = position.here.fix;
  if (!way || !fix) return undefined;
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
export async function perform(form, button, page) {
  const urgent = form.dataset.offline === 'queue';
  if (busy && !urgent) return;
  const mine = busy = {};
  const ready = asking(form, button);
  try {
    await page.answered(form, await ask(form, button, page));
  } catch (error) {
    await failed(form, error, page);
  } finally {
    ready();
    if (busy === mine) busy = undefined;
  }
}

async function ask(form, button, page) {
  const { act, offline } = form.dataset;
  const path = new URL(form.action).pathname;
  const key = crypto.randomUUID();
  const body = await (page.bodies?.[act] ?? bodyOf)(form);
  if (offline === 'queue') {
    // What must not be lost is kept before it is sent.
    await keep(path, body, { act });
    return page.flushed(path);
  }
  return post(path, body, key, { slow: () => button && label(button, say('js.slow')) });
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

async function failed(form, error, page) {
  if (error instanceof NoKey) return page.unbound();
  if (error instanceof Unanswered || error instanceof NoLink) {
    if (form.dataset.offline === 'go') return page.go(form.dataset.go);
    alarm(say('js.unanswered'));
    await page.load();
    return note(say('js.unanswered'));
  }
  if (!(error instanceof Problem)) throw error;
  if (page.problem?.(form, error)) return;
  const text = say(`js.problem.${error.code}`);
  const known = text !== `js.problem.${error.code}`;
  refuse({ code: error.code, title: say('js.problem.title'), text: known ? text : say('js.problem.other'), reference: error.reference });
}

/** note stands above the page's buttons until the next view. */
function note(text) {
  const place = root()?.querySelector('[data-note]');
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
}
