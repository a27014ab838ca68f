// A courier's phone: Debian's Chromium, driven by playwright-core.

import { chromium } from 'playwright-core';

export const url = process.env.URL;
export const folder = process.env.FOLDER;

const quiet = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

/** Where the houses of package indoors stand. */
export const door = { latitude: 48.8584, longitude: 2.2945, accuracy: 8 };
export const away = (metres) => ({ ...door, latitude: door.latitude + metres / 111195 });

/** phone opens a browser with a profile of its own. film is what its camera sees. */
export async function phone({ lang = 'en', width = 390, height = 844, at = door, scheme = 'light', film, name = 'phone', permissions = ['geolocation', 'camera'], args = [] } = {}) {
  const camera = film
    ? ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`] : [];
  const context = await chromium.launchPersistentContext(`${folder}/${name}`, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: [...quiet, ...camera, ...args],
    viewport: { width, height }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: lang, colorScheme: scheme,
    geolocation: at, permissions,
  });
  const page = context.pages()[0] ?? await context.newPage();
  const wrong = [];
  page.on('pageerror', (e) => wrong.push(String(e.stack ?? e)));
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource|ERR_INTERNET|net::|^\[object Event\]$/.test(m.text())) wrong.push(m.text()); });
  if (process.env.TALK) {
    page.on('console', (m) => console.log('console', m.type(), m.text()));
    page.on('response', (r) => { if (process.env.TALK === '2' || !r.url().includes('/assets/')) console.log(r.status(), r.request().method(), r.url()); });
    page.on('requestfailed', (r) => console.log('failed', r.url(), r.failure()?.errorText));
  }
  process.on('exit', (code) => { if (code && wrong.length) console.log(wrong.join('\n')); });
  page.setDefaultTimeout(60000);
  return { context, page, wrong, close: () => context.close() };
}

/** stand has the phone tell its place anew, as phones do all the time. */
export const stand = (context, at = door) => context.setGeolocation({ ...at, accuracy: at.accuracy + Math.random() / 10 });

/** hand has the test do something. */
export async function hand(what, that = '') {
  const answer = await fetch(`${url}/test/${what}?with=${encodeURIComponent(that)}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
  return answer.json();
}

/** pair ties the phone to the courier. */
export async function pair(page) {
  const code = await hand('code');
  await page.goto(`${url}/courier/pair#${code}`);
  await page.locator('form[data-pair] button').click();
  await page.waitForURL(`${url}/courier/`);
}

/** screen waits for a screen of the visit. */
export async function screen(page, name) {
  try {
    await page.locator(`main [data-screen="${name}"]`).waitFor({ state: 'attached' });
  } catch (error) {
    throw new Error(`${name} did not come; there is:\n${await page.locator('body').innerText()}`, { cause: error });
  }
}

/** atTheDoor has the courier pair the phone, set out and arrive. It returns the way to the scan page. */
export async function atTheDoor({ page, context }) {
  const tap = (name) => page.locator(`[data-act="${name}"] button:not([data-deaf])`).first().click();
  await pair(page);
  await hand('assign');
  await page.reload();
  await tap('approach');
  await screen(page, 'go');
  await stand(context);
  await tap('arrive');
  await screen(page, 'arrive');
  return page.locator('a[href^="/courier/scan/"]').getAttribute('href');
}

/**
 * holds looks at a step in every way that asks for nothing: a reload, a second tab, Back, and a network that is lost and
 * comes back. The step stays, and without a network nobody is told from memory where the visit stands.
 */
export async function holds({ page, context }, name, without = 'offline') {
  const at = page.url();
  await page.evaluate(() => navigator.serviceWorker.ready);
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

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

/** done ends a script: whatever went wrong in a page is wrong. */
export async function done(...phones) {
  for (const p of phones) {
    check(p.wrong.length === 0, `in the page:\n${p.wrong.join('\n')}`);
    await p.close();
  }
}
