// Maps of the household's pages, each beside fields or words that say the same: where the courier is, and where a place
// lies. Their library is loaded only when one is asked for.

import { area, bearings, circle, moved, sector } from '../../maps/js/draw.mjs';
import { MapPart } from '../../maps/js/part.mjs';

const root = document.documentElement;

function spot(library, map, at, looks, label) {
  const el = Object.assign(document.createElement('span'), { className: 'spot', title: label });
  el.dataset.looks = looks;
  el.setAttribute('role', 'img');
  el.setAttribute('aria-label', label);
  return new library.Marker({ element: el }).setLngLat(at).addTo(map);
}

/** Where the courier is: no more exactly than a distance and one of eight directions, as the page's words say. */
class Way extends MapPart {
  static observedAttributes = ['data-away', 'data-direction', 'data-vague'];

  attributeChangedCallback() {
    if (this.map) this.#show();
  }

  close() {
    super.close();
    root.removeAttribute('data-way-map');
  }

  get #door() {
    return [Number(this.dataset.lng), Number(this.dataset.lat)];
  }

  view() {
    return { centre: this.#door, zoom: 14 };
  }

  drawn() {
    root.setAttribute('data-way-map', '');
    spot(this.library, this.map, this.#door, 'door', this.dataset.place);
    this.#show();
  }

  #show() {
    const { away, direction, vague } = this.dataset;
    if (!(direction in bearings)) return;
    area(this.map, 'courier', sector(this.#door, Number(away), direction, Math.max(20, Number(vague))));
    const box = new this.library.LngLatBounds().extend(this.#door);
    for (const turn of [-22.5, 0, 22.5]) box.extend(moved(this.#door, Number(away) + Number(vague), bearings[direction] + turn));
    this.map.fitBounds(box, { padding: 56, maxZoom: 16, duration: 0 });
  }
}

/** positionIn reads "48.85837, 2.29448". */
function positionIn(text) {
  const [lat, lng] = text.replace(';', ',').split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? [lng, lat] : null;
}

/** Where a place lies, and how near one is there: as the fields say, and they as it is chosen here. */
class Place extends MapPart {
  #marker = null;

  get #position() {
    return document.getElementById(this.dataset.position);
  }

  get #radius() {
    return document.getElementById(this.dataset.radius);
  }

  view() {
    const at = positionIn(this.#position.value);
    return at ? { centre: at, zoom: 15 } : { zoom: 4 };
  }

  drawn() {
    this.map.getCanvas().setAttribute('aria-label', this.dataset.openText);
    this.map.on('click', ({ lngLat }) => this.#choose(lngLat));
    for (const field of [this.#position, this.#radius]) field.addEventListener('input', () => this.#show(true));
    this.#show(true);
  }

  #choose({ lng, lat }) {
    this.#position.value = `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
    this.#show(false);
  }

  #show(follow) {
    const at = positionIn(this.#position.value);
    if (!at) return;
    if (!this.#marker) {
      this.#marker = spot(this.library, this.map, at, 'courier', this.dataset.place).setDraggable(true);
      this.#marker.on('dragend', () => this.#choose(this.#marker.getLngLat()));
    }
    this.#marker.setLngLat(at);
    const ring = circle(at, Number(this.#radius.value) || 0);
    area(this.map, 'place', ring);
    if (!follow) return;
    const box = ring.geometry.coordinates[0].reduce((box, corner) => box.extend(corner), new this.library.LngLatBounds());
    this.map.fitBounds(box, { padding: 24, maxZoom: 17, duration: 0 });
  }
}

customElements.define('loquet-way', Way);
customElements.define('loquet-place', Place);
