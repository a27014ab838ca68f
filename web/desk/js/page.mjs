// What the demo adds to every page: a word on what to do next, and, for the courier's page, a place to be, labels to
// use without a camera, and hands that play a story with it. The product has none of this.

const { app } = document.documentElement.dataset;

/** every calls do again and again, the next time only when the last has ended. */
async function every(milliseconds, run) {
  for (;;) {
    await run().catch(() => {}); // the desk does not answer: the next time it may
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

const json = async (path) => (await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(5000) })).json();

// --- Where the courier is ---

/** watches are who wants to hear where the phone is. */
const watches = new Map();

/** place takes the browser's own way to say where it is: nobody of the town is where this computer stands. */
function place() {
  let ids = 0;
  const geolocation = {
    watchPosition(found) {
      watches.set(++ids, found);
      locate();
      return ids;
    },
    clearWatch: (id) => watches.delete(id),
    getCurrentPosition(found, failed) {
      fix().then(found, () => failed?.({ code: 2, message: 'the demo is gone', PERMISSION_DENIED: 1, POSITION_UNAVAILABLE: 2, TIMEOUT: 3 }));
    },
  };
  Object.defineProperty(navigator, 'geolocation', { value: geolocation, configurable: true });
  every(1000, locate);
}

const fix = async () => ({ coords: await json('/demo/position'), timestamp: Date.now() });

async function locate() {
  if (watches.size === 0) return;
  const found = await fix();
  for (const hear of watches.values()) hear(found);
}

if (app === 'courier') place();
