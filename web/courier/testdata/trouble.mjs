// Without a position; with one that says nothing; and away at once. And in a browser that keeps nothing.

import { away, check, done, hand, holds, pair, phone, screen, stand } from './phone.mjs';

const p = await phone({ permissions: [] });
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).click();

await pair(page);
await page.addInitScript(() => {
  ServiceWorkerContainer.prototype.register = () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));
});
await hand('assign');
await page.reload();
await tap('approach');
await screen(page, 'go');

// The browser gives no position: what to do is said, and the server's refusal too.
await page.locator('[data-fix="refused"]').waitFor();
await tap('arrive');
await page.locator('.answer h1', { hasText: 'No position' }).waitFor();
await page.locator('.answer [data-close]').click();
await screen(page, 'go');

// A position that is good to three kilometres is said to be none.
await context.grantPermissions(['geolocation']);
await context.setGeolocation({ ...away(50), accuracy: 3000 });
await page.locator('[data-again]').first().click();
await page.locator('#fix', { hasText: 'that is no position' }).waitFor();
await tap('arrive');
await page.locator('.answer h1', { hasText: 'Position too vague' }).waitFor();
check(/3000\sm/.test(await page.locator('.answer').innerText()), `how vague is not said: ${await page.locator('.answer').innerText()}`);
await page.locator('.answer [data-close]').click();

// Far off: how far, and where to; arriving is not offered. A screen reader hears of it at 500, 100 and 20 metres only.
await page.evaluate(() => {
  const status = document.getElementById('status');
  globalThis.heard = [];
  new MutationObserver(() => status.textContent && heard.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true });
});
for (const far of [610, 520, 450, 420, 110, 90, 60, 15, 10]) {
  await stand(context, away(far));
  await page.locator('#way', { hasText: far > 20 ? new RegExp(`${far}\\sm to the south`) : /At the door/ }).waitFor();
  check(far < 420 || await page.locator('[data-act="arrive"]').isHidden(), 'arriving is offered far off');
}
await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const heard = await page.evaluate(() => globalThis.heard);
check(heard.length === 3 && /450\sm/.test(heard[0]) && /90\sm/.test(heard[1]) && /At the door/.test(heard[2]), `a screen reader hears: ${heard.join(' / ')}`);

// A position that is refused from now on leaves nothing of the one before.
await context.clearPermissions();
await page.locator('[data-fix="refused"]').waitFor();
await page.locator('#way').waitFor({ state: 'hidden' });
await context.grantPermissions(['geolocation']);
await page.locator('[data-again]').first().click();
await stand(context);
await tap('arrive');
await screen(page, 'arrive');
const scan = await page.locator('a[href^="/courier/scan/"]').getAttribute('href');
await page.goto(new URL(scan, page.url()).href);
await screen(page, 'scan');
// A lock that does not answer is a refusal, which is there to be read although the visit went on; and it says when it is
// cured.
const read = async () => {
  await page.locator('#typing').evaluate((d) => { d.open = true; });
  await page.locator('#text').fill(await hand('parcel'));
  await stand(context);
  await page.locator('[data-typed] button').click();
};
await hand('unplug');
await page.locator('main [data-screen="scan"]:not([data-ready])').waitFor({ state: 'attached' });
await read();
await page.locator('.answer h1').waitFor();
check(await page.locator('.answer [data-close]').first().isVisible(), 'the refusal can not be left');
await page.locator('.answer [data-close]').first().click();
await screen(page, 'opening');
await holds(p, 'opening');
await tap('open');
await page.locator('.answer h1').waitFor();
check(await page.locator('.answer [data-cured]').isHidden(), 'cured at once');
await hand('plug');
await page.locator('.answer [data-cured]', { hasText: 'You can try again now' }).waitFor();
await page.locator('.answer [data-close]').first().click();
await tap('open');
await screen(page, 'inside');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();

// In danger: one tap, kept until it is sent, and done once.
await context.setOffline(true);
await page.locator('[data-act="danger"] button:not([data-deaf])').dblclick();
await page.locator('[data-note]', { hasText: /Not confirmed yet/ }).waitFor();
check(await hand('dangers') === 0, 'sent without a network');
await context.setOffline(false);
await screen(page, 'fled');
await holds(p, 'fled');
check(await hand('dangers') === 1, 'danger was said more than once');
check(/Call/.test(await page.locator('main').innerText()), 'no call is offered');
await done(p);
