// Every screen on a small phone: whether it fits.

import { phone, url } from './phone.mjs';

const shots = process.env.LOQUET_SHOTS;
const names = JSON.parse(process.env.PAGES);
let bad = 0;

/** findings are what is wrong with the page that is shown. */
function findings() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth}`);
  for (const el of document.querySelectorAll('main *')) {
    const box = el.getBoundingClientRect();
    if (box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && !el.closest('.said, svg')) found.push(`<${el.tagName} ${el.className}> sticks out: ${Math.round(box.right)}`);
  }
  for (const el of document.querySelectorAll('main :is(a, button, summary):not([hidden])')) {
    const box = el.getBoundingClientRect();
    if (box.height > 0 && box.height < 43.5) found.push(`${el.textContent.trim()}: only ${Math.round(box.height)} high`);
  }
  for (const el of document.querySelectorAll('main .button.primary')) {
    const box = el.getBoundingClientRect();
    if (box.height > 0 && box.height < 72) found.push(`the primary action is only ${box.height} high`);
  }
  return found;
}

/** put shows another page's body in this one's place: their frames are the same. */
async function put(name) {
  const page = new DOMParser().parseFromString(await (await fetch(`/${name}`)).text(), 'text/html');
  document.documentElement.lang = page.documentElement.lang;
  document.body.replaceChildren(...document.importNode(page.body, true).childNodes);
}

for (const [scheme, width, height] of [['light', 320, 640], ['dark', 390, 844]]) {
  const p = await phone({ width, height, scheme, name: scheme });
  await p.page.goto(`${url}/${names[0]}`);
  for (const name of names) {
    await p.page.evaluate(put, name);
    const found = await p.page.evaluate(findings);
    if (found.length > 0) {
      bad++;
      console.log(`${name}, ${width} px: ${found.join('; ')}`);
    }
    if (shots) await p.page.screenshot({ path: `${shots}/${scheme}-${name}.png` });
  }
  await p.close();
}
process.exit(bad === 0 ? 0 : 1);
