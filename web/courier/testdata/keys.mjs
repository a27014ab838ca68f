// Who a phone is: without its key, nobody; with it, only that phone; and its clock may be wrong.

import { check, done, hand, pair, phone, screen, stand, url } from './phone.mjs';

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

// A clock that is so many hours off: the phone signs in the server's time, and says when it was where.
const off = (hours) => {
  const wrong = hours * 3600 * 1000, Right = Date;
  globalThis.Date = class extends Right {
    constructor(...given) { super(...(given.length ? given : [Right.now() + wrong])); }
    static now = () => Right.now() + wrong;
  };
  const watch = navigator.geolocation.watchPosition.bind(navigator.geolocation);
  navigator.geolocation.watchPosition = (found, ...rest) => watch((at) => found({ coords: at.coords, timestamp: at.timestamp + wrong }), ...rest);
};

// Back on the first, whose clock is three hours ahead.
await page.addInitScript(off, 3);
await pair(page);
await screen(page, 'stops');
await hand('assign');
await page.reload();
await page.locator('[data-act="approach"] button').click();
await page.locator('[data-act="arrive"] button').click();
await screen(page, 'arrive');
check(await hand('arrived'), 'the arrival was not recorded');

// The same with a clock that is three hours behind.
const stop = page.url();
const behind = await context.newPage();
await behind.addInitScript(off, -3);
await behind.goto(stop);
await screen(behind, 'arrive');
await behind.locator('a[href^="/courier/scan/"]').click();
await screen(behind, 'scan');
await behind.locator('#typing').evaluate((d) => { d.open = true; });
await behind.locator('#text').fill(await hand('parcel'));
await stand(context);
await behind.locator('[data-typed] button').click();
await screen(behind, 'inside');
await hand('push');
await behind.locator('h1', { hasText: /open/ }).waitFor();

// Countdowns and ages are those of a right clock, whatever the phone's says.
const right = await context.newPage();
for (const one of [right, page]) await one.goto(stop);
const tells = async (one) => {
  await one.locator('h1', { hasText: /open/ }).waitFor();
  await one.locator('main .countdown').first().waitFor();
  const seconds = (said) => said.split(':').reduce((all, n) => all * 60 + Number(n), 0);
  const now = Date.now() / 1000;
  const [left, open] = await one.evaluate(() => ['.countdown', '.elapsed'].map((what) => document.querySelector(`main ${what}`)?.innerText ?? '0'));
  return { ends: now + seconds(left), began: now - seconds(open), gone: await one.locator('main .seen[data-over]').count() };
};
const truth = await tells(right);
for (const [clock, one] of Object.entries({ ahead: page, behind })) {
  const told = await tells(one);
  check(Math.abs(told.ends - truth.ends) < 3 && Math.abs(told.began - truth.began) < 3 && told.gone === truth.gone, `${clock}: ${JSON.stringify(told)}, and truly ${JSON.stringify(truth)}`);
}
check(truth.ends - Date.now() / 1000 > 10, 'nothing counts down');
await done(p);
