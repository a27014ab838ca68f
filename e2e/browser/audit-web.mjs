// Lighthouse with its mobile profile (a slow phone on a slow network, simulated) on each main page, signed in: those of
// docs/screens that a link leads to. Prints a table, and fails below 95. What only the demo adds to a page by its script is
// not there. The pages live: their streams stay open, so that "network idle" never comes; Lighthouse then measures after
// its longest wait for it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import { shared } from "./lib/chromium.mjs";
import { start } from "./lib/demo.mjs";
import { enter } from "./lib/people.mjs";
import { names } from "./lib/screens.mjs";
import { kind, ways } from "./lib/ways.mjs";

const least = 95;
// most is what a first load may weigh, in KB as it travels.
const most = 120;
const categories = ["performance", "accessibility", "best-practices"];
const port = 9000 + (process.pid % 1000);

const demo = await start();
const folder = await mkdtemp(join(tmpdir(), "loquet-audit-"));
const context = await shared(folder, port);
try {
  const page = await context.newPage();
  for (const link of Object.values(demo.links)) await enter({ page }, link);
  // What the courier's service worker keeps, it fetches behind the page: it is to be done with that.
  await page.goto(`${demo.url}/courier/`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await context.route(`${demo.url}/demo/page.mjs`, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  const low = [];
  console.log(`| page | ${categories.join(" | ")} | weight |\n|${" --- |".repeat(categories.length + 2)}`);
  for (const path of ["/sign-in", "/courier/", ...await mains("/home/"), ...await mains("/operator/")]) low.push(...await audited(path));
  for (const one of low) console.log(one);
  process.exitCode = low.length ? 1 : 0;
} finally {
  await context.close();
  await demo.stop();
  await rm(folder, { recursive: true, force: true });
}

// mains are an app's pages that have a picture, one of each kind.
async function mains(app) {
  return (await ways(context, demo.url, app, app)).filter((path) => kind(path.split("?")[0]) in names);
}

async function audited(path) {
  const name = kind(path);
  let lhr = await measured(path);
  if (lhr.runtimeError) lhr = await measured(path); // the browser's trace was lost: it is no word of the page's
  if (lhr.runtimeError) return [`${name}: ${lhr.runtimeError.message}`];
  const scores = categories.map((c) => Math.round(lhr.categories[c].score * 100));
  const weight = Math.round(weighed(lhr) / 1024);
  console.log(`| ${name} | ${scores.join(" | ")} | ${weight} KB |`);
  const reached = new URL(lhr.finalDisplayedUrl).pathname;
  const low = reached === path ? [] : [`${name}: arrived at ${reached}`];
  if (weight >= most) low.push(`${name}: ${weight} KB, more than ${most}`);
  for (const [i, c] of categories.entries()) {
    if (scores[i] < least) low.push(`${name}: ${c} ${scores[i]}: ${missed(lhr, c)}`);
  }
  return low;
}

async function measured(path) {
  await forget();
  const { lhr } = await lighthouse(demo.url + path, {
    port, output: "json", logLevel: "error", onlyCategories: categories, formFactor: "mobile", disableStorageReset: true,
    maxWaitForLoad: 20_000,
  });
  return lhr;
}

function weighed(lhr) {
  return lhr.audits["network-requests"].details.items.reduce((sum, { transferSize }) => sum + transferSize, 0);
}

// forget makes the next load a first one: no file is kept, only cookies and the phone's key.
async function forget() {
  const devtools = await context.newCDPSession(context.pages()[0]);
  await devtools.send("Network.clearBrowserCache");
  await devtools.send("Storage.clearDataForOrigin", { origin: demo.url, storageTypes: "service_workers,cache_storage" });
  await devtools.detach();
}

// missed names what cost points.
function missed(lhr, category) {
  return lhr.categories[category].auditRefs
    .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9)
    .map(({ id }) => `${id} ${lhr.audits[id].displayValue ?? ""}`.trim()).join(", ");
}
