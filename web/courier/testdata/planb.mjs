// Plan B without a network: what was done waits, is said to wait, and is confirmed once, however often it is tapped.

import { check, done, hand, holds, pair, phone, screen, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
await pair(page);
await hand('assign');
await hand('block');
await page.reload();
await page.locator('[data-listed] a').click();
await screen(page, 'refusal');
await holds(p, 'refusal');
await page.locator('a[href$="/plan-b"]').first().click();
await screen(page, 'plan-b');
await holds(p, 'plan-b');
const tap = () => page.locator('[data-act="plan-b"] button:not([data-deaf])').click();
const note = page.locator('[data-note]', { hasText: /Not confirmed yet/ });

await context.setOffline(true);
await tap();
await note.waitFor();
await tap();
await page.waitForTimeout(500);
await note.waitFor();
check(await hand('planbs') === 0, 'sent without a network');
check(!/Call now/.test(await note.innerText()), 'it is told as if it were urgent');
await context.setOffline(false);
await screen(page, 'done');
check(await hand('planbs') === 1, `confirmed ${await hand('planbs')} times`);
await page.goto(`${url}/courier/`);
await screen(page, 'stops');
check(await page.locator('[data-queue]').isHidden(), 'something still waits');
await done(p);
