// Pieces of pages that the server wrote into the shell, in the person's language, for what only the phone can know: an
// answer that just came, and that there is no link.

const parts = document.getElementById('parts')?.content;
const main = document.getElementById('main');

/** part is a copy of a piece. */
export const part = (selector) => parts.querySelector(selector)?.cloneNode(true);

/** fill writes texts into a piece's slots; a slot without a text is taken out, with the element that only holds it. */
export function fill(piece, texts) {
  for (const [name, text] of Object.entries(texts)) {
    for (const slot of piece.querySelectorAll(`[data-slot="${name}"]`)) {
      if (text) slot.textContent = text;
      else (slot.closest('[data-slot-holder]') ?? slot).remove();
    }
  }
  return piece;
}

/** root is what the server says of the view that is shown: its screen, its stop, its visit. */
export const root = () => main.querySelector('[data-screen]');

/** focusHeading goes to where a step begins. */
export function focusHeading(where = main) {
  const heading = where.querySelector('h1');
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus();
  scrollTo(0, 0);
}
