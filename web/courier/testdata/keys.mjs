// Who a phone is: without its key, nobody; with it, only that phone; and its clock may be wrong.

import { check, door, done, hand, pair, phone, screen, url } from './phone.mjs';

const p = await phone({ name: 'first' });
const { page, context } = p;

// Nobody yet.
await page.goto(`${url}/courier/`);
await page.waitForURL(`${url}/courier/pair`);
await page.locator('#code').fill('AAAA-AAAA');
await page.locator('form[data-pair] button').click();
await page.locator('#pair-error', { hasText: 'not known' }).waitFor();
check(await page.evaluate(() => document.activeElement.id) === 'code', 'the focus is not where the error is');

// A link brings the code in its fragment, which leaves the address at once.
await pair(page);
await screen(page, 'stops');
const kept = await page.evaluate(async () => {
  const open = indexedDB.open('loquet-courier');
  const db = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  const asked = db.transaction('keys').objectStore('keys').get('bound');
  const key = await new Promise((resolve) => { asked.onsuccess = () => resolve(asked.result); });
  let exported = 'no';
  try { await crypto.subtle.exportKey('jwk', key.private); exported = 'yes'; } catch { /* as it should be */ }
  return { extractable: key.private.extractable, exported, usages: key.private.usages.join() };
});
check(!kept.extractable && kept.exported === 'no' && kept.usages === 'sign', `the key can leave: ${JSON.stringify(kept)}`);
check((await context.cookies()).length === 0, 'there is a cookie');

// Another phone with everything that can be copied.
const other = await phone({ name: 'second' });
await other.context.addCookies((await context.cookies()).map((c) => ({ ...c })));
const storage = await page.evaluate(() => JSON.stringify(localStorage));
await other.page.addInitScript((s) => { for (const [k, v] of Object.entries(JSON.parse(s))) localStorage.setItem(k, v); }, storage);
await other.page.goto(`${url}/courier/`);
await other.page.waitForURL(`${url}/courier/pair`);
check(/Tie this phone/.test(await other.page.locator('h1').textContent()), 'another phone is not told what to do');

// The other phone takes over: the first is told, and shows nothing more.
await pair(other.page);
await screen(other.page, 'stops');
await page.reload();
await screen(page, 'unbound');
check(/not yours/.test(await page.locator('h1').textContent()), 'the first phone is not told');
await other.close();

// Back on the first, whose clock is three hours ahead: it signs in the server's time, and says when it was where.
await page.addInitScript(() => {
  const ahead = 3 * 3600 * 1000, real = Date.now.bind(Date);
  Date.now = () => real() + ahead;
  const watch = navigator.geolocation.watchPosition.bind(navigator.geolocation);
  navigator.geolocation.watchPosition = (found, ...rest) => watch((at) => found({ coords: at.coords, timestamp: at.timestamp + ahead }), ...rest);
});
await pair(page);
await screen(page, 'stops');
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').click();
await page.locator('[data-act="arrive"] button').click();
await screen(page, 'arrive');
check(await hand('arrived'), 'the arrival was not recorded');
await done(p);
