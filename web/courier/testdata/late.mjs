// An answer that is overtaken on its way is old when it comes, and one that is not the server's is none: what is newer, or
// was the server's word last, stays on the screen.

import { check, done, hand, pair, phone, screen, stand, url } from './phone.mjs';

const p = await phone();
const { page, context } = p;
const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();

await pair(page);
await hand('assign');
await page.reload();
await tap('approach');
await screen(page, 'go');

// The place as it is now is held up on its way to the phone.
let release, asked;
const held = new Promise((resolve) => { release = resolve; });
const old = new Promise((resolve) => { asked = resolve; });
await page.route('**/courier/view/**', async (route) => {
  const answer = await route.fetch();
  asked();
  await held;
  await route.fulfill({ response: answer });
}, { times: 1 });
await page.evaluate(() => dispatchEvent(new Event('online')));
await old;

await stand(context);
await tap('arrive');
await screen(page, 'arrive');
await page.evaluate(() => {
  const main = document.getElementById('main');
  globalThis.screens = new Set();
  const see = () => screens.add(main.querySelector('[data-screen]')?.dataset.screen);
  new MutationObserver(see).observe(main, { subtree: true, childList: true, attributes: true });
});

// The old one comes, and the place is asked for again.
let answers = 0;
const again = page.waitForResponse((answer) => answer.url().includes('/courier/view/') && ++answers === 2);
release();
await again;
await screen(page, 'arrive');
check(await page.evaluate(() => !screens.has('go')), 'what was so before came back');

// A proxy answers for a server that is away: what is shown stays.
async function fetchFromNobody() {
  await page.route('**/courier/view/**', (route) => route.fulfill({ status: 502, contentType: 'text/html', body: 'Bad Gateway' }), { times: 1 });
  await page.evaluate(async () => {
    globalThis.leaves = false;
    navigation.addEventListener('navigate', () => { globalThis.leaves = true; });
    const { refetch } = await import(document.querySelector('script[src$="/live.mjs"]').src);
    await refetch();
  });
  check(await page.evaluate(() => !globalThis.leaves), 'the page was left');
}
await fetchFromNobody();
check(await page.evaluate(() => !screens.has('trouble')), 'the place was taken away');
await screen(page, 'arrive');
await page.goto(url + await page.locator('a[href^="/courier/scan/"]').getAttribute('href'));
await screen(page, 'scan');
await fetchFromNobody();
await screen(page, 'scan');
await done(p);
