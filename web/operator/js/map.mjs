// The map beside the board. It shows what the table says, read from the table's own rows, so that it can't say
// anything else. Its library is loaded only when it is shown: on a wide screen after the rest, else on a press.

import { bearings, moved } from '../../maps/js/draw.mjs';
import { MapPart } from '../../maps/js/part.mjs';

const wide = matchMedia('(min-width: 56.25rem)');

/** spots are the places of the table's rows, and where their couriers are. */
export function spots(rows) {
  const found = [];
  for (const row of rows) {
    const { lat, lng, label, short, icon, looks, away, direction, who, courier } = row.dataset;
    if (!lat || !lng) continue;
    const at = [Number(lng), Number(lat)];
    found.push({ id: row.id, at, label, short, icon, looks, href: row.querySelector('.row-link')?.href });
    if (away && direction in bearings) found.push({ id: `${row.id}-courier`, at: moved(at, Number(away), bearings[direction]), label: who, short: courier, looks: 'courier' });
  }
  return found;
}

/** pin is a marker: the drawing of a visit's alarm or barrier, and a short name. */
function pin(spot) {
  const el = document.createElement(spot.href ? 'a' : 'span');
  el.className = 'pin';
  if (spot.icon) {
    const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    drawing.setAttribute('aria-hidden', 'true');
    drawing.append(document.createElementNS('http://www.w3.org/2000/svg', 'use'));
    el.append(drawing);
  }
  el.append(Object.assign(document.createElement('span'), { className: 'name' }));
  return el;
}

/** say has a marker show how its spot stands now. */
function say(el, spot) {
  el.dataset.looks = spot.looks;
  el.title = spot.label;
  el.setAttribute('aria-label', spot.label);
  el.querySelector('.name').textContent = spot.short;
  el.querySelector('use')?.setAttribute('href', spot.icon);
  if (spot.href) el.href = spot.href;
}

class LoquetMap extends MapPart {
  #markers = new Map();
  #rows = null;

  connectedCallback() {
    super.connectedCallback();
    if (wide.matches) requestIdleCallback(() => this.open(), { timeout: 3000 });
    else wide.addEventListener('change', () => wide.matches && this.open(), { once: true });
  }

  close() {
    this.#rows?.disconnect();
    this.#markers.clear();
    super.close();
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
    this.#rows.observe(main, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-lat', 'data-lng', 'data-away', 'data-looks', 'data-label', 'data-icon'] });
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
    this.note(now.length === 0 ? this.dataset.noneText : this.streetsNote());
  }

  #put(spot) {
    let marker = this.#markers.get(spot.id);
    if (!marker) {
      marker = new this.library.Marker({ element: pin(spot) }).setLngLat(spot.at).addTo(this.map);
      this.#markers.set(spot.id, marker);
    }
    marker.setLngLat(spot.at);
    say(marker.getElement(), spot);
  }

  #fit(now) {
    const box = new this.library.LngLatBounds();
    for (const spot of now) box.extend(spot.at);
    this.map.fitBounds(box, { padding: { top: 40, bottom: 40, left: 110, right: 110 }, maxZoom: 15, duration: 0 });
  }
}

customElements.define('loquet-map', LoquetMap);
