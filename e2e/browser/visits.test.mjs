// What only comes of something done, looked at as every page is (pages.test.mjs): the steps of a courier's visit to a door
// and to a car and what the others see meanwhile, what goes wrong in one, and a door that is set up. With SCREENS=en, or fr,
// it also takes the pictures of docs/screens.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { launch } from "./lib/chromium.mjs";
import { start } from "./lib/demo.mjs";
import { glance, look, opened, speak, told } from "./lib/pages.mjs";
import { act, another, arrive, begin, enter, hand, label, lives, next, notCalledOff, offered, planB, putDown, ready, screen, setOut, typed } from "./lib/people.mjs";
import { kind, ways } from "./lib/ways.mjs";

let demo, browser, customer, staff, courier, visitor;

before(async () => {
  demo = await start({ LOQUET_PUSH_SUBJECT: "mailto:office@rapido.example" });
  browser = await launch();
  [customer, staff, courier, visitor] = await Promise.all(Array.from({ length: 4 }, () => opened(browser, demo.url)));
  await enter(customer, demo.links.customer);
  await enter(staff, demo.links.operator);
  await enter(courier, demo.links.courier);
}, { timeout: 180_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
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
  await act(courier, "leave");
  await page.waitForURL(`${demo.url}/courier/`);
  told(courier, customer, staff);
});

test("every step of a visit to a car, and what its owner sees", { timeout: 300_000 }, async () => {
  const { page } = courier;
  const car = { door: "lices-volvo" };
  const step = async (name) => {
    await screen(courier, name);
    await look(courier, new URL(page.url()).pathname, `car-${name}`);
  };
  await hand(demo.url, "back");
  await setOut(courier, demo.url, "cours des Lices");
  await hand(demo.url, "come", car);
  await ready(courier, "arrive");
  await step("go");
  const owner = await opened(browser, demo.url);
  await enter(owner, await offered(demo.url, "customer"));
  for (const path of await ways(owner.context, demo.url, "/home/places/", "/home/")) await look(owner, path, "car");
  await act(courier, "arrive");
  await step("arrive");
  await page.locator('a[href^="/courier/scan/"]').click();
  await page.waitForURL(/\/courier\/scan\//);
  await typed(courier, await label(demo.url));
  await page.waitForURL(/\/courier\/stop\//);
  await step("opening");
  await hand(demo.url, "push", car);
  await step("inside");
  await look(owner, (await ways(owner.context, demo.url, "/home/deliveries/", "/home/"))[1], "car-open");
  await putDown(courier);
  await hand(demo.url, "pull", car);
  await act(courier, "close");
  await step("secured");
  await act(courier, "leave");
  await page.waitForURL(`${demo.url}/courier/`);
  await look(visitor, "/demo/?door=lices-volvo", "car");
  told(courier, owner, visitor);
});

test("what goes wrong in a visit", { timeout: 240_000 }, async () => {
  const { page } = courier;
  const stop = () => new URL(page.url()).pathname;
  await coming();
  await page.locator('a[href^="/courier/scan/"]').click();
  await page.waitForURL(/\/courier\/scan\//);
  await typed(courier, "1234 5678 nothing of yours");
  await page.locator(".answer h1").waitFor();
  await glance(courier, "en", "a refusal that answers");
  await page.locator(".answer [data-close]").first().click();
  await page.goBack();
  await screen(courier, "arrive");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await courier.context.setOffline(true);
  for (const path of [stop(), "/courier/"]) {
    await page.goto(demo.url + path);
    await screen(courier, "offline");
    await glance(courier, "en", `${kind(path)} without a network`);
  }
  await courier.context.setOffline(false);
  await page.goBack();
  await screen(courier, "arrive");
  await customer.page.locator('summary[data-action-id="block"]').click();
  await customer.page.locator('[data-action-id="block-now"]:not([data-deaf])').waitFor();
  await glance(customer, "en", "the block is asked");
  await customer.page.locator('[data-action-id="block-now"]').click();
  await customer.page.locator('[data-answer="blocked"]').waitFor();
  await glance(customer, "en", "blocked");
  await look(customer, new URL(customer.page.url()).pathname, "blocked");
  await screen(courier, "refusal");
  await look(courier, stop(), "refusal");
  await look(courier, `${stop()}/plan-b`, "plan-b");
  await page.goBack();
  await screen(courier, "refusal");
  await planB(courier, demo.url);

  await coming();
  await page.locator('a[href^="/courier/scan/"]').click();
  await page.waitForURL(/\/courier\/scan\//);
  await typed(courier, await label(demo.url));
  await page.waitForURL(/\/courier\/stop\//);
  await hand(demo.url, "push");
  await act(courier, "danger");
  await screen(courier, "fled");
  await look(courier, stop(), "fled");
  await look(staff, "/operator/", "danger");
  await look(customer, new URL(customer.page.url()).pathname, "danger");
  await hand(demo.url, "pull");
  told(courier, customer, staff);
});

test("a door is set up, with Back, a reload and a second tab at each step", { timeout: 180_000 }, async () => {
  const { page, context } = customer;
  const door = { door: "lilas-side-door" };
  const work = async (deed, said) => {
    await hand(demo.url, deed, door);
    await page.locator("main .barrier").getByText(said, { exact: true }).first().waitFor();
  };
  const worked = async () => {
    for (const [deed, state] of [["turn", "Not locked"], ["push", "Open"], ["pull", "Not locked"], ["turn", "Shut and locked"]]) await work(deed, state);
  };
  await free("side-door");
  await speak(customer, "en");
  const other = await context.newPage();
  const stays = async () => {
    const [title, step] = await shown(page);
    await page.reload();
    await other.goto(page.url());
    for (const tab of [page, other]) assert.deepEqual(await shown(tab), [title, step], tab.url());
  };

  await page.goto(`${demo.url}/home/places/new`);
  await page.locator('a.kind[href*="is=front-door"]').click();
  await page.waitForURL(/\/device/);
  await stays();
  await page.locator('main a[href*="/proof"]').click();
  await page.waitForURL(/\/proof/);
  await stays();
  await page.goBack();
  await page.waitForURL(/\/device/);
  await page.goForward();
  await page.locator('main button[name="add"]').click();
  await page.waitForURL(/\/home\/barriers\//);
  const barrier = page.url();
  await page.goBack();
  await page.waitForURL(barrier); // what was taken is not offered again
  await stays();
  for (const one of [page, other]) await lives(one);
  await worked(); // the device is heard for the first time
  await work("turn", "Not locked");
  await page.locator('#step[data-step="shut"]').waitFor({ state: "attached" });
  await stays();
  await lives(page);
  await glance(customer, "en", "the door by hand");
  for (const [deed, state] of [["push", "Open"], ["pull", "Not locked"], ["turn", "Shut and locked"]]) await work(deed, state);
  for (const one of [page, other]) await one.locator('#step[data-step="done"]').waitFor({ state: "attached" });
  await stays();

  await page.locator('main .actions a[href^="/home/places/new/where"]').click();
  await page.waitForURL(/\/where/);
  await page.locator('input[name="name"]').fill("Side way");
  await page.locator('input[name="position"]').fill("nowhere");
  await page.locator('button[name="add"]').click();
  await page.locator("#position-error").waitFor();
  await glance(customer, "en", "where it is");
  assert.equal(await page.locator('input[name="name"]').inputValue(), "Side way");
  await page.locator('input[name="position"]').fill("48.8584, 2.2945");
  await page.locator('button[name="add"]').dblclick();
  await page.waitForURL(/\/who/);
  await glance(customer, "en", "who may");
  await page.goBack();
  await page.waitForURL(/\/where/);
  await page.goForward();
  await page.waitForURL(/\/who/);
  await stays();
  assert.equal((await home()).accessPoints.filter(({ name }) => name === "Side way").length, 1);

  const rehearsal = await page.locator('main a[href$="/rehearsal"]').first().getAttribute("href");
  await page.goto(`${demo.url}/home/cameras/new`);
  await page.locator('input[name="address"]').fill("nowhere");
  await page.locator('input[name="sees"]').last().check();
  await page.locator('button[name="add"]').click();
  await page.locator("#address-error").waitFor();
  assert.equal(await page.locator('input[name="address"]').inputValue(), "nowhere");
  assert.ok(await page.locator('input[name="sees"]').last().isChecked(), "what was chosen is lost");
  await page.goto(`${demo.url}/home/cameras/${(await home()).cameras[0].camera}`);
  await page.locator('button[name="check"]').dblclick();
  await page.locator("main .steps").waitFor();
  await glance(customer, "en", "a camera that was looked at");
  await stays();

  await page.goto(demo.url + rehearsal);
  await stays();
  const begin = page.locator('[data-action-id="begin"]:not([data-deaf])');
  await begin.click();
  await page.locator("#refusal").waitFor(); // no camera films this door
  await stays();
  await unfilmed();
  await worked(); // who does that is there
  await begin.dblclick();
  await page.locator("main .barrier").getByText("Not locked", { exact: true }).first().waitFor();
  await stays();
  await lives(page);
  await work("push", "Open");
  await glance(customer, "en", "in the rehearsal");
  await stays();
  await lives(page);
  await work("pull", "Not locked");
  await page.locator('form[action$="/rehearsal/close"] button:not([data-deaf])').click();
  for (const one of [page, other]) await one.locator('#step[data-step="ready"]').waitFor({ state: "attached" });
  await stays();
  await glance(customer, "en", "after the rehearsal");
  await other.close();
  customer.wrong = customer.wrong.filter(notCalledOff);
  told(customer);
});

test("the server had nothing to report of itself", async () => assert.deepEqual(await demo.errors(), []));

// home is what the household has.
const home = async () => (await customer.page.request.get(`${demo.url}/v1/home`)).json();

// free has the household give up a door, whose device can be set up anew then.
async function free(name) {
  const { accessPoints, barriers } = await home();
  const { barrier } = barriers.find(({ device }) => device.endsWith(`.${name}`));
  const { accessPoint } = accessPoints.find(({ wayIn }) => wayIn.at(-1).barrier === barrier);
  for (const one of [`access-points/${accessPoint}`, `barriers/${barrier}`]) {
    const answer = await customer.page.request.delete(`${demo.url}/v1/home/${one}`, { headers: { origin: demo.url } });
    assert.equal(answer.status(), 204, one);
  }
}

// unfilmed lets doors open that no camera films.
async function unfilmed() {
  const { dwellSeconds, climbSeconds, watch } = (await home()).rules;
  const answer = await customer.page.request.put(`${demo.url}/v1/home/rules`, { data: { dwellSeconds, climbSeconds, watch, camera: false }, headers: { origin: demo.url } });
  assert.ok(answer.ok(), await answer.text());
}

// shown is which step a page shows.
async function shown(page) {
  return [await page.locator("main h1").innerText(), await page.locator("#step").getAttribute("data-step")];
}

// coming has the next parcel sent, the household watch, and the courier come to its door.
async function coming() {
  await hand(demo.url, "back");
  await another(demo.url);
  for (const who of [courier, customer]) await speak(who, "en");
  await next(customer, demo.url);
  await begin(courier, demo.url, "rue des Lilas");
  await arrive(courier, demo.url);
}
