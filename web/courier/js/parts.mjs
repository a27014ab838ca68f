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

/** ownSlots keeps updates out of what only a script fills: every element with data-own. */
export function ownSlots() {
  const { callbacks } = globalThis.Idiomorph.defaults;
  const { beforeNodeMorphed } = callbacks;
  callbacks.beforeNodeMorphed = (old, fresh) => {
    if (old instanceof Element && old.hasAttribute('data-own') && old.id === fresh.id) return false;
    return beforeNodeMorphed(old, fresh);
  };
}
