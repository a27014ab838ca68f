// The live picture of a visit. It plays as long as the server says that the picture is live; what stands still is
// covered at once, and tried again.

import { watch } from '../../live/live.mjs';

const again = 1500;

/** What is playing: the element, and how to stop it. */
let playing = null;
let trying = false;

const video = () => document.querySelector('video#live[data-whep]');
const live = () => document.querySelector('[data-picture="live"] video#live') !== null;

/** sync brings the player to what the page says now. */
async function sync() {
  const el = video();
  if (playing && (playing.el !== el || !live() || document.hidden)) stop();
  if (!el || playing || trying || !live() || document.hidden) return;
  trying = true;
  try {
    const view = await watch(el, { whep: el.dataset.whep, hls: el.dataset.hls, ended: () => lost(el) });
    playing = { el, stop: view.stop };
    el.setAttribute('data-playing', view.way);
    if (video() !== el || !live() || document.hidden) stop();
  } catch {
    setTimeout(sync, again);
  } finally {
    trying = false;
  }
}

function stop() {
  playing?.el.removeAttribute('data-playing');
  playing?.stop();
  playing = null;
}

function lost(el) {
  el.removeAttribute('data-playing');
  playing = null;
  setTimeout(sync, again);
}

document.body.addEventListener('htmx:sseMessage', sync);
document.addEventListener('visibilitychange', sync);
document.addEventListener('click', (event) => {
  const full = event.target instanceof Element ? event.target.closest('[data-full]') : null;
  if (full) video()?.requestFullscreen?.();
});
sync();
