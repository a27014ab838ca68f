// Three people in three browser contexts, and hands at the virtual home.
import { launch, desktop, phone } from "./chromium.mjs";

// Everything that goes wrong in a page by itself: a script that breaks, something that the policy stops, a request to
// another host, of the pages themselves and of their service workers.
export function watched(context, home, wrong) {
  context.on("page", (page) => {
    page.on("pageerror", (e) => wrong.push(`${page.url()}: ${e.stack ?? e}`));
    page.on("console", (m) => {
      if (m.type() === "error" && !/Failed to load resource|net::ERR/.test(m.text())) wrong.push(`${page.url()}: ${m.text()}`);
    });
  });
  context.on("request", (r) => {
    const to = new URL(r.url());
    if (!["data:", "blob:"].includes(to.protocol) && to.origin !== home) wrong.push(`${r.serviceWorker()?.url() ?? r.frame().url()} asks ${to.origin}`);
  });
}

// notCalledOff leaves out what htmx says of a first press whose request the second one called off.
export const notCalledOff = (said) => !/htmx:(afterRequest|sendAbort), /.test(said);

// person opens a browser context with one page. The courier has a browser alone: what its camera sees is a flag of it.
export async function person(home, { film, nice, ...more } = {}) {
  const browser = await launch({ film, nice });
  const who = await guest(browser, home, more);
  return { ...who, browser, close: () => browser.close() };
}

// guest is somebody whose browser others use too, each in a context of their own.
export async function guest(browser, home, { lang = "en", size = phone, mobile = size === phone, ...more } = {}) {
  const context = await browser.newContext({ viewport: size, locale: lang, isMobile: mobile, hasTouch: mobile, deviceScaleFactor: 1, ...more });
  const wrong = [];
  watched(context, home, wrong);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return { home, browser, context, page, wrong, close: () => context.close() };
}

export const operator = (home, more) => person(home, { size: desktop, ...more });

// enter follows a one-time link to the end: where it asks for a tap, it is tapped.
export async function enter(who, link) {
  const { page } = who;
  await page.goto(link);
  if (/\/courier\/pair/.test(page.url())) {
    await page.locator("form[data-pair] button").click();
    await page.waitForURL(/\/courier\/$/);
    return;
  }
  const go = page.locator('main form[method="post"] button.primary');
  if (/\/sign-in\/|\/link\//.test(page.url())) {
    await go.click();
    await page.waitForURL(/\/(home|operator)\//);
  }
}

// next opens the page of the household's delivery that comes next, and waits until it lives.
export async function next({ page }, home) {
  await page.goto(`${home}/home/`);
  await page.locator('a[href^="/home/deliveries/"]').first().click();
  await page.waitForURL(/\/home\/deliveries\//);
  await lives(page);
}

// lives waits until the page's link stands.
export const lives = (page) => page.locator('html[data-link="live"]').waitFor();

// came waits for something on a page, and tells what there is instead.
async function came(page, name, what, state) {
  try {
    await page.locator(what).first().waitFor({ state });
  } catch (cause) {
    throw new Error(`${name} did not come; there is:\n${await page.locator("body").innerText()}`, { cause });
  }
}

// screen waits for a step of the courier's visit.
export const screen = ({ page }, name) => came(page, name, `main [data-screen="${name}"]`, "attached");

// ready waits until an action takes presses.
export const ready = ({ page }, name) => came(page, name, `main [data-act="${name}"] button:not([data-deaf])`, "visible");

// act presses the button of an action, as soon as it takes presses; so many times, one right after the other.
export const act = ({ page }, name, clickCount = 1) => page.locator(`main [data-act="${name}"] button:not([data-deaf])`).first().click({ clickCount });

// setOut has the courier begin the visit at a stop of the round: the last one at an address, or the one that is at a path.
export async function setOut(courier, home, address, taps) {
  const { page } = courier;
  await page.goto(`${home}/courier/`);
  await screen(courier, "stops");
  await (address.startsWith("/") ? page.locator(`.round a[href="${address}"]`) : page.locator(".round a", { hasText: address }).last()).click();
  await page.waitForURL(/\/courier\/stop\//);
  await screen(courier, "go");
  if (!await page.locator('[data-act="approach"]').count()) return;
  // Until it is answered the desk's courier walks to where the way led before.
  const answered = page.waitForResponse((r) => new URL(r.url()).pathname === "/v1/courier/approach");
  await act(courier, "approach", taps);
  await answered;
}

// begin has the courier set out for a door.
export async function begin(courier, home, address, taps) {
  await setOut(courier, home, address, taps);
  await courier.page.locator('[data-act="arrive"]').waitFor({ state: "attached" });
}

// there waits until the courier's page says "at the door": the button is there some metres before, and the server decides.
export const there = ({ page }) => page.locator("#way:not([hidden])").filter({ hasNotText: /\d/ }).waitFor();

// arrive walks the courier to the door.
export async function arrive(courier, home, taps) {
  await hand(home, "come");
  await there(courier);
  await act(courier, "arrive", taps);
  await screen(courier, "arrive");
}

// atOnce holds one request of each page back until all of them are there, and lets them go together.
export async function atOnce(...held) {
  let waiting = held.length;
  let open;
  const all = new Promise((resolve) => { open = resolve; });
  for (const [page, path] of held) {
    await page.route(path, async (route) => {
      if (--waiting === 0) open();
      await all;
      await route.continue();
    }, { times: 1 });
  }
}

// typed gives a parcel's number by hand, on the scan page.
export async function typed({ page }, code, clickCount = 1) {
  await page.locator("#typing").evaluate((form) => { form.open = true; }); // it is, where there is no camera
  await page.locator('#typing input[name="text"]').fill(code);
  await page.locator('#typing button[data-action-id="type"]').click({ clickCount });
}

// bring puts the parcel down behind the open door, shuts it, and leaves.
export async function bring(courier, home) {
  await putDown(courier);
  await shut(courier, home);
  await leave(courier, home);
}

// shut closes the door behind the parcel.
export async function shut(courier, home, taps) {
  await hand(home, "pull");
  await act(courier, "close", taps);
  await screen(courier, "secured");
}

// leave ends the visit.
export async function leave(courier, home, taps) {
  await act(courier, "leave", taps);
  await courier.page.waitForURL(`${home}/courier/`);
}

// putDown leaves the parcel inside.
export async function putDown(courier, taps) {
  await act(courier, "deposit", taps);
  await courier.page.locator('[data-act="close"] button').waitFor();
}

// planB leaves the parcel where the household said, when nothing opened.
export async function planB(courier, home, taps) {
  await courier.page.locator('main a[href$="/plan-b"]').last().click();
  await screen(courier, "plan-b");
  await act(courier, "plan-b", taps);
  await courier.page.waitForURL(`${home}/courier/`);
}

// authenticator puts a passkey's keeper into somebody's device, whose person always agrees.
export async function authenticator({ context, page }) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", { options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  } });
}

// hand works the virtual home through the Demo desk: what a visitor would press there.
export async function hand(home, deed, { door = "lilas-front-door", to = "" } = {}) {
  const answer = await fetch(`${home}/demo/act`, {
    method: "POST", redirect: "manual", body: new URLSearchParams({ do: deed, door, to }),
  });
  if (answer.status !== 303) throw new Error(`the desk answers ${deed} with ${answer.status}`);
}

// offered is a new way into an app, from the desk: the customer's leads to the household of a door.
export async function offered(home, app, door = "") {
  const answer = await fetch(`${home}/demo/offer`, { method: "POST", redirect: "manual", body: new URLSearchParams({ app, door }) });
  return home + answer.headers.get("location");
}

// label is the code of the parcel that is on its way, as it stands on its label.
export async function label(home) {
  const answer = await fetch(`${home}/demo/page?app=courier`);
  const code = (await answer.json()).aids?.find((aid) => aid.code)?.code;
  if (!code) throw new Error("the desk has no label");
  return code;
}

// another has one more parcel sent, once the desk sees that the one before is over.
export async function another(home) {
  for (const limit = Date.now() + 20_000; Date.now() < limit; ) {
    await hand(home, "another");
    const code = await label(home).catch(() => "");
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the desk sends no other parcel");
}

// journal is what was recorded after an event of the household whose member is signed in.
export async function journal({ page }, home, after = 0, lang = "en") {
  const answer = await page.request.get(`${home}/v1/home/journal?limit=500&after=${after}`, { headers: { "accept-language": lang } });
  if (!answer.ok()) throw new Error(`the journal answers ${answer.status()}`);
  return (await answer.json()).events;
}

// audited is what the desk's audit says.
export async function audited(home) {
  await fetch(`${home}/demo/audit`, { method: "POST", redirect: "manual" });
  return (await fetch(`${home}/demo/`, { headers: { "accept-language": "en" } })).text();
}
