// Without a position; with one that says nothing; and away at once.

import { away, check, done, hand, pair, phone, screen, stand } from './phone.mjs';

const p = await phone({ permissions: [] });
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).click();

await pair(page);
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

// Far off: how far, and where to; arriving is not offered.
await stand(context, away(420));
await page.locator('#way', { hasText: /420\sm to the south/ }).waitFor();
check(await page.locator('[data-act="arrive"]').isHidden(), 'arriving is offered far off');
await stand(context);
await tap('arrive');
await screen(page, 'arrive');
const scan = await page.locator('a[href^="/courier/scan/"]').getAttribute('href');
await page.goto(new URL(scan, page.url()).href);
await screen(page, 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context);
await page.locator('[data-typed] button').click();
await screen(page, 'inside');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();

// In danger: one tap, kept until it is sent, and done once.
await context.setOffline(true);
await tap('danger');
await page.locator('[data-note]', { hasText: /Not sent yet/ }).waitFor();
check(await hand('dangers') === 0, 'sent without a network');
await context.setOffline(false);
await screen(page, 'fled');
check(await hand('dangers') === 1, 'danger was said more than once');
check(/Call/.test(await page.locator('main').innerText()), 'no call is offered');
await done(p);
