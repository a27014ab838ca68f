// A whole visit by the courier's own hand: pair, go, arrive, type the number, in, put down, shut, leave. On the way the
// page is reloaded, left and opened twice, and its language is changed: it is always where the visit is.

import { check, done, hand, pair, phone, screen, stand, url } from './phone.mjs';

const shots = process.env.SHOTS;
let n = 0;
const p = await phone({ width: Number(process.env.WIDTH ?? 390), scheme: process.env.SCHEME ?? 'light' });
const { page, context } = p;
const shot = async (name) => { if (shots) await page.screenshot({ path: `${shots}/${String(++n).padStart(2, '0')}-${name}.png` }); };
const button = (id) => page.locator(`main [data-action-id="${id}"]:not([data-deaf])`).first();
const text = () => page.locator('main').innerText();

await pair(page);
await screen(page, 'stops');
await shot('stops-none');
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"]').waitFor();
await shot('stops');
await page.locator('[data-act="approach"] button').click();
await screen(page, 'go');
const stop = page.url();
await page.locator('[data-act="arrive"] button').waitFor();
await page.locator('#way', { hasText: 'At the door' }).waitFor();
check(/±8\sm/.test(await page.locator('#fix').innerText()), 'the accuracy is not said');
await shot('go');
await page.locator('[data-act="arrive"] button').dblclick();
await screen(page, 'arrive');
check(await hand('arrivals') === 1, 'a double tap arrived twice');
await page.waitForFunction(() => document.activeElement.tagName === 'H1');
await shot('arrive');

// The language changes, the step does not.
await page.locator('.lang button[value="fr"]').click();
await page.waitForURL(stop);
await screen(page, 'arrive');
check(/Avant de scanner/.test(await text()), await text());
check(await page.locator('html').getAttribute('lang') === 'fr', 'the page is not in French');
await page.locator('.lang button[value="en"]').click();
await page.locator('h1', { hasText: 'Before you scan' }).waitFor();

// Back, reload, a second tab.
await page.reload();
await screen(page, 'arrive');
const second = await context.newPage();
await second.goto(stop);
await screen(second, 'arrive');
await second.close();

// A wrong number, then the right one, typed.
await page.locator('a[href^="/courier/scan/"]').click();
await screen(page, 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await shot('scan');
await page.locator('#text').fill('XX');
await page.locator('[data-typed] button').click();
await page.locator('#scan-result', { hasText: 'no parcel' }).waitFor();
await page.locator('#text').fill('(00)340123450000000994');
await page.locator('[data-typed] button').click();
await page.locator('.answer h1', { hasText: 'Wrong parcel' }).waitFor();
check(/Nothing was opened/.test(await page.locator('.answer').innerText()), 'the refusal does not say what is safe');
check(await page.locator('main').isHidden(), 'the refusal does not have the screen');
await shot('refusal');
await page.locator('.answer [data-close]').click();
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context);
await page.locator('[data-typed] button').click();
await page.waitForURL(stop);
await screen(page, 'inside');
await shot('unlocked');
check(/push/.test(await page.locator('h1').innerText()), 'inside is said before the door was seen open');
check(await page.locator('[data-act="leave"]').count() === 0, 'leaving is offered');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();
await page.reload();
await screen(page, 'inside');
await page.goBack();
await page.goForward();
await screen(page, 'inside');
check(await hand('openings') === 1, 'Back or reload opened a door');
await shot('inside');

// The photo goes while the courier goes on.
const picture = await page.evaluate(async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 2400, height: 1800 });
  const draw = canvas.getContext('2d');
  for (let i = 0; i < 4000; i++) {
    draw.fillStyle = `hsl(${i * 7} 80% 50%)`;
    draw.fillRect((i * 97) % 2400, (i * 61) % 1800, 90, 70);
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  return [...new Uint8Array(await blob.arrayBuffer())];
});
await page.locator('#photo').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from(picture) });
await page.locator('.photo-place', { hasText: 'Photo sent' }).waitFor();
await shot('photo');
await button('deposit').dblclick();
await page.locator('[data-act="close"]').waitFor();
check(await hand('photographed'), 'the deposit does not name the photo');
check(/Shut the door/.test(await text()), 'nobody says to shut the door');
await hand('shut');
await button('lock').click();
await screen(page, 'secured');
check(await page.locator('.photo-place img').isVisible(), 'the photo is not shown again');
await shot('secured');

// The sensor falls silent: nothing is known any more, and leaving is withdrawn until it speaks again.
await hand('unplug');
await screen(page, 'inside');
check(await page.locator('[data-act="leave"]').count() === 0, 'leaving is offered although nothing is known');
check(await page.locator('main :is(.barrier, .chip, .known)[data-state="secured"]').filter({ visible: true }).count() === 0, 'what is not known is green');
await hand('plug');
await screen(page, 'secured');
await button('leave').click();
await page.waitForURL(`${url}/courier/`);
await screen(page, 'stops');
await page.locator('h1', { hasText: '1 of 1 finished' }).waitFor();
await shot('finished');

// Nothing of the visit is left, by Back neither.
await page.goBack();
await screen(page, 'done');
check(!/Lilas|bench/.test(await page.locator('body').innerText()), 'the place is still told');
check(await hand('openings') === 1, 'the door was not opened once');
await done(p);
