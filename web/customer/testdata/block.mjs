// Runs js/block.mjs on a page that still says how an earlier block ended, and says which answer was shown for a new one.

import { register } from 'node:module';

const module = (code) => `data:text/javascript,${encodeURIComponent(code)}`;
const stub = JSON.stringify(module('export const say = () => {};'));
register(module(`export const resolve = (name, from, next) => (name.endsWith('ui/js/live.mjs') ? { url: ${stub}, shortCircuit: true } : next(name, from));`));

const panel = (answered) => ({ dataset: { answer: 'too-late', answered }, scrollIntoView: () => console.log(`revealed: ${answered}`), focus() {} });
let shown = panel('old');
const listeners = {};
globalThis.Element = class {};
globalThis.HTMLFormElement = class extends Element {
  action = '/block';
  matches = () => true;
};
globalThis.FormData = class {
  *[Symbol.iterator]() {}
};
globalThis.document = {
  addEventListener: (name, listener) => (listeners[name] = listener),
  querySelector: (selector) => (selector === '[data-answer]' ? shown : null),
  activeElement: null,
  body: {},
};
globalThis.location = { assign: (to) => console.log(`loaded: ${to}`) };
globalThis.fetch = async () => ({ status: 200, url: '/page' });

await import('../js/block.mjs');
listeners.submit({ target: new HTMLFormElement(), preventDefault() {}, stopImmediatePropagation() {} });
setTimeout(() => (shown = panel('new')), 200);
