// Every page of every app, in both languages, on a phone and on a desktop, in light and in dark: axe has nothing to say,
// nothing is wider than its window, Tab alone reaches what can be seen, nothing breaks by itself. Pages are found by
// following links, so that a new one is looked at without being listed here; what comes of something done is looked at in
// visits.test.mjs, and the answers to forms here. With SCREENS=en, or fr, it also takes the pictures of docs/screens.
import assert from "node:assert/strict";
import test, { after, before, describe, it } from "node:test";
import { launch } from "./lib/chromium.mjs";
import { start } from "./lib/demo.mjs";
import { glance, look, opened, speak, told } from "./lib/pages.mjs";
import { enter } from "./lib/people.mjs";
import { kind, ways } from "./lib/ways.mjs";

// What must be among the pages that are found: if a link to one of these is lost, so is the page.
const homes = ["/home/", "/home/deliveries/…", "/home/history", "/home/visits/…", "/home/recordings", "/home/rules"];
const console_ = ["/operator/", "/operator/alarms", "/operator/visits/…"];

let demo, browser, customer, staff, stranger, visitor;

before(async () => {
  demo = await start({ LOQUET_PUSH_SUBJECT: "mailto:office@rapido.example" });
  browser = await launch();
  [customer, staff, stranger, visitor] = await Promise.all(Array.from({ length: 4 }, () => opened(browser, demo.url)));
  await enter(customer, demo.links.customer);
  await enter(staff, demo.links.operator);
}, { timeout: 180_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
});

// All at once: mostly they wait for one another's pages.
describe("every page", { concurrency: true, timeout: 400_000 }, () => {
  it("of the customer", async () => {
    await walk(customer, "/home/", homes, "/home/", "/home/places/new", "/home/nowhere");
    await walk(customer, "/sign-in", ["/sign-in/member"], "/sign-in/member");
  });
  it("of the operator", () => walk(staff, "/operator/", console_, "/operator/", "/operator/nowhere"));
  it("of somebody who is not signed in", () => walk(stranger, "/sign-in", ["/sign-in"], "/sign-in", "/operator/sign-in", "/sign-in/mail"));
  it("of the Demo desk", () => walk(visitor, "/demo/", [], "/demo/"));
});

test("what is wrong in a form is said on a page like any other", { timeout: 240_000 }, async () => {
  await wronged(customer, "/home/rules", "/home/rules", { dwell: "soon" });
  await wronged(customer, "/home/household", "/home/household/members", { name: "" });
  await wronged(customer, "/home/cameras/new", "/home/cameras", { address: "nowhere" });
  await wronged(staff, "/operator/book", "/operator/book", { parcels: "" });
  await wronged(staff, "/operator/couriers", "/operator/couriers", { id: "" });
  told(customer, staff);
});

test("the server had nothing to report of itself", async () => assert.deepEqual(await demo.errors(), []));

// walk looks at every page below a prefix, and fails if one that must be there is not.
async function walk(who, prefix, must, ...starts) {
  const paths = await ways(who.context, demo.url, prefix, ...starts);
  const kinds = paths.map((path) => kind(path.split("?")[0]));
  for (const one of must) assert.ok(kinds.includes(one), `no link leads to ${one}; found ${kinds.join(" ")}`);
  for (const path of paths) await look(who, path);
  told(who);
}

// wronged sends a form as it should not be filled in, in both languages, and looks at the answer.
async function wronged(who, path, action, fields) {
  const { page } = who;
  for (const lang of ["fr", "en"]) {
    await speak(who, lang);
    await page.goto(demo.url + path);
    await page.locator(`form[action="${action}"]`).first().evaluate((form, fields) => {
      form.noValidate = true;
      for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
      form.requestSubmit([...form.querySelectorAll("button")].at(-1));
    }, fields);
    await page.locator("main [data-focus]").waitFor();
    assert.equal(await page.locator("#step[data-still]").count(), 1, `${path}: the stream would take away what was typed`);
    await glance(who, lang, `${path} with an error`);
  }
}
