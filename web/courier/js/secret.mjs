// The one-time code. It comes in the answer to a signed tap and nowhere else, stands on the screen only while the server
// says so, is covered when the page is not seen, and is gone after its use.

import { fill, part } from './parts.mjs';

let code = '', visit = '', written = '';

const root = document.documentElement;

/** learn takes the code of a visit. */
export function learn(digits, of) {
  code = digits;
  visit = of;
}

/** forget drops it. */
export function forget() {
  code = '';
  visit = '';
  written = '';
}

/** show writes the code where the view has a place for it; a view without one means that its time is over. */
export function show(view) {
  const place = view.querySelector('#code');
  if (!place || view.dataset.visit !== visit) forget();
  if (!place) return;
  view.toggleAttribute('data-coded', code !== '');
  if (written === code && place.childElementCount === (code ? 1 : 0)) return;
  place.replaceChildren();
  if (code) place.append(write());
  written = code;
}

function write() {
  const piece = fill(part('[data-part="code"]'), { spelled: [...code].join(', ') });
  const pairs = code.match(/.{1,2}/gu).map((pair) => {
    const span = document.createElement('span');
    span.className = 'pair';
    span.textContent = pair;
    return span;
  });
  piece.querySelector('[aria-hidden]').replaceChildren(...pairs);
  return piece;
}

const cover = () => root.toggleAttribute('data-covered', document.hidden);

document.addEventListener('visibilitychange', cover);
addEventListener('pagehide', () => {
  root.setAttribute('data-covered', '');
  forget();
});
addEventListener('pageshow', cover);
