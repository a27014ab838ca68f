// The block. Without scripts its form posts, and the page that comes says how it ended. Here it is sent again, as the
// same request, until the server has answered: nothing but the server's own answer says that it won.

import { say } from '../../ui/js/live.mjs';

const again = [500, 1000, 2000, 3000];
const enough = 8000; // milliseconds after which one try is given up

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** True while a form is being sent: until it is answered, no other is. */
let sending = false;

/** What was said last of how it goes: true that it is on its way, false that there is no link. */
let told = null;

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('[data-block]')) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!sending) send(form.action, new URLSearchParams(new FormData(form)));
}, true);

document.addEventListener('click', (event) => {
  const closes = event.target instanceof Element ? event.target.closest('[data-close]') : null;
  const details = closes && document.getElementById(closes.dataset.close);
  if (!details) return;
  event.preventDefault();
  details.open = false;
  details.querySelector('summary').focus();
});

document.addEventListener('keydown', (event) => {
  const details = document.getElementById('block');
  if (event.key !== 'Escape' || !details?.open || sending) return;
  details.open = false;
  details.querySelector('summary').focus();
});

async function send(address, body) {
  sending = true;
  const before = answered();
  const began = performance.now();
  const clock = setInterval(() => show(performance.now() - began), 250);
  show(0);
  tell(true);
  try {
    for (let i = 0; ; i++) {
      const page = await attempt(address, body);
      if (page) return await arrive(page, before);
      await wait(again[Math.min(i, again.length - 1)]);
    }
  } finally {
    clearInterval(clock);
    told = null;
    sending = false;
  }
}

/** attempt is one try: the address of the page that says the answer, or nothing. */
async function attempt(address, body) {
  try {
    const answer = await fetch(address, { method: 'POST', body, credentials: 'same-origin', signal: AbortSignal.timeout(enough) });
    tell(true);
    return answer.status < 500 && answer.status !== 429 ? answer.url : '';
  } catch {
    tell(false);
    return '';
  }
}

/** tell says that the block is on its way, or that there is no link; it is read out when that changes. */
function tell(linked) {
  const [now, unlinked] = ['now', 'unlinked'].map((name) => document.querySelector(`[data-sending-${name}]`));
  if (!now || told === linked) return;
  told = linked;
  now.hidden = !linked;
  unlinked.hidden = linked;
  say((linked ? now : unlinked).textContent);
}

/** show says that the block is on its way, and for how long. */
function show(elapsed) {
  const box = document.querySelector('[data-sending]');
  if (!box) return;
  box.hidden = false;
  const s = Math.floor(elapsed / 1000);
  const said = `${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`;
  const since = box.querySelector('[data-sending-since]');
  if (since && since.textContent !== said) since.textContent = said;
}

/** answered is when the answer was given that stands on the page; '' where there is none. */
const answered = () => document.querySelector('[data-answer]')?.dataset.answered ?? '';

/** arrive waits a moment for the live page to say the answer, which is another than stood there before; else it loads the page. */
async function arrive(page, before) {
  for (let i = 0; i < 20; i++) {
    if (answered() !== before) return reveal(document.querySelector('[data-answer]'));
    await wait(50);
  }
  location.assign(page);
}

/** An answer is brought into view. The focus stays, unless what had it is gone. */
function reveal(answer) {
  answer.scrollIntoView({ block: 'center' });
  if (document.activeElement !== document.body) return;
  answer.tabIndex = -1;
  answer.focus({ preventScroll: true });
}
