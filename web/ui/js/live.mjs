// The live link of a page: htmx keeps the stream and takes over what comes; this watches that it does come, says so
// when it does not, and fetches everything anew when the page was away.

import { anchor, start, tick } from './ages.mjs';
import { byOwnAction, deafen, guardPresses, meanings, setOwn, watch } from './morph.mjs';
import { clock, moment, since, text } from './time.mjs';

export { anchor, tick } from './ages.mjs';
export { ago, clock, moment, since, span, text } from './time.mjs';

const root = document.documentElement;
const main = () => document.getElementById('main');

/** stage says which step the page shows, and at which address. */
const stage = () => document.getElementById('step');

/** still says that the page keeps what it shows until the person's next action: a form that was refused, as it was typed. */
const still = () => stage()?.hasAttribute('data-still');

/** say has screen readers read a text out, when they come to it; alarm at once. */
export const say = (said) => speak('status', said);
export const alarm = (said) => speak('alert', said);

/** What was given last to be read out, by region. */
const given = { status: '', alert: '' };

/** news has a text read out unless it was the last: a stream says everything anew when it opens. */
export const news = (said, id = 'status') => said !== given[id] && speak(id, said);

/** reread takes note of what came with a page that was taken over: browsers have it read out by themselves. */
function reread() {
  for (const id of Object.keys(given)) given[id] = document.getElementById(id)?.textContent ?? '';
}

function speak(id, said) {
  given[id] = said;
  const region = document.getElementById(id);
  if (!region) return;
  // A text that stands there already would not be read again.
  if (region.textContent === said && said) region.textContent = '';
  requestAnimationFrame(() => (region.textContent = said));
}

// --- What comes over the link ---

/** How many beats may be missed. */
const missed = 3;

const link = {
  /** When anything came last, how often something comes, and the server's time then. */
  last: moment(),
  beat: 2000,
  server: 0,
  /** The present stream, when it opened, and the least delay that was seen on it. */
  source: null,
  opened: moment(),
  least: Infinity,
  /** What the bar says while there is no link; '' while there is one. */
  lost: '',
};

/** lateness is by how many milliseconds an event came later than the quickest of its stream. */
function lateness(event) {
  const sent = Number(event.lastEventId);
  if (!event.lastEventId || Number.isNaN(sent)) return 0;
  const delay = since(link.opened) - sent;
  link.least = Math.min(link.least, delay);
  return Math.max(0, delay - link.least);
}

const handlers = {
  beat(event) {
    const [beat, server] = event.data.split(' ').map(Number);
    if (beat > 0) link.beat = beat;
    // A beat that was held up on its way says nothing of now. Where the phone's clock was set on, all of them would be
    // held to be late: a stream that is opened anew begins with what is true then.
    if (lateness(event) < missed * link.beat) heard();
    else link.source.restart();
    if (server > 0) link.server = server;
  },
  title(event) {
    if (event.data && lives()) document.title = event.data;
  },
  step: (event) => lives() && stage()?.setAttribute('data-step', event.data),
  nav(event) {
    const nav = document.querySelector('.ways');
    if (nav) globalThis.Idiomorph.morph(nav, event.data, { morphStyle: 'outerHTML' });
  },
  say: (event) => news(event.data),
  alarm: (event) => news(event.data, 'alert'),
  gone: () => lives() && refetch(),
};

const listened = new WeakSet();

function opened(source) {
  link.source = source;
  link.opened = moment();
  link.least = Infinity;
  if (!listened.has(source)) {
    listened.add(source);
    for (const [name, handle] of Object.entries(handlers)) source.addEventListener(name, handle);
  }
  if ((link.lost || owed) && lives()) refetch();
}

function heard() {
  link.last = moment();
  const was = link.lost;
  link.lost = '';
  show('live');
  if (!was) return;
  document.title = document.title.replace(unlinked(), '');
  say(text('link.back'));
}

/** What stands before a title while nobody knows whether it is still so. */
const unlinked = () => `${text('link.none')} – `;

/** check shows that nothing came for too long. Values turn to unknown by the style sheet, as long as it stays so. */
function check() {
  if (!main()?.hasAttribute('sse-connect')) return;
  const silent = since(link.last);
  if (silent < missed * link.beat || link.lost) return;
  link.lost = text('link.lost', { time: clock(link.server > 0 ? link.server : Date.now() - silent) });
  show('none');
  document.title = unlinked() + document.title;
  say(link.lost);
}

/** show writes how the link is wherever the page says it; the page may just have been rendered anew. */
function show(state) {
  root.dataset.link = state;
  document.getElementById('link')?.setAttribute('data-link', state);
  const bar = document.getElementById('lost');
  if (!bar) return;
  if (bar.textContent !== link.lost) bar.textContent = link.lost;
  bar.hidden = !link.lost;
}

// --- What is taken over ---

/** brought counts what was taken over: an answer that was asked for before the last of it may be older than what is shown. */
let brought = 0;

/** How often something is asked for, where the stream brings news faster than answers come: then the stream says everything. */
const asks = 3;

/**
 * newest asks for something, and takes the answer over unless something else came meanwhile: then it is asked for again,
 * and nobody waits for that, since what came is shown. take is told whether it was the first time, and by how many milliseconds
 * the answer may be late. Undefined is no answer.
 */
export async function newest(ask, take, left = asks) {
  const before = brought;
  const asked = moment();
  const answer = await ask();
  if (answer === undefined) return;
  if (before === brought) take(answer, left === asks, since(asked));
  else if (left > 1) newest(ask, take, left - 1).catch(console.warn);
}

/** before is what the page's controls meant. What was asked for may be as old as the asking: it is never held to be younger. */
function taken(before, late) {
  brought++;
  anchor(document, late);
  deafen(before);
  if (root.dataset.link) show(root.dataset.link);
}

/**
 * swap takes the inside of <main> over from HTML, as an event of the stream would: for pages whose content comes in
 * another way. own says that it answers the person's own action; then the focus goes to the h1 if the step changed. late is by
 * how many milliseconds it may be late.
 */
export function swap(html, { own = false, step = '', title = '', late = 0 } = {}) {
  const before = meanings();
  const was = stage().dataset.step;
  const morph = () => globalThis.Idiomorph.morph(main(), html, { morphStyle: 'innerHTML' });
  if (own) byOwnAction(morph);
  else morph();
  if (step) stage().dataset.step = step;
  if (title) document.title = title;
  globalThis.htmx.process(main());
  taken(before, late);
  if (own) settleFocus(was);
}

/** settleFocus goes to what is wrong in a form, or to the heading of a new step. */
function settleFocus(was) {
  const wrong = document.querySelector('[data-focus]');
  const heading = main().querySelector('h1');
  if (wrong) wrong.focus();
  else if (heading && stage().dataset.step !== was) {
    heading.tabIndex = -1;
    heading.focus();
    scrollTo(0, 0);
  }
}

// --- Fetching everything anew ---

let fetching = null;

/** Set while a page that was asked for was not taken over: the next stream to open has it asked for again. */
let owed = false;

/** How a page's content is asked for, where the page's own address does not bring it. */
let fetchContent = null;

/** contentFrom has everything fetched anew by an app's own way, which takes it over with swap. */
export function contentFrom(fetch) {
  fetchContent = fetch;
}

/** What arranges a page that was fetched anew, and returns what is to be done once it is taken over. */
let arrange = () => () => {};

/** arrangedBy has an app arrange a page that was fetched anew before it is taken over. */
export function arrangedBy(how) {
  arrange = how;
}

/** refetch takes the whole page over as it is now. Nothing is patched from memory. */
export function refetch() {
  fetching ??= fetchPage().finally(() => {
    fetching = null;
    root.removeAttribute('data-asleep');
  });
  return fetching;
}

async function fetchPage() {
  if (fetchContent) return fetchContent();
  const here = stage()?.dataset.here;
  if (here) await newest(() => answerOf(here), (html, first, late) => takePage(html, late));
}

/** failed says that an answer is no word on what was asked for: the server broke or is away, or a proxy says so for it. */
export const failed = ({ status }) => status >= 500 || status === 429;

/**
 * answerOf is a page as the server has it now; undefined if that can't be had, or can't be taken over: a page that lived when
 * it was asked for may show by now what it must keep, a refused form or a code that is shown once.
 */
async function answerOf(here) {
  owed = true;
  const living = lives();
  const late = () => living && !lives();
  try {
    const headers = { 'HX-Request': 'true', 'Loquet-Frame': root.dataset.frame };
    const answer = await fetch(here, { headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(10000) });
    if (failed(answer) || late()) return undefined;
    if (answer.redirected || answer.status === 204 || !answer.headers.get('Content-Type')?.startsWith('text/html')) {
      location.assign(here);
      return undefined;
    }
    const html = await answer.text();
    return late() ? undefined : html;
  } catch {
    return undefined; // no link: the bar says so, and whatever opens it again comes here once more
  }
}

function takePage(html, late) {
  const before = meanings();
  const page = new DOMParser().parseFromString(html, 'text/html');
  const { frame } = page.documentElement.dataset;
  if (!frame) return; // no page of this server: it is still owed
  owed = false;
  if (frame !== root.dataset.frame) {
    location.reload();
    return;
  }
  const settled = arrange(page);
  document.title = page.title;
  globalThis.Idiomorph.morph(document.body, [...page.body.childNodes], { morphStyle: 'innerHTML' });
  globalThis.htmx.process(document.body);
  reread();
  taken(before, late);
  settled();
}

/** A page that was away longer than this does nothing before it was fetched anew. */
const asleepAfter = 10000;

let hidden = null;

/** away covers what only this person may see: the app switcher keeps a picture of the page. */
function away() {
  hidden = moment();
  root.setAttribute('data-away', '');
}

/**
 * lives says whether the page may be brought up to now. A stream goes on for a while where the answer to a form took the
 * place of a page that lived: what it brings is for that one.
 */
const lives = () => main()?.hasAttribute('sse-connect') && !still();

/** back brings a page that lives up to now. One that does not is left alone: somebody may be filling it in. */
function back(kept = false) {
  tick();
  check();
  const slept = hidden && since(hidden) > asleepAfter;
  hidden = null;
  root.removeAttribute('data-away');
  if (!kept && !lives()) return;
  if (slept || kept) root.setAttribute('data-asleep', '');
  refetch();
}

/** leave takes what is private out of a page that the browser may keep for Back. */
function leave() {
  for (const el of document.querySelectorAll('[data-private]')) el.replaceChildren();
}

// --- A stream that comes back by itself ---

/** Milliseconds between tries to open a stream. */
const retry = [1000, 2000, 5000];

/**
 * Stream is what htmx takes for an EventSource. It never gives up, and fetches the page when the server refuses it: then
 * the answer says why. An app whose requests are signed puts its own in its place (htmx.createEventSource).
 */
export class Stream {
  #url;
  #inner = null;
  #listeners = [];
  #tries = 0;
  #closed = false;
  onopen = null;
  onerror = null;

  constructor(url) {
    this.#url = url;
    this.#open();
  }

  get readyState() {
    return this.#closed ? EventSource.CLOSED : this.#inner?.readyState === EventSource.OPEN ? EventSource.OPEN : EventSource.CONNECTING;
  }

  get url() {
    return this.#url;
  }

  addEventListener(name, listener) {
    this.#listeners.push([name, listener]);
    this.#inner?.addEventListener(name, listener);
  }

  removeEventListener(name, listener) {
    this.#listeners = this.#listeners.filter(([n, l]) => n !== name || l !== listener);
    this.#inner?.removeEventListener(name, listener);
  }

  close() {
    this.#closed = true;
    this.#inner?.close();
  }

  /** restart asks for everything again, now. */
  restart() {
    this.#inner?.close();
    this.#open();
  }

  #open() {
    if (this.#closed) return;
    const inner = new EventSource(this.#url);
    this.#inner = inner;
    for (const [name, listener] of this.#listeners) inner.addEventListener(name, listener);
    inner.onopen = (event) => {
      this.#tries = 0;
      this.onopen?.(event);
    };
    inner.onerror = (event) => {
      this.onerror?.(event);
      if (inner.readyState !== EventSource.CLOSED || this.#closed) return;
      const wait = retry[Math.min(this.#tries++, retry.length - 1)];
      setTimeout(() => this.#open(), wait);
      if (this.#tries === 2 && lives()) refetch();
    };
  }
}

// --- A form that is sent ---

/** Milliseconds after which a form says that it is slow, and then what to do. */
const slow = [3000, 10000];

function sending(form) {
  note(form, '');
  const timers = slow.map((after, i) => setTimeout(() => note(form, text(i === 0 ? 'sending' : 'sending.long')), after));
  form.setAttribute('aria-busy', 'true');
  return () => {
    timers.forEach(clearTimeout);
    form.removeAttribute('aria-busy');
  };
}

/** note says beside a form how its sending goes: until it is sent again, or an answer comes. */
function note(form, said) {
  let p = form.querySelector('.form-note');
  if (!p && said) {
    p = document.createElement('p');
    p.className = 'form-note';
    p.dataset.said = '';
    form.append(p);
  }
  if (p) p.textContent = said;
  if (said) say(said);
}

function watchForms() {
  let before = new Set();
  let was = '';
  let shown = 0;
  let asked = moment();
  let sent = () => {};
  document.body.addEventListener('htmx:configRequest', (e) => {
    e.detail.headers['Loquet-Frame'] = root.dataset.frame;
  });
  document.body.addEventListener('htmx:beforeRequest', (e) => {
    sent = sending(e.detail.elt);
    shown = brought;
    asked = moment();
    was = stage().dataset.step; // the stream may bring the next step before the answer comes
  });
  document.body.addEventListener('htmx:beforeSwap', () => {
    before = meanings();
    setOwn(true);
  });
  document.body.addEventListener('htmx:afterRequest', () => {
    setOwn(false);
    sent();
  });
  document.body.addEventListener('htmx:afterSwap', (e) => {
    if (e.detail.xhr === undefined) return;
    setOwn(false);
    const overtaken = shown !== brought;
    reread();
    taken(before, since(asked));
    settleFocus(was);
    if (overtaken && lives()) refetch();
  });
  const unsent = (e) => note(e.detail.elt, text('unsent'));
  for (const name of ['htmx:sendError', 'htmx:timeout']) document.body.addEventListener(name, unsent);
}

// --- Beginning ---

function begin() {
  let stream = null;
  globalThis.htmx.createEventSource = (url) => {
    stream?.close(); // htmx forgets it where the address changes
    return (stream = new Stream(url));
  };
  watch(() => lives() && refetch());
  guardPresses();
  watchForms();
  let before = new Set();
  document.body.addEventListener('htmx:sseOpen', (e) => opened(e.detail.source));
  document.body.addEventListener('htmx:sseBeforeMessage', (e) => {
    if (!lives()) e.preventDefault();
    before = meanings();
  });
  document.body.addEventListener('htmx:sseMessage', (e) => taken(before, lateness(e.detail)));
  document.addEventListener('visibilitychange', () => (document.hidden ? away() : back()));
  addEventListener('pageshow', (e) => e.persisted && back(true));
  addEventListener('pagehide', leave);
  addEventListener('online', () => lives() && refetch());
  if (main()?.hasAttribute('sse-connect')) show('wait');
  start(say);
  setInterval(check, 500);
  document.querySelector('[data-focus]')?.focus();
}

begin();
