// Values that grow old: ages count up, countdowns down, and what a device said turns to unknown when its time is over.
// The server says how old a value is and how long it counts; no time of its is compared with the phone's clock.

import { ago, moment, since, span, text } from './time.mjs';

/** What is known of an element: when it was anchored, how old it was then, and its limit. */
const known = new WeakMap();

const counting = '.seen[data-age], .age[data-age], .elapsed[data-since], .countdown[data-left]';

/**
 * anchor takes note of all values below root that were rendered anew. late is by how many milliseconds they came later
 * than they might have. What was noted is taken out of the page: it is there again only when rendered again.
 */
export function anchor(root, late = 0) {
  const at = moment();
  for (const el of root.querySelectorAll('.seen[data-over]')) known.delete(el);
  for (const el of root.querySelectorAll(counting)) {
    const { age, fresh, since: elapsed, left } = el.dataset;
    const already = Number(age ?? elapsed ?? 0) + late;
    known.set(el, { at, already, limit: Number(fresh ?? left ?? NaN), left: left !== undefined, heard: null });
    for (const name of ['age', 'fresh', 'since', 'left']) delete el.dataset[name];
  }
  tick();
}

/** Seconds at which a countdown is read out. */
const heard = [10, 30, 60];

let announce = () => {};
let timer = 0;

/** start has values counted from now on; say reads a text out. */
export function start(say) {
  announce = say;
  anchor(document);
}

/** tick brings every value up to now, and comes back when the next one is due. */
export function tick() {
  clearTimeout(timer);
  let next = 1000;
  for (const el of document.querySelectorAll('.seen, .age, .elapsed, .countdown')) {
    const k = known.get(el);
    if (!k) continue;
    const age = k.already + since(k.at);
    if (el.classList.contains('seen')) next = Math.min(next, expire(el, k.limit - age));
    else write(el, k, age);
  }
  timer = setTimeout(tick, Math.max(20, next));
}

/** expire turns a value to unknown at its limit; what remains is returned. */
function expire(el, rest) {
  if (rest > 0) return rest;
  if (!el.hasAttribute('data-over')) {
    el.setAttribute('data-over', 'true');
    el.dispatchEvent(new CustomEvent('loquet:over', { bubbles: true }));
  }
  return Infinity;
}

function write(el, k, age) {
  if (k.left) return countDown(el, k, k.limit - age);
  const said = el.classList.contains('age') ? ago(age) : span(age);
  if (el.textContent !== said) el.textContent = said;
}

function countDown(el, k, rest) {
  const s = Math.ceil(Math.max(0, rest) / 1000);
  const said = span(s * 1000);
  if (el.textContent !== said) el.textContent = said;
  const step = heard.find((at) => s <= at);
  if (k.heard !== null && step !== undefined && step !== k.heard && s > 0) announce(text('left', { n: s }));
  k.heard = step ?? 0;
}
