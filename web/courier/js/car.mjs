// The picture of the car that a courier looks for. It is asked for with a signed request, kept nowhere but in this page,
// and gone with the view that has a place for it.

import { signed } from './key.mjs';

let address = '', url = '';

/** forget drops the picture. */
export function forget() {
  if (url) URL.revokeObjectURL(url);
  address = '';
  url = '';
}

/** show writes the picture where the view has a place for it; a view without one means that its time is over. */
export async function show(view) {
  const place = view.querySelector('[data-picture]');
  if (!place) return forget();
  const wanted = place.dataset.picture;
  if (address !== wanted) {
    forget();
    address = wanted;
    const picture = await fetched(wanted);
    if (address !== wanted) return;
    if (!picture) return forget();
    url = picture;
  }
  const now = document.querySelector('[data-picture]');
  if (!url || !now || now.querySelector('img')?.src === url) return;
  now.replaceChildren(Object.assign(document.createElement('img'), { src: url, alt: now.dataset.alt }));
}

async function fetched(path) {
  try {
    const response = await signed(path, { signal: AbortSignal.timeout(10000) });
    return response.ok ? URL.createObjectURL(await response.blob()) : '';
  } catch {
    return ''; // the plate says which car it is
  }
}

addEventListener('pagehide', forget);
