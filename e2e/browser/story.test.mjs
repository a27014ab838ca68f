// One delivery, three people: the household follows and blocks too late, the courier scans a real label with a camera
// that shakes, the operator watches. Then a second one, blocked in time. Nothing here reaches into the server: what
// people see is on their screens, and what doors do is done by hand at the Demo desk.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { start } from "./lib/demo.mjs";
import { filmed } from "./lib/label.mjs";
import { another, audited, enter, hand, label, operator, person } from "./lib/people.mjs";

const rounds = Number(process.env.LOQUET_STORIES ?? 1);
let folder, demo;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "loquet-story-"));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

for (let round = 1; round <= rounds; round++) {
  test(`the story, ${round} of ${rounds}`, { timeout: 240_000 }, async (t) => {
    demo = await start();
    t.after(() => demo.stop());
    await story(t);
  });
}

const screen = (page, name) => page.locator(`main [data-screen="${name}"]`).waitFor({ state: "attached" });
const act = (page, name) => page.locator(`main [data-act="${name}"] button:not([data-deaf])`).first().click();

async function story(t) {
  const { url, links } = demo;
  const film = await filmed(folder, "label", "gs1-128", (await label(url)).replace(/^(\d\d)(?=\d{18}$)/, "($1)"));
  const karim = await person(url, { lang: "fr", film, permissions: ["camera"] });
  const camille = await person(url, { lang: "fr" });
  const ana = await operator(url, { lang: "en" });
  t.after(() => Promise.all([karim, camille, ana].map((p) => p.close())));

  let still; // the household's page without scripts
  await t.test("three ways in, and each works once", async () => {
    await enter(camille, links.customer);
    await enter(ana, links.operator);
    await enter(karim, links.courier);
    const state = await camille.context.storageState();
    const context = await camille.browser.newContext({ javaScriptEnabled: false, storageState: state, locale: "fr" });
    still = { context, page: await context.newPage() };
    const again = await camille.context.newPage();
    assert.equal((await again.goto(links.customer)).status(), 410);
    await again.close();
  });

  // What everybody saw when a step ended, for whoever wants to look.
  const seen = async (name) => {
    if (!process.env.SHOTS) return;
    for (const [who, p] of Object.entries({ karim, camille, ana })) await p.page.screenshot({ path: join(process.env.SHOTS, `${name}-${who}.png`) });
  };
  const step = (name, does) => t.test(name, async () => {
    try {
      await does();
    } finally {
      await seen(name.replace(/[^a-z]+/gi, "-").slice(0, 30));
    }
  });

  const visitOf = async () => {
    await camille.page.goto(`${url}/home/`);
    await camille.page.locator('a[href^="/home/deliveries/"]').first().click();
    await camille.page.waitForURL(/\/home\/deliveries\//);
  };

  await step("the courier comes near, on the household's screen too", async () => {
    await visitOf();
    await begin(karim, url, "rue des Lilas");
    await hand(url, "come");
    await act(karim.page, "arrive");
    await screen(karim.page, "arrive");
  });

  await step("the camera reads the label, and the door is free", async () => {
    await camille.page.locator('summary[data-action-id="block"]').click();
    await camille.page.locator('[data-action-id="block-now"]').waitFor();
    await still.page.goto(camille.page.url());
    await karim.page.locator('a[href^="/courier/scan/"]').click();
    await karim.page.waitForURL(/\/courier\/stop\//, { timeout: 60_000 });
  });

  await step("a block that comes too late says so, and what is open", async () => {
    // A page that does not live still shows the button, and works without a script.
    await still.page.locator('summary[data-action-id="block"]').click();
    await still.page.locator('[data-action-id="block-now"]').click();
    assert.equal(await still.page.locator("[data-answer]").getAttribute("data-answer"), "too-late");
    assert.equal(await camille.page.locator('[data-action-id="block-now"]').count(), 0);
    await screen(karim.page, "inside");
  });

  await step("the door opens on three screens at once", async () => {
    await ana.page.goto(`${url}/operator/`);
    await camille.page.goto(camille.page.url());
    const seen = [camille.page, karim.page].map((p) => p.locator("main", { hasText: /ouverte/i }).waitFor());
    const board = ana.page.locator("main", { hasText: /open/i }).waitFor();
    const moved = Date.now();
    await hand(url, "push");
    await Promise.all([...seen, board]);
    t.diagnostic(`on all three screens after ${Date.now() - moved} ms`);
  });

  await step("leaving is refused until the door is really shut", async () => {
    await karim.page.locator('[data-action-id="deposit"]').click();
    await karim.page.locator('[data-act="close"] button').waitFor();
    assert.equal(await karim.page.locator('[data-action-id="leave"]').count(), 0);
    await hand(url, "pull");
    await act(karim.page, "close");
    await screen(karim.page, "secured");
    await karim.page.locator('[data-action-id="leave"]:not([data-deaf])').click();
    await karim.page.waitForURL(`${url}/courier/`);
    await camille.page.locator("main", { hasText: /Livré/ }).waitFor();
  });

  await step("the next delivery is blocked in time: nothing opens", async () => {
    await hand(url, "back");
    await another(url);
    await visitOf();
    await begin(karim, url, "rue des Lilas");
    await hand(url, "come");
    await act(karim.page, "arrive");
    await screen(karim.page, "arrive");
    await camille.page.locator('summary[data-action-id="block"]').click();
    await camille.page.locator('[data-action-id="block-now"]').first().click();
    await camille.page.locator('[data-answer="blocked"]').waitFor();
    await screen(karim.page, "refusal");
  });

  await step("the ten laws hold, and no page broke or asked another host", async () => {
    assert.match(await audited(url), /0 violations/);
    assert.deepEqual([...karim.wrong, ...camille.wrong, ...ana.wrong], []);
  });
}

// begin takes the courier to the stop of this address.
async function begin(karim, url, address) {
  await karim.page.goto(`${url}/courier/`);
  await screen(karim.page, "stops");
  const here = karim.page.locator(".round a", { hasText: address }).last();
  if (await here.count()) await here.click();
  await karim.page.locator('[data-act="approach"] button, [data-act="arrive"] button').first().waitFor();
  if (await karim.page.locator('[data-act="approach"] button').count()) await act(karim.page, "approach");
  await screen(karim.page, "go");
}
