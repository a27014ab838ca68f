// At each step of a visit: a reload, a second tab, Back, and a network that is lost and comes back. The step stays, nothing
// is asked by any of it, and without a network nobody is told from memory where the visit stands. The steps that only some
// visits have are held in their scripts: code, plan B, trouble, car.

import { check, done, hand, holds, pair, phone, screen, stand, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
const press = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();

await pair(page);
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').waitFor();
await holds(p, 'stops');
await press('approach');
await screen(page, 'go');
await holds(p, 'go');
await stand(context);
await press('arrive');
await screen(page, 'arrive');
await holds(p, 'arrive');
await page.locator('a[href^="/courier/scan/"]').click();
await screen(page, 'scan');
await holds(p, 'scan', 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context);
await page.locator('[data-typed] button').click();
await screen(page, 'inside');
await holds(p, 'inside');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();
await holds(p, 'inside');
await press('deposit');
await page.locator('[data-act="close"]').waitFor();
await holds(p, 'inside');
await hand('shut');
await press('close');
await screen(page, 'secured');
await holds(p, 'secured');
await press('leave');
await page.waitForURL(`${url}/courier/`);
await screen(page, 'stops');
await holds(p, 'stops');
check(await hand('openings') === 1, 'the door was not opened once');
await done(p);
