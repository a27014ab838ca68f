// Times that need no right clock, and the texts that only a script can say.

const meta = document.querySelector('meta[name="loquet-words"]');
const words = meta ? JSON.parse(meta.content) : {};

/** A moment, as two clocks tell it. */
export const moment = () => ({ steady: performance.now(), wall: Date.now() });

/**
 * Milliseconds since a moment. The steady clock can stand still while a phone sleeps, and the wall clock can be set
 * back; whichever says more is believed, so that nothing looks younger than it is.
 */
export const since = (m) => Math.max(0, performance.now() - m.steady, Date.now() - m.wall);

/** say returns a text in the page's language, filled in; {n} chooses between one and other. */
export function text(key, values = {}) {
  const one = plural(Number(values.n)) ? 'one' : 'other';
  const said = words[key] ?? words[`${key}#${one}`] ?? key;
  return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function plural(n) {
  return document.documentElement.lang === 'fr' ? n >= 0 && n < 2 : n === 1;
}

/** ago says an age: the same as Ago in times.go. */
export function ago(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  if (s < 60) return text('ago.s', { n: s });
  if (s < 3600) return text('ago.min', { n: Math.floor(s / 60) });
  if (s < 86400) return text('ago.h', { n: Math.floor(s / 3600) });
  return text('ago.d', { n: Math.floor(s / 86400) });
}

/** span is a running clock, "00:42": the same as Span in times.go. */
export function span(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  const two = (n) => String(n).padStart(2, '0');
  const tail = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s < 3600 ? tail : `${Math.floor(s / 3600)}:${tail}`;
}

/** clock is a time of day at the page's place, of a server's time in milliseconds. */
export function clock(serverMs) {
  const zone = document.documentElement.dataset.zone;
  const options = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
  return new Intl.DateTimeFormat(document.documentElement.lang, zone ? { ...options, timeZone: zone } : options).format(serverMs);
}
