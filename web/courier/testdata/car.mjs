// Which car it is, on the phone: near it, while the visit goes on, and nowhere afterwards.

import { away, check, done, hand, holds, pair, phone, screen, stand, url } from './phone.mjs';

const secrets = await hand('shown'); // its plate, its looks, its spot
const p = await phone({ at: away(2000) });
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();
const shot = async (name) => { if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/car-${name}.png`, fullPage: true }); };
const known = async () => { const html = await page.content(); return secrets.filter((s) => html.includes(s)); };

/** reach has the phone tell its place, as phones do all the time, until the page shows something. */
async function reach(place, what) {
  for (let tries = 0; !(await page.locator(what).count()); tries++) {
    check(tries < 25, `${what} did not come; there is:\n${await page.locator('main').innerText()}`);
    await stand(context, place);
    await page.waitForTimeout(1000);
  }
}

await pair(page);
await hand('assign');
await page.reload();
await tap('approach');
await screen(page, 'go');
await page.locator('.car-opens').waitFor();
check((await known()).length === 0, `far from it the phone knows ${await known()}`);
await shot('far');

// Near it: the plate, the picture, the way; and the lights.
await reach(away(30), '.plate');
check((await known()).length === secrets.length, `near it the phone knows ${await known()}`);
await page.locator('.car-picture img').waitFor();
check(await page.locator('.car-picture img').evaluate((img) => img.decode().then(() => img.naturalWidth > 0)), 'there is no picture');
check(await page.locator('[data-act="arrive"]').count() === 0, 'arrived from afar');
await shot('near');
await holds(p, 'go');
await tap('signal');
await page.waitForFunction(async () => (await (await fetch('/test/flashes', { method: 'POST' })).json()) === 1);
await reach(away(118), '[data-act="arrive"]');
await tap('arrive');
await screen(page, 'arrive');
await shot('arrive');
await page.locator('a[href^="/courier/scan/"]').click();
await screen(page, 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context, away(118));
await page.locator('[data-typed] button').click();
await screen(page, 'opening');
await page.locator('.panel .countdown').waitFor();
await shot('handle');
check(await page.locator('[data-act="leave"]').count() === 0, 'leaving is offered while the handle is free');
await hand('pull');
await screen(page, 'inside');
await page.locator('.plate').waitFor();
await shot('inside');
await holds(p, 'inside');
await page.locator('.plate').waitFor();

// Without a link, plate and spot stay.
await context.setOffline(true);
check((await known()).length === secrets.length, `without a link the phone knows ${await known()}`);
await context.setOffline(false);
await page.locator('[data-act="deposit"] button').waitFor();
await tap('deposit');
await page.locator('[data-act="close"] button').waitFor();
await hand('lid');
await tap('close');
await screen(page, 'secured');
await shot('secured');
const stop = new URL(page.url()).pathname;
await tap('leave');
await page.waitForURL(/\/courier\/$/);
await screen(page, 'stops');
check((await known()).length === 0, `afterwards the phone shows ${await known()}`);

// Nor by Back, nor in anything that the phone keeps.
await page.goBack();
await page.waitForTimeout(1500);
check((await known()).length === 0, `Back shows ${await known()}`);
const stored = await page.evaluate(async (all) => {
  const found = [];
  const has = (text) => all.some((s) => text.includes(s));
  for (const store of [localStorage, sessionStorage]) if (has(JSON.stringify(store))) found.push('storage');
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      if (/^\/(courier\/(view|live)|v1)\//.test(new URL(request.url).pathname)) found.push(request.url);
    }
  }
  const open = indexedDB.open('loquet-courier');
  const db = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  for (const name of db.objectStoreNames) {
    const asked = db.transaction(name).objectStore(name).getAll();
    if (has(JSON.stringify(await new Promise((resolve) => { asked.onsuccess = () => resolve(asked.result); })))) found.push(name);
  }
  return found;
}, secrets);
check(stored.length === 0, `kept: ${stored}`);
check(await page.locator('img[src^="blob:"]').count() === 0, 'the picture is still there');
await page.goto(url + stop);
await page.locator('main [data-screen]').waitFor();
check((await known()).length === 0, `at its address: ${await known()}`);
check(await hand('openings') === 1, 'the car was not opened once');
await done(p);
