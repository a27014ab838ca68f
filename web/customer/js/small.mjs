// Makes a picture that is chosen in a form small before it is sent, and draws it anew, so that nothing but the picture
// leaves the browser: no place, no time, no name of the phone. Without this script a small picture is taken as it is.

/** The longer side in pixels, and the size in bytes, at most. */
const longest = 1280;
const most = 200 * 1024;

async function small(file) {
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  for (let side = longest; side > 200; side *= 0.75) {
    const canvas = draw(picture, side);
    for (const quality of [0.8, 0.65, 0.5]) {
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
      if (blob && blob.size <= most) return new File([blob], 'picture.jpg', { type: 'image/jpeg' });
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

document.addEventListener('change', async ({ target }) => {
  if (!target.matches('input[type="file"][data-small]') || !target.files[0]) return;
  const button = target.form?.querySelector('button[type="submit"]');
  if (button) button.disabled = true;
  try {
    const list = new DataTransfer();
    list.items.add(await small(target.files[0]));
    target.files = list.files;
  } catch (error) {
    console.warn(error); // the server says what is wrong with it
  } finally {
    if (button) button.disabled = false;
  }
});
