// The pictures in docs/screens: what a person sees first, without scrolling.
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { kind } from "./ways.mjs";

const folder = fileURLToPath(new URL("../../../docs/screens/", import.meta.url));

// Which pages are worth a picture, and what it is called; those with a state are taken in that state alone.
const names = {
  "/home/": "customer-home", "/home/deliveries/…": "customer-delivery", "/home/history": "customer-history",
  "/home/recordings": "customer-recordings", "/home/rules": "customer-rules", "/home/household": "customer-household",
  "/home/notifications": "customer-notifications", "/home/places/new": "customer-new-door",
  "/operator/": "operator-board", "/operator/alarms": "operator-alarms", "/operator/deliveries": "operator-deliveries",
  "/operator/deliveries/…": "operator-story", "/operator/devices": "operator-devices",
  "/operator/couriers": "operator-couriers", "/operator/metrics": "operator-metrics",
  "/courier/": "courier", "/courier/stop/…": "courier", "/courier/scan/…": "courier",
  "/sign-in": "sign-in", "/demo/": "demo-desk",
};

// In French as well.
const both = ["customer-delivery-open", "courier-inside", "operator-board-open", "sign-in"];

// pictured takes a page's picture, if it is one of these.
export async function pictured(page, path, lang, size, state) {
  const base = names[kind(path.split("?")[0])];
  if (!base) return;
  const name = state ? `${base}-${state}` : base;
  if (lang !== "en" && !both.includes(name)) return;
  const app = path.split("/")[1];
  if (app === "courier" && size.width > 400) return; // a phone's app
  await page.screenshot({ path: join(folder, `${name}-${size.width > 400 ? "desktop" : "phone"}${lang === "en" ? "" : `-${lang}`}.png`) });
}
pictured.folder = folder;
