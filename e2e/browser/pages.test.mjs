// Every page of every app, in both languages, on a phone and on a desktop, in light and in dark: axe has nothing to say,
// nothing is wider than its window, Tab alone reaches what can be seen, nothing breaks by itself. Pages are found by following links, so that a new one is
// looked at without being listed here. With SCREENS=1 it also takes the pictures of docs/screens.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import test, { after, before, describe, it } from "node:test";
import { desktop, launch, narrow, phone } from "./lib/chromium.mjs";
import { start } from "./lib/demo.mjs";
import { enlarged, fits, foreign, framed, judged, tabbed } from "./lib/look.mjs";
import { act, arrive, begin, enter, guest, hand, label, putDown, screen, typed } from "./lib/people.mjs";
import { kind, ways } from "./lib/ways.mjs";
import { pictured } from "./lib/screens.mjs";

// What must be among the pages that are found: if a link to one of these is lost, so is the page.
const homes = ["/home/", "/home/deliveries/…", "/home/history", "/home/visits/…", "/home/recordings", "/home/rules"];
const console_ = ["/operator/", "/operator/alarms", "/operator/visits/…"];

let demo, browser, customer, staff, courier, stranger, visitor;

before(async () => {
  if (process.env.SCREENS) await mkdir(pictured.folder, { recursive: true });
  demo = await start();
  browser = await launch();
  [customer, staff, courier, stranger, visitor] = await Promise.all(Array.from({ length: 5 }, opened));
  await enter(customer, demo.links.customer);
  await enter(staff, demo.links.operator);
  await enter(courier, demo.links.courier);
}, { timeout: 180_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
});

// All at once: mostly they wait for one another's pages.
describe("every page", { concurrency: true, timeout: 400_000 }, () => {
  it("of the customer", () => walk(customer, "/home/", homes, "/home/", "/home/places/new", "/home/nowhere"));
  it("of the operator", () => walk(staff, "/operator/", console_, "/operator/", "/operator/nowhere"));
  it("of somebody who is not signed in", () => walk(stranger, "/sign-in", ["/sign-in"], "/sign-in", "/operator/sign-in", "/sign-in/mail"));
  it("of the Demo desk", () => walk(visitor, "/demo/", [], "/demo/"));
});

test("every step of a courier's visit, and what the others see meanwhile", { timeout: 240_000 }, async () => {
  const { page } = courier;
  const step = async (name) => {
    await screen(courier, name);
    await look(courier, new URL(page.url()).pathname, name);
  };
  await look(courier, "/courier/pair");
  await look(courier, "/courier/", "stops");
  await begin(courier, demo.url, "rue des Lilas");
  await step("go");
  await arrive(courier, demo.url);
  await step("arrive");
  await page.locator('a[href^="/courier/scan/"]').click();
  await page.waitForURL(/\/courier\/scan\//);
  await step("scan");
  await typed(courier, await label(demo.url));
  await page.waitForURL(/\/courier\/stop\//);
  await hand(demo.url, "push");
  await step("inside");
  await look(customer, (await ways(customer.context, demo.url, "/home/deliveries/", "/home/"))[1], "open");
  await look(staff, "/operator/", "open");
  await putDown(courier);
  await hand(demo.url, "pull");
  await act(courier, "close");
  await step("secured");
  told(courier, customer, staff);
});

test("the server had nothing to report of itself", async () => assert.deepEqual(await demo.errors(), []));

// told fails with everything that was found.
function told(...people) {
  const all = people.flatMap((who) => [...who.found.splice(0), ...new Set(who.wrong.splice(0))]);
  assert.equal(all.length, 0, `${all.length} findings:\n${all.join("\n")}`);
}

// opened is somebody's own window in the one browser.
async function opened() {
  return { found: [], ...await guest(browser, demo.url, { mobile: false, reducedMotion: "reduce", permissions: ["camera"] }) };
}

// walk looks at every page below a prefix, and fails if one that must be there is not.
async function walk(who, prefix, must, ...starts) {
  const paths = await ways(who.context, demo.url, prefix, ...starts);
  const kinds = paths.map((path) => kind(path.split("?")[0]));
  for (const one of must) assert.ok(kinds.includes(one), `no link leads to ${one}; found ${kinds.join(" ")}`);
  for (const path of paths) await look(who, path);
  told(who);
}

// look opens a page in both languages, and looks at it on a phone and on a desktop, in light and in dark. state names
// what is under way, where that matters.
async function look({ context, page, found }, path, state = "") {
  for (const lang of ["fr", "en"]) {
    await context.addCookies([{ name: "loquet-lang", value: lang, url: demo.url }]);
    await page.setViewportSize(phone);
    await page.goto(demo.url + path);
    await page.locator("main h1").first().waitFor();
    if (/^\/courier\/(?!pair)/.test(path)) await page.locator("main [data-screen]").first().waitFor({ state: "attached" });
    const findings = [...await framed(page, lang, !path.endsWith("/nowhere")), ...await foreign(page, lang)];
    for (const size of [phone, desktop]) findings.push(...await sized(page, path, lang, size, state));
    if (lang === "en") {
      await page.setViewportSize(phone);
      findings.push(...await tabbed(page));
    }
    found.push(...findings.map((f) => `${kind(path)}${state && ` (${state})`} ${lang}: ${f}`));
  }
}

async function sized(page, path, lang, size, state) {
  await page.setViewportSize(size);
  if (process.env.SCREENS) await pictured(page, path, lang, size, state);
  const findings = await judged(page);
  if (lang === "fr") findings.push(...await wide(page, size));
  await page.emulateMedia({ colorScheme: "dark" });
  findings.push(...(await judged(page, ["color-contrast", "link-in-text-block"])).map((f) => `dark, ${f}`));
  await page.emulateMedia({ colorScheme: "light" });
  return findings.map((f) => `${size.width} px, ${f}`);
}

// wide is measured in French, whose words are longer.
async function wide(page, size) {
  const findings = [...await fits(page, "as it is"), ...await enlarged(page, 200, () => fits(page, "text at 200 %"))];
  if (size !== phone) return findings;
  await page.setViewportSize(narrow);
  findings.push(...await fits(page, "at 320 px"));
  await page.setViewportSize(size);
  return findings;
}
