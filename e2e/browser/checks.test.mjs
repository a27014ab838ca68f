// What a person would check by hand in a browser, as far as a machine can. The 25 checks, and which test holds each:
//
//   1  320 px, 200 % zoom: nothing sideways, nothing cut   pages.test.mjs
//   2  Tab alone: focus seen, never under the bottom bar   pages.test.mjs
//   3  a screen reader hears each step once, and no ages   here, "what is read out"; web/ui TestClocksAreSilent
//   4  the six states without colour                       web/ui TestStatesDifferWithoutColour
//   5  light, dark, forced colours                         pages.test.mjs; here, "forced colours"
//   6  the network is lost while the order is out          here, "the network is lost"
//   7  scans without a link are sent once                  web/courier TestWithoutNetwork
//   8  double taps                                         here, all through the visits; "every tap counted once", "pressed twice in haste"
//   9  Back, reload, a second tab                          web/courier TestEveryStepStays
//  10  a block before, after and in the moment of the scan story.test.mjs
//  11  a block without a link                              here, "a block without a link"
//  12  bolt locked, contact open                           here, "locked is not shut"
//  13  a frozen camera                                     here, "a frozen picture"
//  14  a sensor falls silent                               web/ui TestWhatIsNotKnownIsUnknown, TestPagesInABrowser;
//                                                          web/courier TestAVisitByHand, which withdraws Leave
//  15  links that are used up, too old, or another's       here, "links"; web/sign TestLinksThatDoNotWorkLookAlike
//  16  another household's names in an address             here, "another household"; web/customer and web/operator, every route
//  17  <script> and 500 letters in every field             web/customer TestEveryFieldTakesWhateverIsTyped, web/operator
//                                                          TestScriptsInEveryField; on the screen: here, "hostile words"
//  18  camera, position, notifications, sound refused      web/courier TestScanner, TestTrouble; here, "notifications are
//                                                          refused"; the courier here has neither camera nor sound
//  19  a code is covered, and gone after its use           web/courier TestCodeOnThePhone
//  20  a car after the visit                               web/courier TestACarByHand
//  21  another language in mid-step                        here, "another language"; web/courier TestAVisitByHand
//  22  a clock that is wrong by three hours                here, "a wrong clock"; web/courier TestKeysOfPhones
//  23  five minutes of sleep                               here, "five minutes of sleep"
//  24  two operators at once                               here, "two operators"
//  25  no other host, first loads, nothing too early       here, "first loads"; every test here looks for other hosts
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { desktop, launch } from "./lib/chromium.mjs";
import { start } from "./lib/demo.mjs";
import { fits, foreign, refetch } from "./lib/look.mjs";
import { act, another, arrive, atOnce, audited, begin, enter, guest, hand, journal, label, leave, lives, next, notCalledOff, planB, putDown, screen, shut, typed } from "./lib/people.mjs";
import { pushService } from "./lib/push.mjs";
import { stepping } from "./lib/steps.mjs";

// The first load of a page may weigh so much, compressed.
const most = 120 * 1024;

// Milliseconds after which an old picture is nowhere live any more.
const old = 2000;

// And after which no line says any more that it is live: the picture counts for two seconds, and the word has its way to go.
const said = old + 1500;

const address = "rue des Lilas";
const hours = 3 * 3600 * 1000;
const minutes = 5 * 60 * 1000;

let demo, url, browser, camille, karim, ana, bob, since;
const heard = [];

before(async () => {
  demo = await start({ LOQUET_PUSH_SUBJECT: "mailto:office@rapido.example" });
  url = demo.url;
  browser = await launch();
  [camille, karim, ana, bob] = await Promise.all([
    guest(browser, url, { lang: "fr" }), guest(browser, url, { lang: "fr" }), guest(browser, url, { size: desktop }), guest(browser, url, { size: desktop }),
  ]);
  // No camera, no sound, no vibration.
  await karim.context.addInitScript(() => {
    delete globalThis.AudioContext;
    delete Navigator.prototype.vibrate;
  });
  for (const [name, { context }] of Object.entries({ camille, karim })) {
    await context.exposeFunction("heard", (region, text) => heard.push({ name, region, text }));
    await context.addInitScript(listen);
  }
  await enter(camille, demo.links.customer);
  await enter(ana, demo.links.operator);
  await enter(karim, demo.links.courier);
}, { timeout: 180_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("links: used up, made up, and another's", async () => {
  const invited = await demo.local("staff", "add", "--email", "bob@rapido.example", "--name", "Bob", "--role", "dispatcher");
  await enter(bob, invited);
  const visitor = await guest(browser, url);
  for (const link of [...Object.values(demo.links), invited, `${url}/sign-in/link/lk_made-up`]) {
    const answer = await visitor.page.goto(link);
    assert.equal(answer.status(), 410, link);
    assert.doesNotMatch(await visitor.page.locator("main").innerText(), /Camille|Karim|Bob|Lilas/, link);
    assert.ok(await visitor.page.locator("main :is(a, button)").count(), `no way on from ${link}`);
  }
  await visitor.close();
});

test("another household's names say the same as made-up ones", async () => {
  await ana.page.goto(`${url}/operator/deliveries`);
  const all = await ana.page.locator('main a[href^="/operator/deliveries/"]').evaluateAll((links) => links.map((a) => a.href.split("/").at(-1)));
  const { site } = await (await camille.page.request.get(`${url}/v1/home`)).json();
  const theirs = all.find((id) => !id.startsWith(`${site}-`));
  assert.ok(theirs, "no other household has a delivery");
  const said = async (id) => {
    const answer = await camille.page.goto(`${url}/home/deliveries/${id}`);
    return [answer.status(), (await camille.page.locator("main").innerText()).replace(/(Référence\S*\s*:?\s*)\S+/, "$1")];
  };
  assert.deepEqual(await said(theirs), await said(`${site}-d99999`));
  assert.equal((await said(theirs))[0], 404);
});

test("hostile words are shown as words, and break no page", async () => {
  const words = '<script>globalThis.broken = true</script><img src=x onerror="globalThis.broken = true">';
  const long = "W".repeat(500);
  const { page } = camille;
  await page.goto(`${url}/home/rules`);
  const add = page.locator('form[action="/home/rules/plan-b"]:has([name="who"])');
  const send = async (who) => {
    await page.locator("details.add:has([name='who'])").evaluate((d) => { d.open = true; });
    await add.locator('[name="kind"]').selectOption("neighbour");
    await add.locator('[name="who"]').evaluate((field) => field.removeAttribute("maxlength"));
    await add.locator('[name="who"]').fill(who);
    await add.locator('button[value="add"]').click();
    await page.waitForLoadState();
  };
  await send(long);
  await page.locator("[role=alert], .summary").filter({ hasText: /problème/ }).waitFor();
  assert.equal(await add.locator('[name="who"]').inputValue(), long, "what was typed is lost");
  await send(words);
  await page.locator(".order", { hasText: words }).waitFor();
  await page.goto(`${url}/home/household`);
  const invite = page.locator('form[action="/home/household/members"]');
  await page.locator("details.add:has([name='name'])").evaluate((d) => { d.open = true; });
  await invite.locator('[name="name"]').fill(words.slice(0, 60) + "W".repeat(40));
  await invite.locator("button").click();
  await page.locator(".list", { hasText: "WWWW" }).waitFor();
  await ana.page.goto(`${url}/operator/couriers`);
  const hire = ana.page.locator('form[action="/operator/couriers"]');
  await hire.locator('[name="id"]').fill("Rapido-W");
  await hire.locator('[name="name"]').fill("W".repeat(100));
  await hire.locator("button").click();
  await ana.page.locator("main", { hasText: "WWWW" }).waitFor();
  for (const { page } of [camille, ana]) {
    assert.deepEqual(await fits(page, "long words"), []);
    assert.equal(await page.evaluate(() => globalThis.broken), undefined);
  }
});

test("notifications are refused: how to allow them later", async () => {
  await camille.page.addInitScript(() => Object.defineProperty(Notification, "permission", { value: "denied" }));
  await camille.page.goto(`${url}/home/notifications`);
  await camille.page.locator("[data-push-denied]").waitFor();
  assert.ok(await camille.page.locator("[data-push-denied] li").count() >= 2);
});

test("first loads: small, from here alone, and neither map nor scanner", async (t) => {
  const fresh = await guest(browser, url, { storageState: await merged(camille, ana) });
  for (const path of ["/sign-in", "/home/", await deliveryOf(camille), "/home/rules", "/operator/", "/operator/deliveries"]) {
    const { weight, asked } = await firstLoad(fresh, url + path);
    t.diagnostic(`${path}: ${(weight / 1024).toFixed(1)} KB`);
    assert.ok(weight > 5000 && weight <= most, `${path}: ${weight} bytes`);
    assert.deepEqual(asked.filter((to) => /\/assets\/.*(maplibre|zxing|hls)|\.wasm/.test(to)), [], path);
  }
  await fresh.page.goto(`${url}/docs/`);
  await fresh.page.getByText("/v1/home/journal").first().waitFor();
  assert.deepEqual(fresh.wrong, []);
  await fresh.close();
  const { weight, asked } = await firstLoad(karim, `${url}/courier/`);
  t.diagnostic(`/courier/: ${(weight / 1024).toFixed(1)} KB`);
  assert.ok(weight <= most, `/courier/: ${weight} bytes`);
  assert.deepEqual(asked.filter((to) => /zxing|\.wasm/.test(to)), []);
});

test("two visits, through everything that can go wrong", { timeout: 240_000 }, async (t) => {
  const step = stepping(t, { camille, karim, ana, bob });

  await step("a visit, every button pressed twice: each counts once, and the next step is not hit", async () => {
    since = (await journal(camille, url)).at(-1).seq;
    await next(camille, url);
    await begin(karim, url, address, 2);
    await arrive(karim, url, 2);
  });

  await step("the network is lost while the order is out: nothing from memory, and no second order", async () => {
    const { page, context } = karim;
    const stop = page.url();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.locator('a[href^="/courier/scan/"]').click();
    await page.locator(".camera-state").waitFor(); // no camera: typing opens by itself
    assert.ok(await page.locator("#typing").evaluate((d) => d.open));
    await hand(url, "slow"); // the order stays out until the hand is taken away
    await page.route(/\/scan$/, async (route) => {
      await hears("karim", /envoi$/);
      await route.continue();
    }, { times: 1 });
    // The stream may bring the next step before the answer comes, which then is nobody's any more.
    const sent = Promise.race([page.waitForResponse((r) => /\/scan$/.test(r.url()) && r.request().method() === "POST"), page.waitForURL(stop)]);
    await typed(karim, await label(url), 2);
    await sent;
    await context.setOffline(true);
    // The page may be on its way there by itself: the later of the two ends the other, for whoever waits for that.
    const there = () => page.waitForURL(stop);
    await page.goto(stop).catch(there).catch(there);
    await screen(karim, "offline");
    assert.equal(await page.locator('main :is([data-act="open"], [data-act="leave"], [data-state="open"], [data-state="secured"])').count(), 0);
    await context.setOffline(false);
    await hears("karim", /^Ordre envoyé/);
    await hears("camille", /ordre d'ouvrir est parti/);
    await hand(url, "slow");
    await screen(karim, "inside");
    await hears("karim", /poussez$/);
    await hand(url, "push");
    await page.locator("h1", { hasText: /ouvert/i }).waitFor();
  });

  await step("a frozen picture is nowhere live after two seconds", async () => {
    const { page } = camille;
    await page.locator(".live-mark").waitFor();
    await ana.page.goto(`${url}/operator/`);
    await lives(ana.page);
    const live = [
      page.locator(".live-mark"),
      karim.page.locator("main .part", { hasText: /^\s*Caméra/ }).locator(".seen-now"),
      ana.page.locator("#visits tr", { hasText: /Lilas/ }).locator('td[data-label="Camera"] .seen-now'),
    ];
    for (const mark of live) await mark.waitFor();
    const froze = Date.now();
    await hand(url, "film", { to: "frozen" });
    const after = await Promise.all(live.map(async (mark) => {
      await mark.waitFor({ state: "hidden" });
      return Date.now() - froze;
    }));
    t.diagnostic(`the household saw it after ${after[0]} ms, the courier after ${after[1]} ms, the operator after ${after[2]} ms`);
    assert.ok(after[0] <= old, `${after[0]} ms`);
    for (const ms of after.slice(1)) assert.ok(ms <= said, `${after} ms`);
    await karim.page.locator("main", { hasText: /image/i }).locator('[data-state="alarm"], .band').first().waitFor();
    await ana.page.locator(".alarm-row [data-action-id^=acknowledge]").waitFor();
  });

  await step("two operators take the alarm at once: one has it, and the other is told", async () => {
    await bob.page.goto(`${url}/operator/`);
    const at = /\/operator\/visits\/[^/]+\/acknowledge$/;
    await atOnce([ana.page, at], [bob.page, at]);
    await Promise.all([ana, bob].map(({ page }) => page.locator(".alarm-row [data-action-id^=acknowledge]:not([data-deaf])").click()));
    const said = await Promise.all([ana, bob].map(({ page }) => page.locator(".flash-title").innerText()));
    const mine = said.filter((text) => /It is yours/.test(text));
    const theirs = said.filter((text) => /(Ana|Bob) has it in hand already/.test(text));
    assert.ok(mine.length === 1 && theirs.length === 1, said.join(" / "));
    const owner = said[0] === mine[0] ? "Ana" : "Bob";
    for (const { page } of [ana, bob]) await page.locator(".alarm-row .owner", { hasText: owner }).first().waitFor();
    await hand(url, "film", { to: "live" });
  });

  await step("the map says that nothing has a position for as long as nothing has", async () => {
    await ana.page.waitForFunction(() => document.querySelector("loquet-map").map);
    const none = await ana.page.evaluate(async () => {
      const map = document.querySelector("loquet-map");
      const says = () => new Promise((told) => setTimeout(() => told(map.shadowRoot.querySelector(".note").textContent === map.dataset.noneText)));
      const rows = [...document.querySelectorAll("#visits [data-lat]")].map((row) => [row, row.dataset.lat]);
      const said = [await says()];
      for (const [row] of rows) delete row.dataset.lat;
      said.push(await says());
      for (const [row, at] of rows) row.dataset.lat = at;
      return [...said, await says()];
    });
    assert.deepEqual(none, [false, true, false]);
  });

  await step("locked is not shut: no green, no way to leave, and an alarm", async () => {
    await hand(url, "turn");
    for (const { page } of [camille, karim]) await page.locator('main :is(.band, .barrier)[data-state="alarm"]', { hasText: /entrouvert/i }).first().waitFor();
    for (const { page } of [camille, karim]) assert.equal(await page.locator('main .barrier[data-state="secured"], main .chip[data-state="secured"]').count(), 0);
    assert.equal(await karim.page.locator('[data-act="leave"]').count(), 0);
    await ana.page.locator(".alarm-row", { hasText: /ajar/i }).first().waitFor();
    await hand(url, "turn");
    for (const { page } of [camille, karim]) await page.locator('main .band', { hasText: /entrouvert/i }).waitFor({ state: "detached" });
  });

  await step("forced colours: what a state is keeps its edge", async () => {
    for (const { page } of [camille, karim, ana]) {
      await page.emulateMedia({ forcedColors: "active" });
      const bare = await page.locator(":is(.chip, .barrier, .panel)[data-state]").evaluateAll((all) => all.filter((e) => e.checkVisibility()).filter((e) => {
        const { borderTopStyle, borderTopWidth, borderLeftWidth } = getComputedStyle(e);
        return borderTopStyle === "none" || Math.max(parseFloat(borderTopWidth), parseFloat(borderLeftWidth)) < 1;
      }).map((e) => e.outerHTML.slice(0, 80)));
      assert.deepEqual(bare, []);
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return document.activeElement !== document.body && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      });
      assert.ok(focus, `the focus is not seen at ${page.url()}`);
      await page.emulateMedia({ forcedColors: "none" });
    }
    const metrics = await ana.context.newPage();
    await metrics.emulateMedia({ forcedColors: "active" });
    await metrics.goto(`${url}/operator/metrics`);
    const bars = await metrics.locator(".chart .bar").evaluateAll((all) => all.map((bar) => [getComputedStyle(bar).fill, getComputedStyle(document.body).backgroundColor]));
    assert.ok(bars.length > 0 && bars.every(([bar, paper]) => bar !== paper && bar !== "none"), JSON.stringify(bars));
    await metrics.close();
  });

  await step("another language in mid-step: the same step, and no word left over", async () => {
    for (const { page } of [camille, karim]) {
      const step = await page.locator("#step").getAttribute("data-step");
      const at = page.url();
      await page.locator('.lang button[value="en"]').click();
      await page.locator('html[lang="en"] main h1').waitFor();
      await page.locator(`#step[data-step="${step}"]`).waitFor({ state: "attached" });
      assert.equal(page.url(), at);
      assert.deepEqual(await foreign(page, "en"), []);
      await page.locator('.lang button[value="fr"]').click();
      await page.locator('html[lang="fr"] main h1').waitFor();
    }
  });

  // A household's page of a visit counts nothing down; the courier's countdowns are looked at by web/courier TestKeysOfPhones.
  await step("a wrong clock: ages are right all the same", async () => {
    const state = await camille.context.storageState();
    const ages = async (wrong) => {
      const who = await guest(browser, url, { lang: "fr", storageState: state });
      await clockOff(who.page, wrong);
      await who.page.goto(camille.page.url());
      await lives(who.page);
      const said = await who.page.locator("main .elapsed").first().innerText();
      const gone = await who.page.locator(".seen[data-over]").count();
      const at = Date.now();
      await who.close();
      const [minutes, seconds] = said.split(":").map(Number);
      return { began: at - (minutes * 60 + seconds) * 1000, gone };
    };
    const [right, late, early] = [await ages(0), await ages(hours), await ages(-hours)];
    for (const wrong of [late, early]) {
      assert.ok(Math.abs(wrong.began - right.began) < 3000, `${wrong.began - right.began} ms off`);
      assert.equal(wrong.gone, right.gone);
    }
  });

  await step("five minutes of sleep: nothing old is true, and the page is fresh before it takes a press", async () => {
    const who = await guest(browser, url, { lang: "fr", storageState: await camille.context.storageState() });
    const { page } = who;
    await page.clock.install();
    await page.goto(camille.page.url());
    await lives(page);
    await fresh(page).waitFor();
    const hide = (hidden) => page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      return [document.documentElement.hasAttribute("data-asleep"), document.querySelectorAll("main .seen:not([data-over])").length];
    }, hidden);
    await hide(true);
    await page.clock.fastForward("05:00");
    const [asleep, left] = await hide(false);
    assert.ok(asleep, "presses are taken before anything was fetched");
    assert.equal(left, 0, "something five minutes old looks fresh");
    await page.locator("html:not([data-asleep])").waitFor();
    await fresh(page).waitFor();
    await who.close();
  });

  await step("a courier's phone slept: what is pressed before the page is fresh does nothing", async () => {
    const page = await karim.context.newPage(); // no other phone has its key
    await clockOff(page, 0);
    await page.goto(karim.page.url());
    await fresh(page).waitFor();
    await page.locator('main [data-act="deposit"] button:not([data-deaf])').waitFor();
    const sent = [];
    page.on("request", (r) => r.method() === "POST" && sent.push(r.url()));
    const [left, pressed] = await page.evaluate((slept) => {
      const hide = (hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      };
      hide(true);
      globalThis.clockOff += slept;
      hide(false);
      const buttons = [...document.querySelectorAll("main [data-act] button")].filter((button) => button.checkVisibility());
      buttons.forEach((button) => button.click());
      return [document.querySelectorAll("main .seen:not([data-over])").length, buttons.length];
    }, minutes);
    assert.equal(left, 0, "something five minutes old looks fresh");
    assert.ok(pressed > 0, "there was nothing to press");
    await page.locator("html:not([data-asleep])").waitFor();
    await fresh(page).waitFor();
    assert.deepEqual(sent, [], "a press counted while the page slept");
    await page.close();
  });

  await step("the visit ends, and every tap counted once; rows stay under the pointer", async () => {
    await ana.page.goto(`${url}/operator/`);
    await lives(ana.page);
    const rows = ana.page.locator("#visits tr");
    const row = rows.filter({ hasText: /Lilas/ }).first();
    await row.hover();
    const standing = await rows.evaluateAll((all) => all.map((tr) => tr.id));
    await putDown(karim, 2);
    await shut(karim, url, 2);
    await hears("camille", /vu sécurisé/);
    await leave(karim, url, 2);
    for (const fetched of [false, true]) {
      if (fetched) await refetch(ana.page);
      await ana.page.locator(".changes", { hasText: /1 change/ }).waitFor();
      assert.deepEqual(await rows.evaluateAll((all) => all.map((tr) => tr.id)), standing, "a row jumped under the pointer");
    }
    await ana.page.locator("h1").hover();
    await ana.page.locator(`[id="${standing.find((id) => id)}"]`).first().waitFor({ state: standing.length === 1 ? "detached" : "attached" });
    await ana.page.locator(".changes").waitFor({ state: "detached" });
    await camille.page.locator("main h1", { hasText: /Livré/ }).waitFor();
    await hears("karim", /^Livré/); // a page that is left says nothing
    const count = await counted();
    for (const kind of ["visit.begun", "visit.arrived", "parcel.scanned", "opening.intended", "deposit.recorded", "closing.asked", "courier.released", "delivery.delivered"]) {
      assert.equal(count[kind], 1, `${kind}: ${count[kind]}`);
    }
    assert.equal(count["alarm.acknowledged"], 1);
  });

  await step("a block without a link is not confirmed until the server answers, and counts once", async () => {
    await hand(url, "back");
    since = (await journal(camille, url, since)).at(-1).seq;
    await another(url);
    await next(camille, url);
    await begin(karim, url, address);
    await arrive(karim, url);
    const { page, context } = camille;
    await page.locator('summary[data-action-id="block"]').click();
    const now = page.locator('[data-action-id="block-now"]:not([data-deaf])');
    await now.waitFor();
    await context.setOffline(true);
    await now.dblclick();
    await page.locator("[data-sending]", { hasText: /pas confirmé/i }).waitFor();
    assert.ok(await page.locator('[data-sending] a[href^="tel:"]').isVisible(), "no number to call");
    assert.equal(await page.locator("[data-answer]").count(), 0);
    await screen(karim, "arrive");
    await context.setOffline(false);
    await page.locator('[data-answer="blocked"]').waitFor();
    await screen(karim, "refusal");
    assert.equal((await counted())["block.answered"], 1);
    await planB(karim, url, 2);
    const count = await counted();
    assert.equal(count["plan-b.followed"], 1, JSON.stringify(count));
  });
});

test("what is read out: each step once, and no ages", () => {
  if (process.env.SHOTS) console.log(heard);
  for (const { text } of heard) assert.doesNotMatch(text, /\bil y a\b|\bago\b/);
  const steps = {
    karim: [/^À la porte$/, /^Prêt/, /envoi$/, /^Ordre envoyé/, /poussez$/, /ouverture constatée$/, /Entrouvert$/, /Vous pouvez partir/, /^Livré/],
    camille: [/apporte 1 colis/, /est sur place/, /ordre d'ouvrir est parti/, /dépose 1 colis/, /vu sécurisé/, /^Livrée/, /apporte 1 colis/, /est sur place/, /^Rien ne s'ouvre/],
  };
  for (const [name, expected] of Object.entries(steps)) {
    const said = heard.filter((one) => one.name === name && one.region !== "alert");
    const left = said.reduce((left, { text }) => (left[0]?.test(text) ? left.slice(1) : left), expected);
    assert.deepEqual(left, [], `${name} never hears it, or not in its turn`);
    said.forEach(({ text }, i) => assert.notEqual(text, said[i - 1]?.text, `${name} hears it twice`));
  }
});

test("a push message is shown once, and its button opens the question", { timeout: 90_000 }, async () => {
  const service = await pushService();
  const who = await guest(browser, url, { lang: "fr", storageState: await camille.context.storageState(), permissions: ["notifications"] });
  const { page, context } = who;
  try {
    await page.goto(`${url}/home/notifications`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const taken = await page.request.post(`${url}/home/notifications/devices`, { form: service.subscription, headers: { origin: url }, maxRedirects: 0 });
    assert.match(taken.headers().location, /done=subscribed/);
    await hand(url, "back");
    await another(url);
    await begin(karim, url, address);
    await arrive(karim, url);
    const message = await service.next((one) => one.actions?.some(({ action }) => action === "block"));
    const devtools = await context.newCDPSession(page);
    const registered = new Promise((resolve) => devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const ours = registrations.find(({ scopeURL }) => scopeURL === `${url}/home/`);
      if (ours) resolve(ours.registrationId);
    }));
    await devtools.send("ServiceWorker.enable");
    const registrationId = await registered;
    const shown = () => page.evaluate(async () => {
      const all = await (await navigator.serviceWorker.getRegistration("/home/")).getNotifications();
      return all.map(({ title, body, lang, tag }) => ({ title, body, lang, tag }));
    });
    const worker = context.serviceWorkers().find((one) => one.url() === `${url}/home/sw.js`);
    await worker.evaluate(() => {
      const show = registration.showNotification;
      globalThis.shows = 0;
      registration.showNotification = async (...given) => {
        await show.apply(registration, given);
        globalThis.shows++;
      };
    });
    for (const [i, body] of [message.body, `${message.body} (2)`].entries()) {
      await devtools.send("ServiceWorker.deliverPushMessage", { origin: url, registrationId, data: JSON.stringify({ ...message, body }) });
      // Chromium drops a notification if it is asked for all while one is about to be shown.
      await soon(async () => await worker.evaluate(() => globalThis.shows) > i);
      assert.deepEqual(await shown(), [{ title: message.title, body, lang: message.lang, tag: message.tag }]);
    }
    await worker.evaluate(async () => {
      WindowClient.prototype.focus = async function () { return this; }; // which takes a person's own tap
      const [notification] = await registration.getNotifications();
      self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action: "block" }));
    });
    await page.waitForURL(/\/home\/deliveries\/[^/]+\/block$/);
    await page.locator('[data-action-id="block-now"]:not([data-deaf])').click();
    await page.locator('[data-answer="blocked"]').waitFor();
    assert.deepEqual(await shown(), [], "it is still shown");
    await screen(karim, "refusal");
    await planB(karim, url);
    assert.deepEqual(who.wrong, []);
  } finally {
    service.close();
    await who.close();
  }
});

test("what is pressed twice in haste happens once: danger, taking over, a booking, a suspension", { timeout: 180_000 }, async () => {
  await hand(url, "back");
  since = (await journal(camille, url)).at(-1).seq;
  await another(url);
  await next(camille, url);
  await begin(karim, url, address);
  await arrive(karim, url);
  await karim.page.locator('a[href^="/courier/scan/"]').click();
  await typed(karim, await label(url));
  await karim.page.waitForURL(/\/courier\/stop\//);
  await hand(url, "push");
  await screen(karim, "inside");
  await act(karim, "danger", 2);
  await screen(karim, "fled");
  await camille.page.locator('button[name="take"]:not([data-deaf])').dblclick();
  await camille.page.locator(".flash", { hasText: /deux minutes/ }).waitFor();
  await hand(url, "pull");

  const { page } = ana;
  const site = new URL(camille.page.url()).pathname.split("/").at(-1).split("-")[0];
  await page.goto(`${url}/operator/book`);
  const order = { site, merchant: "Papeterie", carrier: "Rapido", parcels: "RR473124829FI", reference: "twice" };
  for (const [name, value] of Object.entries(order)) await page.locator(`[name="${name}"]`).fill(value);
  await page.locator('button[data-action-id="book"]').dblclick();
  await page.waitForURL(/\/operator\/deliveries\/[^/]+$/);
  await page.goto(`${url}/operator/couriers`);
  await page.locator("#couriers a", { hasText: "Karim" }).click();
  await page.locator("summary", { hasText: "Suspend" }).click();
  await page.locator('textarea[name="reason"], input[name="reason"]').fill("His phone was found in the street.");
  await page.locator('button[data-action-id="suspend"]').dblclick();
  await page.locator(".flash", { hasText: "Suspended" }).waitFor();
  const count = await counted();
  for (const kind of ["courier.left-in-danger", "visit.take-over-asked", "delivery.booked", "courier.suspended"]) {
    assert.equal(count[kind], kind === "delivery.booked" ? 2 : 1, `${kind}: ${count[kind]}`); // the courier's, and this one
  }
  for (const who of [camille, ana]) who.wrong = who.wrong.filter(notCalledOff);
});

test("the ten laws hold, and no page broke or asked another host", async () => {
  assert.match(await audited(url), /0 violations/);
  assert.deepEqual([camille, karim, ana, bob].flatMap((who) => who.wrong), []);
  assert.deepEqual(await demo.errors(), []);
});

// fresh is a value on a page that counts now.
const fresh = (page) => page.locator("main .seen:not([data-over])").filter({ visible: true }).first();

// hears waits until something was read out to somebody: a page that is left, or a step that is over, says nothing more.
const hears = (name, what) => soon(() => heard.some((one) => one.name === name && what.test(one.text)));

// soon waits until something is so, for as long as a page waits.
async function soon(is) {
  for (const limit = Date.now() + 60_000; !await is() && Date.now() < limit; ) await new Promise((resolve) => setTimeout(resolve, 50));
}

// clockOff has the clock of a page be wrong by so many milliseconds, and by others as soon as its script says so.
const clockOff = (page, by) => page.addInitScript((by) => {
  const Right = Date;
  globalThis.clockOff = by;
  globalThis.Date = class extends Right {
    constructor(...given) {
      super(...(given.length ? given : [globalThis.Date.now()]));
    }
    static now = () => Right.now() + globalThis.clockOff;
  };
}, by);

// counted says how often each kind of event was recorded in the household.
async function counted() {
  const count = {};
  for (const { kind } of await journal(camille, url, since)) count[kind] = (count[kind] ?? 0) + 1;
  return count;
}

// listen tells of everything that a screen reader would read out by itself.
function listen() {
  addEventListener("DOMContentLoaded", () => {
    globalThis.heard("document", location.href + Math.random()); // which says anew where it stands
    for (const id of ["status", "alert"]) {
      const region = document.getElementById(id);
      if (region) new MutationObserver(() => region.textContent && globalThis.heard(id, region.textContent)).observe(region, { childList: true });
    }
  });
}

// firstLoad opens a page as if for the first time, and returns what it asked for until its link stands. What streams on,
// and what only the demo has, is not counted.
async function firstLoad({ context, page }, to) {
  const devtools = await context.newCDPSession(page);
  const pending = new Set();
  const asked = [];
  let weight = 0;
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (/\/live\b|\/demo\//.test(request.url)) return;
    asked.push(request.url);
    pending.add(requestId);
  });
  devtools.on("Network.loadingFailed", ({ requestId }) => pending.delete(requestId));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (pending.delete(requestId)) weight += encodedDataLength;
  });
  await devtools.send("Network.enable");
  await devtools.send("Network.clearBrowserCache");
  await devtools.send("Network.setBypassServiceWorker", { bypass: true });
  await page.goto(to);
  if (await page.locator("main[sse-connect]").count()) await lives(page);
  while (pending.size > 0) await page.evaluate(() => new Promise(requestAnimationFrame));
  await devtools.detach();
  return { weight, asked };
}

// merged is two people's sessions in one browser.
async function merged(...people) {
  const states = await Promise.all(people.map(({ context }) => context.storageState()));
  return { cookies: states.flatMap(({ cookies }) => cookies), origins: [] };
}

const deliveryOf = async (who) => {
  await next(who, url);
  return new URL(who.page.url()).pathname;
};
