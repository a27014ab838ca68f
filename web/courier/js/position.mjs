// Where the phone is. It is asked only while a page needs it, and says how sure it is.

import { serverTime } from './key.mjs';

// state is "off", "looking", "known", "refused" (by the person or the browser) or "none" (the phone finds nothing).
export const here = Object.assign(new EventTarget(), { state: 'off', fix: undefined });

let watch;

function change(state, fix) {
  here.state = state;
  here.fix = fix;
  here.dispatchEvent(new Event('change'));
}

// start begins to look, and stop ends it.
export function start() {
  if (watch !== undefined) return;
  if (!navigator.geolocation) return change('none');
  change(fresh(young) ? 'known' : 'looking', here.fix);
  watch = navigator.geolocation.watchPosition(found, failed, { enableHighAccuracy: true, maximumAge: 0, timeout: 30000 });
}

export function stop() {
  if (watch !== undefined) navigator.geolocation.clearWatch(watch);
  watch = undefined;
  if (here.state !== 'off') change('off', here.fix);
}

// again asks once more after a refusal.
export function again() {
  stop();
  start();
}

function found({ coords, timestamp }) {
  change('known', { latitude: coords.latitude, longitude: coords.longitude, accuracy: Math.round(coords.accuracy), at: timestamp });
}

function failed(error) {
  if (error.code === error.PERMISSION_DENIED) change('refused');
  else if (!fresh(60000)) change(here.fix ? 'looking' : 'none', here.fix);
}

const fresh = (within) => here.fix && Date.now() - here.fix.at < within;

/** recent is the fix while it still says something. */
export const recent = () => (fresh(past) ? here.fix : undefined);

// position is the fix as the API takes it, if it is young enough to count there.
function position() {
  const { at, ...fix } = here.fix;
  return { ...fix, at: serverTime(at).toISOString() };
}

/** Milliseconds for which a fix counts as young, and after which it says nothing any more. */
const young = 20000;
const past = 120000;

/**
 * current waits a while for a young fix, and returns it as the API takes it; undefined without one: the server then says
 * what to do about that. A phone that stands still may tell its place seldom: it is asked.
 */
export async function current(patience = 8000) {
  start();
  if (!fresh(young)) await asked(patience);
  return recent() && position();
}

function asked(patience) {
  return new Promise((resolve) => {
    if (!navigator.geolocation || here.state === 'refused') return resolve();
    setTimeout(resolve, patience);
    navigator.geolocation.getCurrentPosition(
      (at) => { found(at); resolve(); }, resolve, { enableHighAccuracy: true, maximumAge: 0, timeout: patience });
  });
}
