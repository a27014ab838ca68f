// The map beside the board. It shows what the table says, read from the table's own rows, so that it can't say
// anything else. Its library is loaded only when it is shown: on a wide screen after the rest, else on a press.

const wide = matchMedia('(min-width: 56.25rem)');

/** Degrees of latitude in a metre. */
const metre = 1 / 111195;

const bearings = { N: 0, NE: 45, E: 90, SE: 135, S: 180, SW: 225, W: 270, NW: 315 };

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

/** moved is a point so many metres from another, in a direction of the compass. */
function moved([lng, lat], metres, degrees) {
  const angle = (degrees * Math.PI) / 180;
  const north = metres * metre * Math.cos(angle);
  const east = (metres * metre * Math.sin(angle)) / Math.cos((lat * Math.PI) / 180);
  return [lng + east, lat + north];
}

/** grid is a net of lines around a point, a kilometre apart, for when there is no map of streets. */
export function grid([lng, lat], kilometres = 40) {
  const step = 1000 * metre;
  const wideStep = step / Math.cos((lat * Math.PI) / 180);
  const x0 = Math.round(lng / wideStep) * wideStep;
  const y0 = Math.round(lat / step) * step;
  const half = kilometres / 2;
  const lines = [];
  for (let i = -half; i <= half; i++) {
    lines.push([[x0 + i * wideStep, y0 - half * step], [x0 + i * wideStep, y0 + half * step]]);
    lines.push([[x0 - half * wideStep, y0 + i * step], [x0 + half * wideStep, y0 + i * step]]);
  }
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } };
}

const here = (name) => new URL(name, import.meta.url).href;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** style draws the operator's own map, or the countries and a grid if there is none. All are of this server. */
async function style(centre) {
  const paper = { id: 'paper', type: 'background', paint: { 'background-color': color('--surface') } };
  const tiles = await fetch('/operator/map', { credentials: 'same-origin' }).then((r) => (r.ok ? r.json() : null)).catch(() => null);
  if (!tiles?.url) return { style: await world(centre, paper), plain: true };
  const source = { type: tiles.vector ? 'vector' : 'raster', url: `pmtiles://${new URL(tiles.url, location.href).href}`, attribution: tiles.attribution };
  return { style: { version: 8, sources: { tiles: source }, layers: [paper, ...(tiles.vector ? streets() : [{ id: 'tiles', type: 'raster', source: 'tiles' }])] } };
}

/**
 * world is the map that comes with the server: the countries from afar, where their outline is true, and the grid near by,
 * where nothing is known of the ground.
 */
async function world(centre, paper) {
  await script(here('../vendored/topojson-client.min.js'));
  const atlas = await fetch(here('../vendored/countries-50m.json')).then((r) => r.json());
  const { topojson } = globalThis;
  const near = 8;
  const sources = {
    land: { type: 'geojson', data: topojson.feature(atlas, atlas.objects.land) },
    borders: { type: 'geojson', data: topojson.mesh(atlas, atlas.objects.countries, (a, b) => a !== b) },
    grid: { type: 'geojson', data: grid(centre) },
  };
  const layers = [
    paper,
    { id: 'sea', type: 'background', maxzoom: near, paint: { 'background-color': color('--underway-tint') } },
    { id: 'land', type: 'fill', source: 'land', maxzoom: near, paint: { 'fill-color': color('--page') } },
    { id: 'coast', type: 'line', source: 'land', maxzoom: near, paint: { 'line-color': color('--field'), 'line-width': 0.75 } },
    { id: 'borders', type: 'line', source: 'borders', maxzoom: near, paint: { 'line-color': color('--line'), 'line-width': 0.75 } },
    { id: 'grid', type: 'line', source: 'grid', minzoom: near, paint: { 'line-color': color('--line'), 'line-width': 1 } },
  ];
  return { version: 8, sources, layers };
}

/** streets are the layers of a vector map in the Protomaps schema, in the page's own colours. */
function streets() {
  const fill = (id, layer, paint, filter) => ({ id, type: 'fill', source: 'tiles', 'source-layer': layer, paint, ...(filter && { filter }) });
  const line = (id, layer, paint, filter) => ({ id, type: 'line', source: 'tiles', 'source-layer': layer, paint, ...(filter && { filter }) });
  return [
    fill('earth', 'earth', { 'fill-color': color('--page') }),
    fill('green', 'landuse', { 'fill-color': color('--secured-tint') }, ['in', ['get', 'kind'], ['literal', ['park', 'forest', 'wood', 'grass']]]),
    fill('water', 'water', { 'fill-color': color('--underway-tint') }),
    fill('buildings', 'buildings', { 'fill-color': color('--unknown-tint') }),
    line('roads', 'roads', { 'line-color': color('--line'), 'line-width': ['interpolate', ['linear'], ['zoom'], 10, 0.5, 16, 5] }),
  ];
}

async function script(src) {
  await new Promise((resolve, reject) => {
    const tag = document.createElement('script');
    Object.assign(tag, { src, onload: resolve, onerror: reject });
    document.head.append(tag);
  });
}

class LoquetMap extends HTMLElement {
  #map = null;
  #library = null;
  #markers = new Map();
  #rows = null;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open' });
    const sheets = ['../vendored/maplibre-gl.css', '../css/map.css'].map((name) => Object.assign(document.createElement('link'), { rel: 'stylesheet', href: here(name) }));
    const note = Object.assign(document.createElement('p'), { className: 'note' });
    const open = Object.assign(document.createElement('button'), { type: 'button', textContent: this.dataset.openText });
    open.addEventListener('click', () => this.#open());
    root.append(...sheets, open, note);
    if (wide.matches) requestIdleCallback(() => this.#open(), { timeout: 3000 });
    else wide.addEventListener('change', () => wide.matches && this.#open(), { once: true });
  }

  disconnectedCallback() {
    this.#rows?.disconnect();
  }

  #note(text) {
    this.shadowRoot.querySelector('.note').textContent = text;
  }

  async #open() {
    const button = this.shadowRoot.querySelector('button');
    if (this.#map || button.hidden) return;
    button.hidden = true;
    try {
      await this.#draw();
    } catch {
      this.#note(this.dataset.failedText);
    }
  }

  async #draw() {
    this.#library = await import(here('../vendored/maplibre-gl.mjs'));
    const first = spots(this.#table());
    const centre = first[0]?.at ?? [2.3522, 48.8566];
    const { style: drawn, plain } = await style(centre);
    if (!plain) {
      await script(here('../vendored/pmtiles.js'));
      this.#library.addProtocol('pmtiles', new globalThis.pmtiles.Protocol().tile);
    }
    const box = Object.assign(document.createElement('div'), { className: 'map' });
    this.shadowRoot.prepend(box);
    this.#map = new this.#library.Map({ container: box, style: drawn, center: centre, zoom: 12, attributionControl: plain ? false : undefined,
      dragRotate: false, pitchWithRotate: false, fadeDuration: 0, cooperativeGestures: true });
    this.#map.addControl(new this.#library.NavigationControl({ showCompass: false }));
    this.#map.addControl(new this.#library.ScaleControl());
    this.#note(plain ? this.dataset.gridText : '');
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
    if (now.length === 0) this.#note(this.dataset.noneText);
  }

  #put(spot) {
    let marker = this.#markers.get(spot.id);
    if (!marker) {
      const el = document.createElement(spot.href ? 'a' : 'span');
      el.className = 'spot';
      if (spot.href) el.href = spot.href;
      marker = new this.#library.Marker({ element: el }).setLngLat(spot.at).addTo(this.#map);
      this.#markers.set(spot.id, marker);
    }
    marker.setLngLat(spot.at);
    const el = marker.getElement();
    el.dataset.looks = spot.looks;
    el.title = spot.label;
    el.setAttribute('aria-label', spot.label);
  }

  #fit(now) {
    const box = new this.#library.LngLatBounds();
    for (const spot of now) box.extend(spot.at);
    this.#map.fitBounds(box, { padding: 60, maxZoom: 15, duration: 0 });
  }
}

customElements.define('loquet-map', LoquetMap);
