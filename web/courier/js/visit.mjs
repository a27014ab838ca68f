// What a view needs of the phone while a visit goes on: its position, said as far as it is known, and sent where the
// household's map or the estimate needs it.

import { say as speak } from '../../ui/js/live.mjs';
import { estimate } from './actions.mjs';
import { NoKey, NoLink, signed } from './key.mjs';
import { root } from './parts.mjs';
import { again, current, here, recent, start, stop } from './position.mjs';
import { bearing, distance, wind } from './way.mjs';
import { metres, say } from './words.mjs';

/** A position is sent at most so often, and an estimate renewed when it moved by so much. Milliseconds. */
const sendEvery = 5000;
const renewEvery = 60000;
const moves = 120000;

/** vague is from how many metres on a position opens nothing, and wild from how many it says next to nothing. */
const vague = 50;
const wild = 1000;

/** show fits the phone to the view that is shown. */
export function show(view) {
  if (view.querySelector('[data-way], form[data-place]')) start();
  else stop();
  prefetch(view.dataset.prefetch);
  update();
}

here.addEventListener('change', () => {
  update();
  tell();
});

function update() {
  const way = root()?.querySelector('[data-way]');
  if (!way) return;
  const said = way.querySelector('#fix');
  if (said) said.textContent = fixText();
  for (const help of way.querySelectorAll('[data-fix]')) help.hidden = help.dataset.fix !== here.state;
  const metres = recent() && distance(recent(), target(way));
  direct(way, metres);
  near(way, metres);
}

const target = ({ dataset: { latitude, longitude } }) => ({ latitude: Number(latitude), longitude: Number(longitude) });

function fixText() {
  const { state, fix } = here;
  if (state === 'refused' || state === 'none') return say(`js.fix.${state}`);
  if (!fix) return say('js.fix.looking');
  const accuracy = metres(fix.accuracy);
  if (state === 'looking') return say('js.fix.again', { accuracy });
  if (fix.accuracy > wild) return say('js.fix.wild', { accuracy });
  return say(fix.accuracy > vague ? 'js.fix.vague' : 'js.fix.good', { accuracy });
}

/** direct says how far and where, if the position tells. */
function direct(way, far) {
  const line = way.querySelector('#way');
  if (!line) return;
  const known = far !== undefined && here.fix.accuracy <= wild && way.dataset.latitude;
  line.hidden = !known;
  if (!known) return;
  const direction = say(`js.wind.${wind(bearing(here.fix, target(way)))}`);
  line.textContent = far <= 20 ? say('js.way.here') : say('js.way', { distance: metres(far), direction });
  milestone(way.dataset.way, far, line.textContent);
}

const milestones = [20, 100, 500];
const passed = new Map();

/** milestone has screen readers hear the distance at 500, 100 and 20 metres only. */
function milestone(stop, far, text) {
  const step = milestones.find((m) => far <= m) ?? Infinity;
  const before = passed.get(stop) ?? Infinity;
  passed.set(stop, Math.min(before, step));
  if (step < before) speak(text);
}

/** near offers to have arrived: generously, for the server decides. */
function near(way, far) {
  const close = far === undefined ? here.state === 'refused' || here.state === 'none'
    : far <= Math.max(Number(way.dataset.radius), vague) + Math.min(here.fix.accuracy, 200);
  const view = root();
  for (const one of view.querySelectorAll('[data-when="near"]')) one.hidden = !close;
  for (const one of view.querySelectorAll('[data-when="far"]')) one.hidden = close;
}

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-again]')) again();
});

let later;
let sent = -Infinity, renewed = -Infinity, told = 0, telling = false;

/** tell sends the position for the household's map, and a new estimate, while the courier is on the way. */
async function tell() {
  const way = root()?.querySelector('[data-way][data-visit]');
  if (!way || telling || here.state !== 'known' || document.hidden) return;
  telling = true;
  try {
    await tellPosition(way);
    await tellEstimate(way);
  } catch (error) {
    if (!(error instanceof NoLink || error instanceof NoKey)) throw error;
  } finally {
    telling = false;
  }
}

const post = (path, body) => signed(path, {
  method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(10000),
});

async function tellPosition({ dataset: { position } }) {
  if (!position) return;
  const early = sent + sendEvery - performance.now();
  if (early > 0) {
    // Who stands still from now on would never tell where.
    later ??= setTimeout(() => { later = undefined; tell(); }, early);
    return;
  }
  const fix = await current(0);
  if (!fix) return;
  sent = performance.now();
  await post(position, fix);
}

async function tellEstimate({ dataset: { site, accessPoint } }) {
  const eta = estimate();
  const differs = Math.abs(Date.parse(eta) - told) > moves;
  if (!differs || performance.now() - renewed < renewEvery) return;
  renewed = performance.now();
  told = Date.parse(eta);
  await post('/v1/courier/approach', { site, accessPoint, eta });
}

const fetched = new Set();

/** prefetch has the scanner ready before the stairwell, where there may be no link. */
function prefetch(list = '') {
  if (fetched.has(list) || !list) return;
  fetched.add(list);
  for (const address of list.split(' ')) fetch(address).catch(() => fetched.delete(list));
}
