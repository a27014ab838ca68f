// The courier's app: the shell that the phone keeps, filled with what the server says of the place that is open. Which
// step of a visit is shown follows from the server's answer, never from memory.

import { contentFrom, failed, newest, news, say as speak, swap } from '../../ui/js/live.mjs';
import { begin, undone } from './actions.mjs';
import { bound, NoKey, NoLink, now, problemOf, signed, textOf } from './key.mjs';
import * as last from './last.mjs';
import { fill, focusHeading, part, root } from './parts.mjs';
import { flush, persist, waiting } from './queue.mjs';
import * as refusal from './refusal.mjs';
import * as secret from './secret.mjs';
import { alarm, signal } from './signals.mjs';
import { Source } from './stream.mjs';
import { lightTheme } from './theme.mjs';
import * as visit from './visit.mjs';
import { wakeful } from './wake.mjs';
import { say } from './words.mjs';

const main = document.getElementById('main');
const home = '/courier/';

/** place is which part of the round the page shows: "stops", "stop/x-a4", "stop/x-a4/plan-b". */
const place = () => location.pathname.slice(home.length) || 'stops';

const source = new Source(() => `/courier/live/${place()}`, refused);

function refused({ code }) {
  if (code === 'no key') location.replace('/courier/pair');
  else if (code === 'device-not-bound') unbound();
  else trouble();
}

function unbound() {
  refusal.close();
  show(part('[data-part="unbound"]'), 'unbound');
}

function trouble(reference) {
  show(fill(part('[data-part="trouble"]'), { reference }), 'trouble');
}

/** show puts a piece of the shell in the place of what the server would say. */
function show(piece, step) {
  const holder = document.createElement('div');
  holder.append(piece);
  swap(holder.innerHTML, { own: true, step, title: `${piece.querySelector('h1').textContent} – Loquet` });
}

/** standing is the step that is shown, and where. */
const standing = () => `${root()?.dataset.place} ${root()?.dataset.screen}`;

/** shown says that the page shows the place that is open: then it stays where the server can't be asked. */
const shown = () => root()?.dataset.place === place();

/** load asks for the place as it is now; own says that the person went there. */
async function load({ own = false } = {}) {
  const asked = place();
  const was = standing();
  try {
    await newest(() => viewOf(asked), (view, first, late) => take(view, own && first, late));
  } catch (error) {
    if (asked !== place()) return;
    if (error instanceof NoKey) refused({ code: error.message });
    else if (error instanceof NoLink) await offline();
    else throw error;
  }
  // The stream may have brought the step before the answer came: it is the person's own all the same.
  if (own && standing() !== was) focusHeading();
}

/** viewOf is what the server says of a place, undefined if another one is open by then. */
async function viewOf(asked) {
  const response = await signed(`/courier/view/${asked}`, { signal: AbortSignal.timeout(10000) });
  const view = response.ok ? { html: await textOf(response) } : { reference: (await problemOf(response))?.reference, refused: !failed(response) };
  return asked === place() ? view : undefined;
}

function take({ html, reference, refused }, own, late) {
  const answer = html && new DOMParser().parseFromString(html, 'text/html').getElementById('part');
  if (!answer && !refused && shown()) return;
  if (!answer) return trouble(reference);
  const { title, step, say: said } = answer.dataset;
  swap(answer.innerHTML, { own, title, step, late });
  if (said) news(said);
  refresh();
}

/** offline shows what can be said without the server, unless the page shows the place already. */
async function offline() {
  if (shown()) return;
  const piece = place() === 'stops' ? part('[data-part="offline-stops"]') : part('[data-part="offline-stop"]');
  await last.write(piece, location.pathname);
  show(piece, 'offline');
}

/** go opens another place of the round, without leaving the page. */
function go(path) {
  if (path !== location.pathname) history.pushState(null, '', path);
  arrive();
}

function arrive() {
  refusal.close();
  secret.forget();
  photo?.forget();
  car?.forget();
  load({ own: true });
  source.restart();
}

/** refresh is everything that must be so after the page took something over. */
async function refresh() {
  const view = root();
  if (!view) return;
  refusal.moved();
  secret.show(view);
  visit.show(view);
  photo?.show();
  showCar(view);
  lightTheme(view);
  alarm(view.hasAttribute('data-alarming'));
  sound(view);
  if (view.dataset.screen === 'stops') await last.keep(view, now());
  await showQueue();
}

let heard;

/** sound says once that a step was reached. */
function sound(view) {
  const step = `${view.dataset.stop} ${view.dataset.screen}`;
  if (heard !== undefined && heard !== step) {
    if (view.dataset.screen === 'secured') signal('accepted');
    if (view.dataset.screen === 'refusal') signal('refused');
  }
  heard = step;
}

async function showQueue() {
  const n = (await waiting()).length;
  for (const line of main.querySelectorAll('[data-queue]')) {
    line.hidden = n === 0;
    line.textContent = n === 0 ? '' : say('js.queue', { n });
  }
}

async function sendQueue() {
  let answers = 0;
  await flush((request, answer) => {
    answers++;
    const refused = undone(answer);
    if (refused) refusal.refuse(refused, request.about);
    else speak(say('js.sent.later'));
  });
  if (answers > 0) await load();
  await showQueue();
}

const page = {
  load: () => load({ own: true }),
  go,
  unbound,
  async answered(asked, answer) {
    const refused = undone(answer);
    if (refused) return refusal.refuse(refused);
    refusal.close();
    if (answer.code) secret.learn(answer.code, answer.visit.id);
    if (asked.go) go(asked.go);
    else await load({ own: true });
  },
};

function follow(event) {
  const a = event.target.closest('a[href]');
  if (!a || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const to = new URL(a.href);
  if (to.origin !== location.origin || !(to.pathname === home || to.pathname.startsWith(`${home}stop/`)) || to.hash) return;
  event.preventDefault();
  go(to.pathname);
}

/** photo is what takes pictures, fetched for the first one. */
let photo;

async function pictured({ target }) {
  if (!target.matches('input[type="file"][data-photo]') || !target.files[0]) return;
  try {
    photo ??= await import('./photo.mjs');
    await photo.take(target.dataset.photo, target.files[0]);
  } catch (error) {
    console.warn(error);
    speak(say('js.photo.failed'));
  }
}

/** car is what shows the picture of a car, fetched for the first one. */
let car;

async function showCar(view) {
  if (!car && !view.querySelector('[data-picture]')) return;
  car ??= await import('./car.mjs');
  await car.show(view);
}

/** comeBack has the choice of language and light come back to the place that is open, not to where the shell was made. */
function comeBack() {
  document.addEventListener('submit', ({ target }) => {
    if (target.elements.back) target.elements.back.value = location.pathname;
  }, true);
}

// Before htmx looks at the page: its stream is the signed one.
globalThis.htmx.createEventSource = () => source;

async function start() {
  if (!(await bound())) return location.replace('/courier/pair');
  contentFrom(load);
  begin(page);
  source.addEventListener('view', () => queueMicrotask(refresh));
  source.addEventListener('open', () => sendQueue());
  persist(sendQueue);
  document.addEventListener('click', follow);
  document.addEventListener('change', pictured);
  addEventListener('popstate', arrive);
  wakeful(() => source.restart());
  comeBack();
  addEventListener('pagehide', () => main.replaceChildren());
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  await load({ own: true }).finally(keep);
}

/** keep has the phone keep the app, once it shows what the courier needs now. A browser that refuses costs only that. */
function keep() {
  navigator.serviceWorker?.register('/courier/sw.js', { scope: '/courier/' }).catch(console.warn);
}

start().catch((error) => {
  console.error(error); // a browser that keeps nothing, for instance
  trouble();
});
