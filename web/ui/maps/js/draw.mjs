// Draws a map. Nothing of it is loaded before it is asked for, and nothing from any other host.

/** Degrees of latitude in a metre. */
const metre = 1 / 111195;

export const bearings = { N: 0, NE: 45, E: 90, SE: 135, S: 180, SW: 225, W: 270, NW: 315 };

const here = (name) => new URL(name, import.meta.url).href;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Where a map begins that knows no place yet. */
const anywhere = [2.3522, 48.8566];

const sheetOf = (name) => Object.assign(document.createElement('link'), { rel: 'stylesheet', href: here(name) });

/** sheet is the style sheet of what stands around a map, for the tree that it is in. */
export const sheet = () => sheetOf('../css/map.css');

/** styled brings the library's own style sheet into the tree that a box is in. */
function styled(box) {
  const link = sheetOf('../vendored/maplibre-gl.css');
  const tree = box.getRootNode();
  (tree.head ?? tree).append(link);
  return new Promise((resolve) => { link.onload = link.onerror = resolve; });
}

/**
 * draw draws a map into a box: of streets, if streets (an address that tells of them) has any; else it is plain, with
 * countries from afar and a grid near by. It returns the library and the map.
 */
export async function draw(box, { centre = anywhere, zoom, streets: streetsAt }) {
  const [library] = await Promise.all([import(here('../vendored/maplibre-gl.mjs')), styled(box)]);
  const { style: drawn, plain } = await style(centre, streetsAt);
  if (!plain) {
    await script(here('../vendored/pmtiles.js'));
    library.addProtocol('pmtiles', new globalThis.pmtiles.Protocol().tile);
  }
  const map = new library.Map({ container: box, style: drawn, center: centre, zoom, attributionControl: plain ? false : undefined,
    dragRotate: false, pitchWithRotate: false, fadeDuration: 0, cooperativeGestures: true });
  map.addControl(new library.NavigationControl({ showCompass: false }));
  map.addControl(new library.ScaleControl());
  return { library, map, plain };
}

/** moved is a point so many metres from another, in a direction of the compass. */
export function moved([lng, lat], metres, degrees) {
  const angle = (degrees * Math.PI) / 180;
  const north = metres * metre * Math.cos(angle);
  const east = (metres * metre * Math.sin(angle)) / Math.cos((lat * Math.PI) / 180);
  return [lng + east, lat + north];
}

/** circle is everything within so many metres of a point. */
export const circle = (at, metres) => polygon(Array.from({ length: 64 }, (_, i) => moved(at, metres, (i * 360) / 64)));

/**
 * sector is where something can be of which only its distance and one of eight directions are known: as far off, give or
 * take, and within that eighth of the compass.
 */
export function sector(at, metres, direction, vague) {
  const arc = (far) => Array.from({ length: 10 }, (_, i) => moved(at, far, bearings[direction] - 22.5 + i * 5));
  return polygon([...arc(metres + vague), ...arc(Math.max(0, metres - vague)).reverse()]);
}

const polygon = (ring) => ({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[...ring, ring[0]]] } });

/** area shows a polygon on a map, and changes it from then on. */
export function area(map, id, feature) {
  const there = map.getSource(id);
  if (there) {
    there.setData(feature);
    return;
  }
  const add = () => {
    map.addSource(id, { type: 'geojson', data: feature });
    map.addLayer({ id: `${id}-fill`, type: 'fill', source: id, paint: { 'fill-color': color('--primary'), 'fill-opacity': 0.2 } });
    map.addLayer({ id: `${id}-edge`, type: 'line', source: id, paint: { 'line-color': color('--primary'), 'line-width': 2, 'line-dasharray': [2, 1] } });
  };
  if (map.isStyleLoaded()) add();
  // Not at its load, which is once: it may be loading again, and then that never comes.
  else map.once('idle', () => area(map, id, feature));
}

/** grid is a net of lines around a point, a kilometre apart, for when there is no map of streets. */
function grid([lng, lat], kilometres = 40) {
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

/** style is the operator's own map, or the countries and a grid if there is none. All are of this server. */
async function style(centre, streetsAt) {
  const paper = { id: 'paper', type: 'background', paint: { 'background-color': color('--surface') } };
  const tiles = await fetch(streetsAt, { credentials: 'same-origin' }).then((r) => (r.ok ? r.json() : null)).catch(() => null);
  if (!tiles?.url) return { style: await world(centre, paper), plain: true };
  const source = { type: tiles.vector ? 'vector' : 'raster', url: `pmtiles://${new URL(tiles.url, location.href).href}` };
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
