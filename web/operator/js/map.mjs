// The map beside the board. It shows what the table says, read from the table's own rows, so that it can't say
// anything else. Its library is loaded only when it is shown: on a wide screen after the rest, else on a press.

import { bearings, moved } from '../../maps/js/draw.mjs';
import { MapPart } from '../../maps/js/part.mjs';

const wide = matchMedia('(min-width: 56.25rem)');

/** spots are the places of the table's rows, and where their couriers are. */
export function spots(rows) {
  const found = [];
  for (const row of rows) {
    const { lat, lng, label, looks, away, direction, who } = row.dataset;
    if (!lat || !lng) continue;
    const at = [Number(lng), Number(lat)];
    found.push({ id: row.id, at, label, looks, href: row.querySelector('.row-link')?.href });
    if (away && direction in bearings) found.push({ id: `${row.id}-courier`, at: moved(at, Number(away), bearings[direction]), label: who, looks: 'courier' });
  }
  return found;
}

class LoquetMap extends MapPart {
  #markers = new Map();
  #rows = null;

  connectedCallback() {
    super.connectedCallback();
    if (wide.matches) requestIdleCallback(() => this.open(), { timeout: 3000 });
    else wide.addEventListener('change', () => wide.matches && this.open(), { once: true });
  }

  disconnectedCallback() {
    this.#rows?.disconnect();
  }

  view() {
    return { centre: spots(this.#table())[0]?.at, zoom: 12 };
  }

  drawn() {
    this.#follow();
  }

  #table() {
    return document.getElementById(this.dataset.rows)?.children ?? [];
  }

  /** follow keeps the markers like the rows. */
  #follow() {
    const main = document.getElementById('main');
    this.#rows = new MutationObserver(() => this.#mark());
    this.#rows.observe(main, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-lat', 'data-lng', 'data-away', 'data-looks', 'data-label'] });
    this.#mark(true);
  }

  #mark(fit = false) {
    const now = spots(this.#table());
    const kept = new Set(now.map((s) => s.id));
    for (const [id, marker] of this.#markers) {
      if (kept.has(id)) continue;
      marker.remove();
      this.#markers.delete(id);
    }
    const added = now.filter((s) => !this.#markers.has(s.id));
    for (const spot of now) this.#put(spot);
    if (now.length > 0 && (fit || added.length > 0)) this.#fit(now);
    this.classList.toggle('empty', now.length === 0);
    if (now.length === 0) this.note(this.dataset.noneText);
  }

  #put(spot) {
    let marker = this.#markers.get(spot.id);
    if (!marker) {
      const el = document.createElement(spot.href ? 'a' : 'span');
      el.className = 'spot';
      if (spot.href) el.href = spot.href;
      marker = new this.library.Marker({ element: el }).setLngLat(spot.at).addTo(this.map);
      this.#markers.set(spot.id, marker);
    }
    marker.setLngLat(spot.at);
    const el = marker.getElement();
    el.dataset.looks = spot.looks;
    el.title = spot.label;
    el.setAttribute('aria-label', spot.label);
  }

  #fit(now) {
    const box = new this.library.LngLatBounds();
    for (const spot of now) box.extend(spot.at);
    this.map.fitBounds(box, { padding: 60, maxZoom: 15, duration: 0 });
  }
}

customElements.define('loquet-map', LoquetMap);
