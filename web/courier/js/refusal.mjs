// A refusal is an answer: it takes the whole screen, says why and what to do now, and goes away when the person goes on
// or the visit moves.

import { alarm, say as speak } from '../../ui/js/live.mjs';
import { now } from './key.mjs';
import { fill, focusHeading, part, root } from './parts.mjs';
import { signal } from './signals.mjs';
import { span, say } from './words.mjs';

const main = document.getElementById('main');

let shown, counting, screen, ready;
let then = () => {};

/** standing says whether a refusal has the screen, and closed has something done once it has not any more. */
export const standing = () => shown !== undefined;
export const closed = (next) => { then = next; };

/** refuse shows a refusal as the API answered it. of says which stop it speaks of, by its path and where it is: one that is not shown is named. */
export function refuse({ code, title, text, retryAt, planB, reference }, { stop, where } = root()?.dataset ?? {}) {
  close();
  if (where && stop !== root()?.dataset.stop) title = `${where} – ${title}`;
  shown = part(`[data-part="refusal"][data-codes~="${CSS.escape(code)}"]`) ?? part('[data-part="refusal"][data-codes=""]');
  fill(shown, { title, text, reference, planb: planB?.text });
  screen = root()?.dataset.screen;
  ready = root()?.hasAttribute('data-ready');
  link(shown.querySelector('[data-planb]'), planB && stop && `${stop}/plan-b`);
  main.before(shown);
  main.hidden = true;
  wait(Date.parse(retryAt ?? ''));
  for (const button of shown.querySelectorAll('[data-close]')) button.addEventListener('click', () => close(true));
  signal('refused');
  alarm(`${title}. ${text}`);
  focusHeading(shown);
}

function link(a, href) {
  if (!a) return;
  if (href) a.href = href;
  else a.remove();
}

function wait(until) {
  const line = shown.querySelector('[data-wait]');
  if (!line) return;
  if (Number.isNaN(until)) return line.remove();
  const clock = line.querySelector('[data-slot="left"]');
  const tick = () => {
    const left = until - now();
    if (left > 0) {
      clock.textContent = span(left);
      return;
    }
    clearInterval(counting);
    line.textContent = say('js.again.now');
    signal('accepted');
    speak(line.textContent);
  };
  counting = setInterval(tick, 1000);
  tick();
}

/** close takes the refusal away; own says that the person asked for it. */
export function close(own = false) {
  if (!shown) return;
  clearInterval(counting);
  shown.remove();
  shown = undefined;
  main.hidden = false;
  if (own) focusHeading();
  then();
}

/** moved closes a refusal when the visit is no longer where it was refused, and says when its cause is over. */
export function moved() {
  if (!shown) return;
  if (root()?.dataset.screen !== screen) close();
  else if (!ready && root().hasAttribute('data-ready')) cured();
}

function cured() {
  ready = true;
  const line = shown.querySelector('[data-cured]');
  if (!line) return;
  line.hidden = false;
  signal('accepted');
  speak(line.textContent);
}
