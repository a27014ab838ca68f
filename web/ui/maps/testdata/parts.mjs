// Checks js/part.mjs and area of js/draw.mjs on a page, and a map, that are made up.

import assert from 'node:assert/strict';
import { register } from 'node:module';

const module = (code) => `data:text/javascript,${encodeURIComponent(code)}`;
const stub = JSON.stringify(module('export const draw = (...asked) => globalThis.draw(...asked); export const sheet = () => ({});'));
register(module(`export const resolve = (name, from, next) => (name === './draw.mjs' ? { url: ${stub}, shortCircuit: true } : next(name, from));`));

/** shadow is what a part keeps its button, its note and its map in. */
function shadow() {
  const inside = [];
  const find = (selector) => inside.find((el) => el.type === selector || el.className === selector.slice(1)) ?? null;
  return { inside, append: (...all) => inside.push(...all), prepend: (el) => inside.unshift(el), querySelector: find };
}

globalThis.HTMLElement = class {
  dataset = {};
  isConnected = true;
  attachShadow() {
    return (this.shadowRoot = shadow());
  }
};
globalThis.getComputedStyle = () => ({ getPropertyValue: () => '#000' });
globalThis.document = {
  documentElement: {},
  createElement: (name) => ({ type: name, addEventListener() {}, remove() { this.gone = true; } }),
};

const { MapPart } = await import('../js/part.mjs');
let removed = 0;
globalThis.draw = async () => ({ map: { remove: () => removed++ }, library: {}, plain: false });

const part = new MapPart();
part.connectedCallback();
await part.open();
assert.ok(part.map, 'it is drawn');
part.disconnectedCallback(); // moved: it is connected again when anybody looks
await null;
assert.ok(part.map && removed === 0, 'a map that is moved stays');
part.isConnected = false;
part.disconnectedCallback();
await null;
assert.ok(!part.map && removed === 1, 'a map ends with its part');
assert.equal(part.shadowRoot.querySelector('button').hidden, false, 'it can be opened again');

part.open(); // and taken away while it is drawn
await new Promise((done) => setTimeout(done));
assert.ok(!part.map && removed === 2, 'one that comes too late ends at once');

const { area } = await import('../js/draw.mjs?real');
const drawn = [];
const waiting = {};
let loaded = false;
const map = { getSource: () => null, isStyleLoaded: () => loaded, once: (name, then) => (waiting[name] = then), addSource: (id) => drawn.push(id), addLayer() {} };
area(map, 'place', {});
loaded = true;
waiting.load?.(); // was long ago
assert.deepEqual(drawn, [], 'nothing waits for a load that was');
waiting.idle();
assert.deepEqual(drawn, ['place'], 'it is drawn when the map has settled');
