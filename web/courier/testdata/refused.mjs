// What waited for a link is refused while another page is shown: the answer names the stop it is about, and its way leads there.

import { atTheDoor, check, done, hand, phone, screen, url } from './phone.mjs';

const p = await phone();
const { page } = p;
const scan = await atTheDoor(p);
const stop = new URL(page.url()).pathname;
await page.goto(`${url}${scan}`);
await screen(page, 'scan');

let lost = true;
await page.route(/\/v1\/courier\/visits\/[^/]+\/scan$/, (route) => (lost ? route.abort('connectionreset') : route.continue()));
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await page.locator('[data-typed] button').click();
await page.locator('[data-queue]', { hasText: '1 scan kept, not confirmed' }).waitFor();

await page.goto(`${url}/courier/`);
await screen(page, 'stops');
await hand('block');
lost = false;
const answer = page.locator('[data-part="refusal"]');
await answer.locator('h1', { hasText: 'Lilas' }).waitFor();
await answer.locator(`a[href="${stop}/plan-b"]`).click();
await screen(page, 'plan-b');
check(new URL(page.url()).pathname === `${stop}/plan-b`, `it leads to ${page.url()}`);
await done(p);
