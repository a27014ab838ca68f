// The scan page: a document of its own, because it alone may run WebAssembly. What it reads goes to the server as it is;
// what is accepted, opened or refused is the server's word. Without a link, scans wait and open nothing.

import { contentFrom, failed, newest, say as speak, swap } from '../../ui/js/live.mjs';
import { begin, here, post, Unanswered, undone } from './actions.mjs';
import { bound, NoKey, NoLink, Problem, problemOf, signed, textOf } from './key.mjs';
import { part, root } from './parts.mjs';
import { current, start as locate } from './position.mjs';
import { flush, keep, persist, waiting } from './queue.mjs';
import * as refusal from './refusal.mjs';
import { Scanner } from './scanner.mjs';
import { signal } from './signals.mjs';
import { Source } from './stream.mjs';
import { wakeful } from './wake.mjs';
import { say } from './words.mjs';

const main = document.getElementById('main');
const visit = location.pathname.split('/').at(-1);
const path = `/v1/courier/visits/${visit}/scan`;

/** How long the same code in sight stays unsaid, and how long a scan waits for its answer before it is kept. Milliseconds. */
const unsaid = 4000;
const within = 6000;

const source = new Source(() => `/courier/live/scan/${visit}`, refused);

function refused({ code }) {
  if (code === 'no key' || code === 'device-not-bound') location.replace(code === 'no key' ? '/courier/pair' : '/courier/');
  else location.replace('/courier/');
}

async function load({ own = false } = {}) {
  try {
    await newest(viewOf, (view, first, late) => take(view, own && first, late));
  } catch (error) {
    if (error instanceof NoKey) refused({ code: error.message });
    else if (error instanceof NoLink) await offline();
    else throw error;
  }
}

async function viewOf() {
  const response = await signed(`/courier/view/scan/${visit}`, { signal: AbortSignal.timeout(10000) });
  if (failed(response) && root()) throw new NoLink('no word on what was asked for');
  return response.ok ? { html: await textOf(response) } : { problem: (await problemOf(response)) ?? {} };
}

function take({ html, problem }, own, late) {
  if (problem) return refused(problem);
  const answer = new DOMParser().parseFromString(html, 'text/html').getElementById('part');
  swap(answer.innerHTML, { own, title: answer.dataset.title, step: answer.dataset.step, late });
  return refresh();
}

async function offline() {
  if (root()) return;
  const holder = document.createElement('div');
  holder.append(part('[data-part="offline-scan"]'));
  swap(holder.innerHTML, { own: true, step: 'scan' });
  await refresh();
}

/** refresh fits the page to its view: a visit that is no longer about parcels is shown where it is. */
async function refresh() {
  const view = root();
  if (!view) return;
  if (view.dataset.screen !== 'scan') return leave(view);
  refusal.moved();
  show();
  await showQueue();
}

let left = false;

/** leave goes to where the visit is; if this page's own scan brought it there, once its answer is said and read. */
function leave({ dataset: { screen, stop } }) {
  scanner.stop();
  if (left || screen === 'opening' && (sending || refusal.standing())) return;
  left = true;
  location.replace(stop);
}

async function showQueue() {
  const kept = (await waiting()).filter((r) => r.path === path);
  const text = kept.some((r) => r.about.tried) ? 'js.kept.tried' : 'js.kept';
  for (const line of main.querySelectorAll('[data-queue]')) {
    line.hidden = kept.length === 0;
    line.textContent = kept.length === 0 ? '' : say(text, { n: kept.length });
  }
}

// --- The camera ---

const scanner = new Scanner({ found: hit, state: shown });
let begun = false;

/** show puts the camera into the view, once. */
function show() {
  const finder = document.getElementById('finder');
  if (begun || !finder) return;
  begun = true;
  scanner.start(finder);
  locate();
  navigator.wakeLock?.request('screen').catch(() => {});
}

function shown(state) {
  const finder = document.getElementById('finder');
  if (!finder) return;
  if (state === 'scanning') {
    const torch = document.querySelector('[data-torch]');
    if (torch) torch.hidden = !scanner.hasTorch;
  }
  const piece = part(`[data-part="camera-${state}"]`);
  if (!piece) return;
  // Typing opens by itself, and what is wrong with the camera is said where its picture would be.
  finder.replaceChildren(piece);
  const typing = document.getElementById('typing');
  if (typing) typing.open = true;
  speak(piece.textContent.trim());
}

let torch = false;

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-torch]');
  if (!button) return;
  torch = !torch;
  button.setAttribute('aria-pressed', String(torch));
  scanner.torch(torch)?.catch(() => {});
});

// --- What was read ---

const seen = new Map();
let sending = false;

function hit({ text, symbology }) {
  const last = seen.get(text) ?? -Infinity;
  if (sending || main.hidden) return; // a refusal has the screen
  seen.set(text, performance.now());
  if (performance.now() - last < unsaid) return;
  read(text, symbology);
}

/** read is one parcel's code, from the camera or typed. */
async function read(text, symbology) {
  sending = true;
  scanner.paused = true;
  result(say('js.scan.sent', { end: text.slice(-4) }));
  try {
    const answer = await post(path, { text, symbology: symbology || undefined, position: await current(3000) }, crypto.randomUUID(), { within });
    await answered(answer, text);
  } catch (error) {
    await unanswered(error, text, symbology);
  } finally {
    sending = false;
    scanner.paused = false;
  }
  await refresh();
}

async function answered(answer, text) {
  if (told(answer, text.slice(-4))) signal('accepted');
  if (!answer.refused) await load();
}

/** told says what became of a scan, and whether it was taken. end is the last digits of its code. */
function told(answer, end) {
  if (answer.refused?.code === 'already-scanned') result(say('js.scan.twice', { end }));
  else if (answer.problem?.code === 'parcel-unreadable') result(say('js.scan.unreadable'));
  else if (undone(answer)) refusal.refuse(undone(answer));
  else {
    result(say('js.scan.taken', { end }));
    return true;
  }
  return false;
}

async function unanswered(error, text, symbology) {
  if (error instanceof NoKey) return refused({ code: error.message });
  if (error instanceof Problem) {
    signal('refused');
    return result(error.code === 'parcel-unreadable' ? say('js.scan.unreadable') : say('js.problem.other'));
  }
  if (!(error instanceof Unanswered)) throw error;
  const { tried } = error; // the order may have gone then
  await keep(path, { text, symbology: symbology || undefined, offline: true }, { end: text.slice(-4), tried, ...here() });
  if (!tried) signal('accepted');
  result(say(tried ? 'js.scan.tried' : 'js.scan.kept'));
  await showQueue();
}

function result(text) {
  const line = document.getElementById('scan-result');
  if (line) line.textContent = text;
  speak(text);
}

async function sendKept() {
  let answers = 0;
  await flush((request, answer) => {
    answers++;
    if (request.path === path) told(answer, request.about.end);
    else if (undone(answer)) refusal.refuse(undone(answer), request.about);
    else speak(say('js.sent.later'));
  });
  if (answers > 0) await load();
  await showQueue();
}

const page = {
  load: () => load({ own: true }),
  go: (to) => location.assign(to),
  unbound: () => location.replace('/courier/'),
  async answered(asked, answer) {
    const refused = undone(answer);
    if (refused) return refusal.refuse(refused);
    await load({ own: true });
  },
};

function typed(event) {
  const form = event.target.closest('form[data-typed]');
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const text = form.elements.text.value.trim();
  if (!text || sending) return;
  form.reset();
  read(text, '');
}

// Before htmx looks at the page: its stream is the signed one.
globalThis.htmx.createEventSource = () => source;

async function start() {
  if (!(await bound())) return location.replace('/courier/pair');
  contentFrom(load);
  wakeful(() => source.restart());
  document.addEventListener('submit', typed, true);
  begin(page);
  refusal.closed(refresh);
  source.addEventListener('view', () => queueMicrotask(refresh));
  source.addEventListener('open', sendKept);
  persist(sendKept);
  addEventListener('pagehide', () => {
    scanner.stop();
    main.replaceChildren();
  });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  await load({ own: true });
}

start();
