// At each step of a visit: a reload, a second tab, Back, and a network that is lost and comes back. The step stays, nothing
// is asked by any of it, and without a network nobody is told from memory where the visit stands.

import { check, done, hand, pair, phone, screen, stand, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
const press = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();

async function holds(name, without = 'offline') {
  const at = page.url();
  const before = await hand('deeds');
  await page.reload();
  await screen(page, name);
  const second = await context.newPage();
  await second.goto(at);
  await screen(second, name);
  await second.close();
  await page.goto(`${url}/courier/pair`);
  await page.goBack();
  await screen(page, name);
  await context.setOffline(true);
  await page.reload();
  await screen(page, without);
  await context.setOffline(false);
  await screen(page, name);
  check(await hand('deeds') === before, `${name}: something was asked by looking`);
}

await pair(page);
await page.evaluate(() => navigator.serviceWorker.ready);
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').waitFor();
await holds('stops');
await press('approach');
await screen(page, 'go');
await holds('go');
await stand(context);
await press('arrive');
await screen(page, 'arrive');
await holds('arrive');
await page.locator('a[href^="/courier/scan/"]').click();
await screen(page, 'scan');
await holds('scan', 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context);
await page.locator('[data-typed] button').click();
await screen(page, 'inside');
await holds('inside');
await hand('push');
await page.locator('h1', { hasText: /open/ }).waitFor();
await holds('inside');
await press('deposit');
await page.locator('[data-act="close"]').waitFor();
await holds('inside');
await hand('shut');
await press('close');
await screen(page, 'secured');
await holds('secured');
await press('leave');
await page.waitForURL(`${url}/courier/`);
await screen(page, 'stops');
await holds('stops');
check(await hand('openings') === 1, 'the door was not opened once');
await done(p);
