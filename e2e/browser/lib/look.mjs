// What a page is judged by: axe's rules, its width, its heading, its language. Everything here returns findings,
// sentences for people, and an empty list where there is nothing to say.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// All rules of levels A and AA and axe's own best practices; what is experimental in axe is left out.
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// judged runs axe: all rules, or those that are named.
export async function judged(page, only) {
  const found = await page.evaluate(`${axe}; axe.run(document, ${JSON.stringify({
    runOnly: only ? { type: "rule", values: only } : { type: "tag", values: rules },
    resultTypes: ["violations"], preload: false,
  })}).then((r) => r.violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => [n.target.join(" "), n.any.concat(n.all, n.none)[0]?.message ?? ""]) })))`);
  return found.flatMap(({ id, nodes }) => nodes.map(([target, why]) => `axe ${id} at ${target}: ${why}`));
}

// framed checks what every document must have: one h1, its language, a title; and that nothing on it has failed, if it
// is one that should be there.
export function framed(page, lang, there = true) {
  return page.evaluate(([lang, there]) => {
    const seen = (e) => e.checkVisibility();
    const findings = [];
    const heads = [...document.querySelectorAll("h1")].filter(seen);
    if (heads.length !== 1) findings.push(`${heads.length} h1: ${heads.map((h) => h.textContent.trim()).join(" | ")}`);
    if (document.documentElement.lang !== lang) findings.push(`lang is ${document.documentElement.lang}`);
    if (!document.title.endsWith("Loquet")) findings.push(`title is ${document.title}`);
    const failed = document.querySelector("main").innerText.match(/.*\n?.*\n?.*(Reference:|Référence).*/);
    if (there && failed) findings.push(`failed: ${failed[0]}`);
    return findings;
  }, [lang, there]);
}

// fits says what is wider than the window and, on a phone, what is cut or scrolls sideways inside of it.
export function fits(page, when) {
  return page.evaluate((when) => {
    const root = document.documentElement;
    const width = root.clientWidth;
    const inner = width < 768 ? [...document.querySelectorAll("main *, header *")] : [];
    const cut = inner.filter((e) => {
      const { overflowX, position } = getComputedStyle(e);
      return overflowX !== "visible" && position !== "absolute" && e.checkVisibility() && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1
        && !["INPUT", "SELECT", "TEXTAREA", "VIDEO"].includes(e.tagName);
    }).map((e) => `${when}: cut inside ${e.tagName.toLowerCase()}.${[...e.classList].join(".")}, ${e.scrollWidth} > ${e.clientWidth}`);
    if (document.scrollingElement.scrollWidth <= width + 1) return cut;
    const inside = (e) => { // what scrolls or cuts by itself makes nothing wider
      for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true;
      return false;
    };
    const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1);
    const free = out.filter((e) => !inside(e));
    const wide = free.length > 0 ? free : out; // what is placed absolutely is not held by what scrolls
    const deepest = wide.filter((e) => !wide.some((o) => o !== e && e.contains(o))).slice(0, 4);
    const named = deepest.map((e) => `${e.tagName.toLowerCase()}${e.id && `#${e.id}`}.${[...e.classList].join(".")} “${e.textContent.trim().slice(0, 40)}”`);
    return [...cut, `${when}: scrolls sideways, ${document.scrollingElement.scrollWidth} > ${width}: ${named.join(", ")}`];
  }, when);
}

// enlarged does something with text at so many percent.
export async function enlarged(page, percent, look) {
  const size = (to) => page.evaluate((to) => { document.documentElement.style.fontSize = to; }, to);
  await size(`${percent}%`);
  const findings = await look();
  await size("");
  return findings;
}

// barred says whether the bar at the bottom is higher than what scrolling to a focus keeps free for it. Which controls that
// hides depends on how long the texts above them are.
function barred(page) {
  return page.evaluate(() => {
    const bar = document.querySelector(".actions");
    if (!bar || getComputedStyle(bar).position !== "sticky") return [];
    const free = parseFloat(getComputedStyle(document.documentElement).scrollPaddingBottom);
    return bar.offsetHeight <= free ? [] : [`the bar is ${bar.offsetHeight} px high, and scrolling leaves ${free} px for it`];
  });
}

// refetch has a page that lives be fetched anew, as it does by itself.
export const refetch = (page) => page.evaluate(async () => (await import(document.querySelector('script[src*="/ui/js/live."]').src)).refetch());

// anew fetches a page that lives anew: nothing of it is built again for that, least of all by loading it, which takes the
// focus and what was typed.
export async function anew(page) {
  const status = await page.evaluate(async () => {
    if (!document.querySelector("#step:not([data-still]) + #main[sse-connect]")) return 0;
    if (document.documentElement.dataset.app === "courier") return 200; // who asks for what is in the frame alone
    const headers = { "HX-Request": "true", "Loquet-Frame": document.documentElement.dataset.frame };
    return (await fetch(document.getElementById("step").dataset.here, { headers })).status;
  });
  if (status === 0) return [];
  if (status !== 200) return [`fetched anew it is ${status}, and loaded as a whole`];
  const stood = await page.evaluateHandle(() => [...document.body.children]);
  await refetch(page);
  return stood.evaluate((all) => (all.every((e, i) => e === document.body.children[i]) ? [] : ["fetched anew it is built again"]));
}

// tabbed goes through a page by Tab alone: wherever the focus is, it is seen, and nothing lies over it. Escape changes
// nothing.
export async function tabbed(page) {
  const findings = new Set(await barred(page));
  const before = await page.evaluate(() => {
    globalThis.passed = new WeakSet();
    document.activeElement?.blur();
    scrollTo(0, 0);
    return location.href;
  });
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press("Tab");
    const wrong = await page.evaluate(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      if (!at || at === document.body || globalThis.passed.has(at)) return null;
      globalThis.passed.add(at);
      const name = `${at.tagName.toLowerCase()} “${(at.textContent.trim() || at.name || at.id).slice(0, 40)}”`;
      // A label may stand for an input that is only there for screen readers.
      const drawn = [...(at.labels ?? []), at].find((e) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(e);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      });
      if (!drawn) return `the focus is not seen at ${name}`;
      const box = [...drawn.getClientRects()].find((r) => r.width > 0 && r.height > 0);
      const x = box && Math.min(innerWidth - 1, Math.max(0, box.left + box.width / 2)), y = box && box.top + box.height / 2;
      if (!box || y < 0 || y > innerHeight) return `the focus is out of sight at ${name}`;
      const top = (x, y) => drawn.getRootNode().elementFromPoint(x, y);
      const free = (x, y) => drawn.contains(top(x, y)) || top(x, y)?.contains(drawn);
      // A map has places on it: of what is larger than any control, a corner is enough.
      const large = box.height > 160;
      if (free(x, y) || large && [[box.left, box.top], [box.right, box.top], [box.left, box.bottom], [box.right, box.bottom]]
        .some(([cx, cy]) => free(cx + Math.sign(x - cx) * 8, cy + Math.sign(y - cy) * 8))) return "";
      return `${name} has the focus below ${top(x, y)?.tagName} ${top(x, y)?.className}`;
    });
    if (wrong === null) break;
    if (wrong) findings.add(`by Tab: ${wrong}`);
  }
  await page.keyboard.press("Escape");
  if (await page.evaluate(() => location.href) !== before) findings.add("by Escape: the page was left");
  return [...findings];
}

// texts are the words of all apps, by language.
const texts = (() => {
  const root = new URL("../../../web/", import.meta.url);
  const all = { en: new Set(), fr: new Set() };
  for (const app of readdirSync(root)) {
    for (const lang of ["en", "fr"]) {
      try {
        for (const text of Object.values(JSON.parse(readFileSync(new URL(`${app}/${lang}.json`, root), "utf8")))) all[lang].add(text);
      } catch (e) {
        if (e.code !== "ENOENT") throw new Error(`${fileURLToPath(root)}${app}: ${e.message}`);
      }
    }
  }
  return all;
})();

// pattern matches a text of a catalogue with anything for its placeholders, if enough of it is left to tell.
function pattern(text) {
  const parts = text.split(/\{\w+\}/).map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return parts.join("").replace(/[^\p{L}]/gu, "").length >= (parts.length > 1 ? 12 : 4) ? `^${parts.join(".+")}$` : null;
}

// foreign says which texts of a page are those of the other language, as far as the catalogues tell.
export function foreign(page, lang) {
  const other = lang === "fr" ? "en" : "fr";
  const patterns = [...texts[other]].filter((t) => !texts[lang].has(t)).map(pattern).filter(Boolean);
  return page.evaluate(([patterns, own]) => {
    const theirs = new RegExp(patterns.join("|"), "u");
    const ours = new RegExp(own.join("|"), "u");
    const found = new Set();
    const say = (text, e) => {
      const said = text.trim().replace(/[ \n\t]+/g, " ");
      if (said.length > 2 && theirs.test(said) && !ours.test(said) && e.closest("[lang]") === document.documentElement) found.add(said);
    };
    const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let n = walk.nextNode(); n; n = walk.nextNode()) {
      if (n.nodeType === Node.TEXT_NODE) {
        if (!n.parentElement.closest("script, style, code")) say(n.data, n.parentElement);
      } else for (const name of ["aria-label", "title", "alt", "placeholder"]) if (n.hasAttribute(name)) say(n.getAttribute(name), n);
    }
    return [...found].map((text) => `in the other language: “${text}”`);
  }, [patterns, [...texts[lang]].map(pattern).filter(Boolean)]);
}
