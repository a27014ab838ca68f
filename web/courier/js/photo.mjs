// A picture of where the parcels were put down: made small on the phone, and drawn anew, so that nothing but the picture
// leaves it: no place, no time, no name of the phone. It is sent while the courier goes on.

import { say as speak } from '../../ui/js/live.mjs';
import { photos, send } from './actions.mjs';
import { say } from './words.mjs';

/** The longer side in pixels, and the size in bytes, at most. */
const longest = 1280;
const most = 200 * 1024;

/** small makes a JPEG of at most 200 KB of a picture file. */
export async function small(file) {
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  for (let side = longest; side > 200; side *= 0.75) {
    const canvas = draw(picture, side);
    for (const quality of [0.8, 0.65, 0.5]) {
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
      if (blob && blob.size <= most) return blob;
    }
  }
  throw new Error('the picture does not become small enough');
}

function draw(picture, side) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** forget drops all pictures. */
export function forget() {
  for (const { url } of photos.values()) URL.revokeObjectURL(url);
  photos.clear();
}

/** take makes a picture small, sends it, and says how that goes. */
export async function take(address, file) {
  const photo = { state: 'sending', url: '' };
  URL.revokeObjectURL(photos.get(address)?.url);
  photos.set(address, photo);
  photo.sent = upload(address, file, photo);
  show();
  photo.state = (await photo.sent) ? 'sent' : 'failed';
  show();
  speak(say(`js.photo.${photo.state}`));
}

/** upload returns the picture's digest, or undefined: the deposit counts without it. */
async function upload(address, file, photo) {
  try {
    const blob = await small(file);
    if (photos.get(address) === photo) photo.url = URL.createObjectURL(blob);
    show();
    return (await send(address, await blob.arrayBuffer(), { 'Content-Type': 'image/jpeg' })).photo;
  } catch (error) {
    console.warn(error);
    return undefined;
  }
}

/** show writes the pictures into the places that the view has for them. */
export function show() {
  for (const place of document.querySelectorAll('[data-photo-place]')) {
    const photo = photos.get(place.dataset.photoPlace);
    if (!photo) continue;
    const { state, url } = photo;
    if (place.dataset.state === state && place.querySelector('img')?.src === url) continue;
    place.dataset.state = state;
    place.replaceChildren(...parts(state, url));
  }
}

function parts(state, url) {
  const text = document.createElement('span');
  text.textContent = say(`js.photo.${state}`);
  const list = [text];
  if (url) list.unshift(Object.assign(document.createElement('img'), { src: url, alt: say('js.photo.alt') }));
  if (state === 'sending') {
    const bar = document.createElement('progress');
    bar.setAttribute('aria-label', text.textContent);
    list.push(bar);
  }
  return list;
}
