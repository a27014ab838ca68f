// The live picture of a visit. It plays as long as the server says that the picture is live; what stands still is
// covered at once, and tried again.

import { watch } from '../../live/live.mjs';

const again = 1500;
const root = document.documentElement;

/** What is playing: the element, and how to stop it. */
let playing = null;
let trying = false;

const video = () => document.querySelector('video#live[data-whep]');
const live = () => document.querySelector('[data-picture="live"] video#live') !== null;
const wanted = (el) => el && video() === el && live() && !document.hidden;

/** painted comes once the page is on the screen as it is now. */
const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

/** sync brings the player to what the page says now. */
async function sync() {
  const el = video();
  offerFull();
  if (!el) shrink();
  if (playing && !wanted(playing.el)) stop();
  if (playing || trying || !wanted(el)) return;
  trying = true;
  try {
    // A player takes a while to begin: what came with the picture is to be read first.
    await painted();
    if (!wanted(el)) return void setTimeout(sync);
    const view = await watch(el, { whep: el.dataset.whep, hls: el.dataset.hls, ended: () => lost(el) });
    playing = { el, stop: view.stop };
    el.setAttribute('data-playing', view.way);
    offerFull();
    if (wanted(el)) return;
    stop();
    setTimeout(sync);
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
  offerFull();
}

function lost(el) {
  el.removeAttribute('data-playing');
  playing = null;
  offerFull();
  setTimeout(sync, again);
}

/** offerFull shows the button for the full picture while a picture plays. */
function offerFull() {
  const button = document.getElementById('full');
  if (button) button.hidden = !playing;
}

/**
 * full shows the picture as large as the screen, together with what is said of it: alone it could stand still unnoticed.
 * Where a browser gives its screen to films only (on an iPhone), the figure fills the page.
 */
function full() {
  const figure = video()?.closest('.poster');
  if (figure?.requestFullscreen) figure.requestFullscreen().catch(() => {});
  else if (figure) root.setAttribute('data-full-picture', '');
}

const shrink = () => root.removeAttribute('data-full-picture');

document.body.addEventListener('htmx:sseMessage', sync);
document.addEventListener('visibilitychange', sync);
document.addEventListener('click', (event) => {
  if (!(event.target instanceof Element)) return;
  if (event.target.closest('[data-full]')) full();
  else if (event.target.closest('.poster')) shrink();
});
document.addEventListener('keydown', (event) => event.key === 'Escape' && shrink());
sync();
