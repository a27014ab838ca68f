// Looking at pages as people see them: in both languages, on a phone and on a desktop, in light and in dark. What is found
// stays with whoever saw the page, until it is told.
import assert from "node:assert/strict";
import { desktop, narrow, phone } from "./chromium.mjs";
import { anew, enlarged, fits, foreign, framed, judged, tabbed } from "./look.mjs";
import { guest } from "./people.mjs";
import { pictured } from "./screens.mjs";
import { kind } from "./ways.mjs";

// opened is somebody's own window in a browser that others use too.
export async function opened(browser, home) {
  return { found: [], ...await guest(browser, home, { mobile: false, reducedMotion: "reduce", permissions: ["camera"] }) };
}

// told fails with everything that was found.
export function told(...people) {
  const all = people.flatMap((who) => [...who.found.splice(0), ...new Set(who.wrong.splice(0))]);
  assert.equal(all.length, 0, `${all.length} findings:\n${all.join("\n")}`);
}

// speak has pages come in a language from now on.
export const speak = ({ context, home }, lang) => context.addCookies([{ name: "loquet-lang", value: lang, url: home }]);

// glance looks at a page as it stands: what is there only once can't be opened again. state is for its picture.
export async function glance({ page, found }, lang, what, state) {
  const findings = [...await framed(page, lang), ...await foreign(page, lang)];
  for (const size of [desktop, phone]) {
    await page.setViewportSize(size);
    if (state) await pictured(page, new URL(page.url()).pathname, lang, size, state);
    findings.push(...(await judged(page)).map((f) => `${size.width} px, ${f}`), ...await fits(page, `${size.width} px`));
  }
  found.push(...findings.map((f) => `${what} ${lang}: ${f}`));
}

// look opens a page in both languages, and looks at it on a phone and on a desktop, in light and in dark. state names
// what is under way, where that matters.
export async function look(who, path, state = "") {
  const { page, found } = who;
  for (const lang of ["fr", "en"]) {
    await speak(who, lang);
    await page.setViewportSize(phone);
    await went(page, who.home + path);
    await page.locator("main h1").first().waitFor();
    if (/^\/courier\/(?!pair)/.test(path)) await page.locator("main [data-screen]").first().waitFor({ state: "attached" });
    const findings = [...await framed(page, lang, !path.endsWith("/nowhere")), ...await foreign(page, lang)];
    for (const size of [phone, desktop]) findings.push(...await sized(page, path, lang, size, state));
    if (lang === "en") {
      await page.setViewportSize(phone);
      findings.push(...await anew(page), ...await walked(page, path));
    }
    found.push(...findings.map((f) => `${kind(path)}${state && ` (${state})`} ${lang}: ${f}`));
  }
}

// walked goes through a page by Tab, once more if the page was loaded anew meanwhile: what it needs may have changed with
// what it shows. That is said, because it should be seldom, and takes the focus from whoever reads it.
async function walked(page, path) {
  try {
    return await tabbed(page);
  } catch (e) {
    if (!/context was destroyed/.test(e.message)) throw e;
    console.log(`${path} was loaded anew while it was read`);
    await page.locator("main h1").first().waitFor();
    return tabbed(page);
  }
}

// went opens a page. The one before may load itself anew in that very moment, because the language is another one now:
// then the browser gives up one of the two.
async function went(page, url) {
  try {
    await page.goto(url);
  } catch (e) {
    if (!/ERR_ABORTED/.test(e.message)) throw e;
    await page.goto(url);
  }
}

async function sized(page, path, lang, size, state) {
  await page.setViewportSize(size);
  await pictured(page, path, lang, size, state);
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
