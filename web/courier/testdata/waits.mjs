// Requests that get no answer while the page's stream stands, and nothing says that the link came back: what waits goes by
// itself; what the server rejects is not called sent; danger stands behind nothing; another courier's requests are dropped.

import { atTheDoor, check, done, hand, phone, screen, stand, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();

const scan = await atTheDoor(p);
await page.goto(`${url}${scan}`);
await screen(page, 'scan');

let lost = true;
await page.route(/\/v1\/courier\/visits\/[^/]+\/scan$/, (route) => (lost ? route.abort('connectionreset') : route.continue()));

async function keep(code) {
  lost = true;
  await page.locator('#typing').evaluate((d) => { d.open = true; });
  await page.locator('#text').fill(code);
  await page.locator('[data-typed] button').click();
  await page.locator('#scan-result', { hasText: 'try the handle' }).waitFor(); // it left, and may have arrived
  await page.locator('[data-queue]', { hasText: '1 scan kept, not confirmed' }).waitFor();
  lost = false;
}

// A number whose check digit is wrong was kept, and is not called scanned.
await keep('(00)340123450000000018');
await page.locator('#scan-result', { hasText: "no parcel's number" }).waitFor();
await page.locator('[data-queue]').waitFor({ state: 'hidden' });
check(await hand('scans') === 0, 'what is no number was scanned');

// The right one goes by itself, once.
await keep(await hand('parcel'));
await screen(page, 'opening');
check(await hand('scans') === 1, `${await hand('scans')} scans arrived`);
await stand(context);
await tap('open');
await screen(page, 'inside');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();

// Something older is never taken by the server. Danger is.
await page.route(/\/v1\/courier\/visits\/broken\/scan$/, (route) => route.fulfill({ status: 500, json: { code: 'internal' } }));
await page.evaluate(() => new Promise((resolve, reject) => {
  indexedDB.open('loquet-courier').onsuccess = ({ target: { result: db } }) => {
    const t = db.transaction('queue', 'readwrite');
    t.objectStore('queue').put({ path: '/v1/courier/visits/broken/scan', body: '{}', key: 'old', about: { end: '0000' } });
    t.oncomplete = resolve;
    t.onabort = reject;
  };
}));
await tap('danger');
await screen(page, 'fled');
check(await hand('dangers') === 1, 'danger was not said once');

// Another key can't send what this one asked for.
const code = await hand('code');
await page.goto(`${url}/courier/pair`);
await page.locator('#pair-drops', { hasText: '1 request on this phone was not sent' }).waitFor();
await page.locator('#code').fill(code);
await page.locator('form[data-pair] button').click();
await page.waitForURL(`${url}/courier/`);
await page.goto(`${url}/courier/pair`);
await page.locator('h1').waitFor();
check(await page.locator('#pair-drops').isHidden(), 'the queue outlived its key');
await done(p);
