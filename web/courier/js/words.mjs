// The texts that only a script can say. The server writes them into the page, in its language.

const texts = JSON.parse(document.documentElement.dataset.words ?? '{}');
const plural = new Intl.PluralRules(document.documentElement.lang);

// say is a text with its placeholders filled in; {n} chooses between one and other.
export function say(key, values = {}) {
  const text = texts[key] ?? texts[`${key}#${plural.select(Number(values.n)) === 'one' ? 'one' : 'other'}`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const nbsp = '\u00a0';

// metres is a distance in words: "180 m", "1.2 km".
export function metres(distance) {
  if (distance < 1000) return `${Math.round(distance)}${nbsp}m`;
  return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(distance / 1000)}${nbsp}km`;
}

// span is a length of time for a clock: "4:05".
export function span(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
