// The scanner with a real label before the camera; then without a camera.

import { check, done, hand, pair, phone, screen, stand } from './phone.mjs';

const p = await phone({ film: process.env.FILM, name: 'camera' });
const { page, context } = p;
const loaded = [];
page.on('response', (r) => { if (/zxing/.test(r.url())) loaded.push(r.url()); });
await pair(page);
check(loaded.length === 0, 'the scanner was loaded before it was needed');
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').click();
await page.locator('[data-act="arrive"] button').click();
await screen(page, 'arrive');

// Without a camera typing opens by itself.
const scan = await page.locator('a[href^="/courier/scan/"]').getAttribute('href');
const blind = await context.newPage();
await blind.addInitScript(() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); });
await blind.goto(new URL(scan, page.url()).href);
await blind.locator('.camera-state', { hasText: 'no camera' }).waitFor();
check(await blind.locator('#typing').evaluate((d) => d.open), 'typing did not open by itself');
const order = await blind.evaluate(() => document.getElementById('typing').compareDocumentPosition(document.getElementById('finder')) & Node.DOCUMENT_POSITION_FOLLOWING);
check(order !== 0, 'typing does not come before the camera');
await blind.close();

await stand(context);
const began = Date.now();
await page.locator('a[href^="/courier/scan/"]').click();
await page.waitForURL(/\/courier\/stop\//);
console.log(`read, sent and answered in ${Date.now() - began} ms from the tap`);
await screen(page, 'inside');
check(await hand('openings') === 1, 'the scan did not open the door once');
check(await hand('scans') === 1, 'the label was sent more than once');
await done(p);
