// Debian's Chromium, driven by playwright-core.
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const program = fileURLToPath(new URL("chromium.sh", import.meta.url));

const quiet = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-audio-output",
];

function options(args, nice = 5) {
  return { executablePath: program, headless: true, args: [...quiet, ...args], env: { ...process.env, NICE: String(nice) } };
}

// launch starts a browser of its own. film is what its camera sees (Y4M), none without; nice is how far it stands behind
// the server, which has 0.
export function launch({ film, nice } = {}) {
  const camera = film
    ? ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${film}`]
    : [];
  return chromium.launch(options(camera, nice));
}

// shared starts a browser that another program drives as well, at a port of this machine, and returns its one context:
// what is signed in there is so for both.
export function shared(folder, port) {
  return chromium.launchPersistentContext(folder, { ...options([`--remote-debugging-port=${port}`]), locale: "en" });
}

// sizes of screens.
export const phone = { width: 390, height: 844 };
export const narrow = { width: 320, height: 640 };
export const desktop = { width: 1280, height: 800 };
