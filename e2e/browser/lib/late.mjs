// How soon something that was recorded is on a person's screen. The server writes when it decided each event, in
// milliseconds; page and server run on one machine, so that their clocks are one. Deciding comes before the commit: what
// is measured here is a little longer than from the commit to the screen.

import { journal } from "./people.mjs";

// watchTimeline has every document of a page note when a line of the timeline was first drawn. Lines that are there
// before the page lives are noted without a time.
export function watchTimeline(page) {
  return page.addInitScript(() => {
    globalThis.drawn = [];
    let due = false;
    const draw = () => {
      due = false;
      if (document.readyState === "loading") return; // the newest lines come first: those that are yet to come are older
      const lives = document.documentElement.dataset.link === "live";
      const lines = [...document.querySelectorAll(".timeline li")].reverse();
      for (const line of lines.slice(globalThis.drawn.length)) {
        const said = [...line.querySelector(".moment").childNodes].filter((n) => n.className !== "source");
        globalThis.drawn.push({ text: said.map((n) => n.textContent).join("").trim(), at: lives ? Date.now() : 0 });
      }
    };
    // A frame later it is on the screen.
    const changed = () => {
      if (!due) requestAnimationFrame(draw);
      due = true;
    };
    new MutationObserver(changed).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-link"] });
    addEventListener("DOMContentLoaded", changed);
  });
}

// delays returns, for each line of a delivery's page that came while the page lived, by how many milliseconds its event
// is older.
export async function delays(page, home, lang) {
  const drawn = await page.evaluate(() => globalThis.drawn);
  const booked = Number(page.url().match(/-d(\d+)$/)[1]); // a delivery's name says where its story begins
  const told = await journal({ page }, home, booked - 1, lang);
  const found = [];
  for (const { text, at } of drawn) {
    const next = told.findIndex((e) => e.text === text);
    if (next < 0) throw new Error(`the journal does not tell “${text}”`);
    const [event] = told.splice(0, next + 1).slice(-1);
    if (at) found.push({ kind: event.kind, delay: at - Date.parse(event.at) });
  }
  return found;
}
