// The last list of stops, for when there is no link: times and addresses, nothing else, and only of today.

import * as memory from './memory.mjs';
import { now } from './key.mjs';
import { fill } from './parts.mjs';
import { clock } from '../../ui/js/live.mjs';

const lasts = 14 * 3600 * 1000;

/** keep notes the list that the page shows. */
export function keep(view, at) {
  const stops = [...view.querySelectorAll('[data-listed]')].map(({ dataset }) => ({
    href: dataset.stop, number: dataset.listed, address: dataset.address, window: dataset.window,
  }));
  return memory.put('last', { at, stops }, 'stops');
}

/** forget is for a phone that is no longer this courier's. */
export const forget = () => memory.remove('last', 'stops');

/** write puts the list, or the one stop that has this address, into a piece. */
export async function write(piece, path) {
  const known = await memory.get('last', 'stops');
  const good = known && now() - known.at < lasts;
  if (known && !good) await forget();
  const stops = good ? known.stops : [];
  fill(piece, { time: good ? clock(known.at) : '' });
  const list = piece.querySelector('[data-slot="stops"]');
  if (list) return writeList(list, stops);
  const stop = stops.find(({ href }) => path.startsWith(href));
  fill(piece, { address: stop?.address ?? '', window: stop?.window ?? '' });
}

function writeList(list, stops) {
  const row = list.firstElementChild;
  list.replaceChildren(...stops.map((stop) => {
    const one = row.cloneNode(true);
    one.querySelector('a').href = stop.href;
    return fill(one, { number: stop.number, address: stop.address, window: stop.window });
  }));
}
