// A map as a part of a page: a button, and the map in its place once that is pressed. It lies in a shadow tree of its
// own, so that an update of the page never touches it.

import { draw, sheet } from './draw.mjs';

/**
 * MapPart is an element whose data-open-text is on its button, data-grid-text said below a map without streets, and
 * data-failed-text where none can be drawn; data-streets is the address that tells of a map of streets. What extends it
 * says where the map begins (view), and what is on it (drawn).
 */
export class MapPart extends HTMLElement {
  map = null;
  library = null;
  plain = false;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open' });
    const note = Object.assign(document.createElement('p'), { className: 'note' });
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: this.dataset.openText });
    button.addEventListener('click', () => this.open());
    root.append(sheet(), button, note);
  }

  /** What was taken out of the page holds nothing any more; one that is only moved is back before this looks. */
  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || this.close());
  }

  /** close ends the map, and leaves the button. */
  close() {
    this.map?.remove();
    this.map = this.library = null;
    this.shadowRoot.querySelector('.map')?.remove();
    this.shadowRoot.querySelector('button').hidden = false;
    this.note('');
  }

  /** view is where the map begins: { centre: [longitude, latitude], zoom }. */
  view() {
    return { zoom: 1 };
  }

  /** drawn is called once the map is there. */
  drawn() {}

  /** streetsNote is what is said below a map of no streets. */
  streetsNote() {
    return this.plain ? this.dataset.gridText : '';
  }

  note(text) {
    this.shadowRoot.querySelector('.note').textContent = text;
  }

  async open() {
    const button = this.shadowRoot.querySelector('button');
    if (this.map || button.hidden) return;
    button.hidden = true;
    const box = Object.assign(document.createElement('div'), { className: 'map' });
    try {
      this.shadowRoot.prepend(box);
      const { map, library, plain } = await draw(box, { ...this.view(), streets: this.dataset.streets });
      if (!this.isConnected) return map.remove();
      Object.assign(this, { map, library, plain });
      this.note(this.streetsNote());
      this.drawn();
    } catch {
      box.remove();
      this.note(this.dataset.failedText);
    }
  }
}
