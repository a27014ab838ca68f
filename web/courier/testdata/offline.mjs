// No network: the app opens, shows the last list and no state of any visit; scans wait, open nothing, and are sent once.

import { check, done, hand, pair, phone, screen, stand, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
await pair(page);
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').click();
await page.locator('[data-act="arrive"] button').click();
await screen(page, 'arrive');
const stop = new URL(page.url()).pathname;
await page.evaluate(() => navigator.serviceWorker.ready);
await page.goto(`${url}/courier/`);
await page.locator('[data-listed]').waitFor();
await page.goto(`${url}${stop}`);
const scan = await page.locator('a[href^="/courier/scan/"]').getAttribute('href');
// What the scan page needs was fetched on the way.
await page.waitForFunction(async () => Boolean(await caches.match(document.querySelector('[data-prefetch]').dataset.prefetch.split(' ')[1], { ignoreVary: true })));

await context.setOffline(true);

// The list, as it was: times and addresses.
await page.goto(`${url}/courier/`);
await screen(page, 'offline');
const list = await page.locator('main').textContent();
check(/Lilas/.test(list) && /last list/.test(list), `the last list: ${list}`);
check(!/bench/i.test(list) && !/planned|under way/i.test(list), `more than the list: ${list}`);

// A stop: its address, and not where its visit stands.
await page.goto(`${url}${stop}`);
await screen(page, 'offline');
const said = await page.locator('main').textContent();
check(/Lilas/.test(said) && /not shown from memory/.test(said) && !/bench|scan the parcels/i.test(said), `a stop without link: ${said}`);

// A scan waits.
await page.goto(`${url}${scan}`);
await screen(page, 'scan');
await page.evaluate(() => { document.getElementById('typing').open = true; });
await page.locator('#text').fill(await hand('parcel'));
await page.locator('[data-typed] button').click();
await page.locator('#scan-result', { hasText: 'Nothing opens yet' }).waitFor();
await page.locator('[data-queue]', { hasText: '1 scan kept' }).waitFor();
await page.reload();
await page.locator('[data-queue]', { hasText: '1 scan kept' }).waitFor();
check(await hand('scans') === 0, 'something was sent');

// Back: it is sent once, opens nothing, and a fresh tap is asked for.
await context.setOffline(false);
await page.waitForURL(`${url}${stop}`);
await screen(page, 'opening');
check(await hand('scans') === 1, `${await hand('scans')} scans arrived`);
check(await hand('openings') === 0, 'a kept scan opened a door');
await page.reload();
await screen(page, 'opening');
check(await hand('scans') === 1, 'the scan was sent again');
await stand(context);
await page.locator('[data-act="open"] button').dblclick();
await screen(page, 'inside');
check(await hand('openings') === 1, 'the tap did not open once');
await done(p);
