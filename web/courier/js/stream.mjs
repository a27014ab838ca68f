// A page's event stream, asked for with a signed request: what a browser's own EventSource can't do. It has the same
// face, so that htmx takes it for one.

import { NoKey, problemOf, signed } from './key.mjs';

// parser returns a function that takes pieces of an event stream, cut anywhere, and calls back for each event.
export function parser(take) {
  let rest = '', kind = '', id = '', data = [];
  const line = (text) => {
    if (text === '') {
      if (data.length > 0) take({ kind: kind || 'message', id, data: data.join('\n') });
      kind = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') kind = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  };
  return (piece) => {
    rest += piece;
    // A carriage return at the very end may be the first half of a line's end.
    for (let end; (end = /\r\n|\n|\r(?!$)/.exec(rest)); ) {
      line(rest.slice(0, end.index));
      rest = rest.slice(end.index + end[0].length);
    }
  };
}

/** Milliseconds between tries to open the stream again. */
const waits = [500, 1000, 2000, 3000, 5000];

/** How long an answer may take, and how many beats may be missed before the connection is taken for dead. */
const patience = 12000;
const missed = 3;

/**
 * Source follows the stream of a page, and never gives up: live.mjs tells a lost link by the beats that stay away, so no
 * error is told. path() is asked anew at each connection. refused(problem) is told of an answer that trying again would not
 * change; the source is closed then.
 */
export class Source extends EventTarget {
  CONNECTING = 0;
  OPEN = 1;
  CLOSED = 2;
  readyState = 0;
  onopen = null;
  onerror = null;
  onmessage = null;
  #path;
  #refused;
  #cut;
  #failures = 0;
  #timer;
  #wake = () => { if (!document.hidden) this.restart(); };

  constructor(path, refused = () => {}) {
    super();
    this.#path = path;
    this.#refused = refused;
    addEventListener('online', this.#wake);
    this.#run();
  }

  close() {
    this.readyState = this.CLOSED;
    removeEventListener('online', this.#wake);
    this.#cut?.abort();
    clearTimeout(this.#timer);
  }

  // restart asks for the whole state again, now.
  restart() {
    if (this.readyState === this.CLOSED) return;
    this.#cut?.abort();
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.readyState = this.CONNECTING;
    this.#run();
  }

  async #run() {
    const cut = this.#cut = new AbortController();
    this.#expect(patience);
    try {
      const response = await signed(this.#path(), { headers: { Accept: 'text/event-stream' }, signal: cut.signal });
      if (!response.ok) return await this.#turnedAway(response, cut);
      this.#failures = 0;
      this.readyState = this.OPEN;
      this.#tell(new Event('open'));
      await this.#read(response, cut);
    } catch (error) {
      if (cut.signal.aborted) return;
      if (error instanceof NoKey) return this.#end({ code: error.message });
    }
    if (!cut.signal.aborted) this.#lost();
  }

  async #read(response, cut) {
    const parse = parser(({ kind, id, data }) => {
      if (cut.signal.aborted) return;
      if (kind === 'beat') this.#expect(missed * parseInt(data, 10) + 1000);
      this.#tell(new MessageEvent(kind, { data, lastEventId: id, origin: location.origin }));
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) parse(value);
  }

  async #turnedAway(response, cut) {
    const problem = await problemOf(response);
    if (cut.signal.aborted) return;
    if (response.status === 401 || response.status === 403 || response.status === 404) this.#end(problem ?? { code: String(response.status) });
    else this.#lost();
  }

  // expect takes the connection for dead if nothing more is heard of it for so long.
  #expect(within) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#cut.abort();
      this.#lost();
    }, within);
  }

  #end(problem) {
    this.close();
    this.#refused(problem);
  }

  #lost() {
    this.readyState = this.CONNECTING;
    clearTimeout(this.#timer);
    const wait = waits[Math.min(this.#failures++, waits.length - 1)];
    this.#timer = setTimeout(() => this.#run(), wait * (0.75 + Math.random() / 2));
  }

  #tell(event) {
    this.dispatchEvent(event);
    this[`on${event.type}`]?.(event);
  }
}
