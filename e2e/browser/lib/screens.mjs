// The pictures in docs/screens: what a person sees first, without scrolling.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { kind } from "./ways.mjs";

// With SHOTS=folder they are put there instead.
const folder = process.env.SHOTS ?? fileURLToPath(new URL("../../../docs/screens/", import.meta.url));
if (process.env.SCREENS) mkdirSync(folder, { recursive: true });

// Which pages are worth a picture, and what it is called; those with a state are taken in that state alone.
export const names = {
  "/home/": "customer-home", "/home/deliveries/…": "customer-delivery", "/home/history": "customer-history",
  "/home/recordings": "customer-recordings", "/home/rules": "customer-rules", "/home/household": "customer-household",
  "/home/notifications": "customer-notifications", "/home/places/new": "customer-new-door", "/home/lending": "customer-lending",
  "/home/visits/…": "customer-visit", "/home/visits/…/receipt": "customer-receipt", "/home/cars": "customer-cars",
  "/operator/": "operator-board", "/operator/alarms": "operator-alarms", "/operator/deliveries": "operator-deliveries",
  "/operator/deliveries/…": "operator-story", "/operator/devices": "operator-devices",
  "/operator/couriers": "operator-couriers", "/operator/metrics": "operator-metrics", "/operator/visits/…": "operator-visit",
  "/operator/book": "operator-book", "/operator/import": "operator-import", "/operator/staff": "operator-staff",
  "/courier/": "courier", "/courier/stop/…": "courier", "/courier/scan/…": "courier",
  "/sign-in": "sign-in", "/demo/": "demo-desk",
};

// Taken in some state alone.
const stated = {
  "/home/cars/new": "customer-new-car", "/home/cars/authorise": "customer-new-car", "/home/cars/volvo": "customer-new-car",
  "/home/places/new/where": "customer-new-car", "/home/cars/places": "customer-new-car", "/home/places/…/car": "customer", "/home/places/…/rehearsal": "customer-rehearsal",
  "/operator/devices/…": "operator-device", "/courier/stop/…/plan-b": "courier",
};

// Taken from top to bottom: what matters lies below.
const whole = ["customer-new-car-checked", "customer-new-car-accept", "customer-car", "courier-car-alarm"];

// In French as well.
const both = ["customer-delivery-open", "customer-delivery-blocked", "courier-inside", "courier-refusal", "operator-board-open", "sign-in", "customer-new-car-checked", "customer-new-car-accept",
  "customer-delivery-car-asked", "courier-car-go", "courier-car-inside", "courier-car-secured", "courier-car-too-far", "courier-car-alarm"];

// pictured takes a page's picture, if it is one of these and in the language of SCREENS: the demo's own people speak that
// of the terminal in which it was started.
export async function pictured(page, path, lang, size, state) {
  const at = kind(path.split("?")[0]);
  const base = names[at] ?? (state && stated[at]);
  if (!base) return;
  const name = state ? `${base}-${state}` : base;
  if (lang !== process.env.SCREENS || lang !== "en" && !both.includes(name)) return;
  const app = path.split("/")[1];
  if (app === "courier" && size.width > 400) return; // a phone's app
  if (app === "courier") await page.evaluate(() => { delete document.documentElement.dataset.theme; }); // after sunset it is dark
  // A map is drawn after its page, on a wide screen.
  if (path === "/operator/" && size.width > 400) await page.waitForFunction(() => {
    const part = document.querySelector("loquet-map");
    return !part?.checkVisibility() || part.map?.loaded();
  });
  if (whole.includes(name)) await page.setViewportSize({ ...size, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await page.screenshot({ path: join(folder, `${name}-${size.width > 400 ? "desktop" : "phone"}${lang === "en" ? "" : `-${lang}`}.png`) });
  if (whole.includes(name)) await page.setViewportSize(size);
}
