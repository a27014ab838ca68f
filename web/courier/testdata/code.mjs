// One code, one opening.

import { check, done, hand, holds, pair, phone, screen, stand } from './phone.mjs';

const p = await phone();
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).click();

await pair(page);
await hand('assign');
await page.reload();
await tap('approach');
await tap('arrive');
await page.locator('a[href^="/courier/scan/"]').click();
await screen(page, 'scan');
await page.locator('#typing').evaluate((d) => { d.open = true; });
await page.locator('#text').fill(await hand('parcel'));
await stand(context);
await page.locator('[data-typed] button').click();
await screen(page, 'code');
await holds(p, 'code');
check(/left of the door, under the lamp/.test(await page.locator('main .notes').innerText()), 'where the keypad is stands nowhere');
const before = await page.locator('[data-act="code"] button');
await before.waitFor();
check(await page.locator('#code').innerText() === '', 'a code stands there before anybody asked');
await stand(context);
await page.locator('[data-act="code"] button:not([data-deaf])').dblclick();
await page.locator('#code .pair').first().waitFor();
const digits = (await page.locator('#code [aria-hidden]').innerText()).replace(/\s/g, '');
check(/^\d{4,8}$/.test(digits), `the code: ${digits}`);
check((await page.locator('#code .said').innerText()).includes([...digits].join(', ')), 'it is not read out digit by digit');
check(await before.isHidden(), 'the code is offered although it is there');
if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/code.png` });

// Covered while the page is not seen.
await page.evaluate(() => {
  Object.defineProperty(document, 'hidden', { value: true, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
});
check(await page.locator('#code .code').evaluate((el) => getComputedStyle(el).visibility) === 'hidden', 'the code is not covered');
await page.evaluate(() => {
  Object.defineProperty(document, 'hidden', { value: false, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
});

// Nowhere on the phone.
const stored = await page.evaluate(async (code) => {
  const found = [];
  for (const store of [localStorage, sessionStorage]) if (JSON.stringify(store).includes(code)) found.push('storage');
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      if (/^\/(courier\/(view|live)|v1)\//.test(new URL(request.url).pathname)) found.push(request.url);
    }
  }
  const open = indexedDB.open('loquet-courier');
  const db = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  for (const name of db.objectStoreNames) {
    const asked = db.transaction(name).objectStore(name).getAll();
    const all = await new Promise((resolve) => { asked.onsuccess = () => resolve(asked.result); });
    if (JSON.stringify(all).includes(code)) found.push(name);
  }
  return found;
}, digits);
check(stored.length === 0, `the code is kept: ${stored}`);

// A reload shows it only after another tap, and it is the same.
await page.reload();
await screen(page, 'code');
check(!(await page.content()).includes(digits), 'a reload shows the code');
await stand(context);
await tap('code');
await page.locator('#code .pair').first().waitFor();
check((await page.locator('#code [aria-hidden]').innerText()).replace(/\s/g, '') === digits, 'it is another code');

// Its use, as the lock reports it, takes it away.
const wrong = await hand('type', digits);
check(wrong === '', wrong);
await screen(page, 'inside');
check(!(await page.content()).includes(digits), 'the code is still there');
await page.goBack();
await page.goForward();
await screen(page, 'inside');
check(!(await page.content()).includes(digits), 'Back shows the code');
check(await hand('openings') === 1, 'the door was not opened once');
await done(p);
