// A picture of the deposit: made small on the phone, and drawn anew, so that nothing but the picture leaves it: no
// place, no time, no name of the phone.

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
