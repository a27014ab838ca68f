// Auto light: as the phone says, and dark between sunset and sunrise at the stop; changed only between two stops, never
// in mid-step.

import { now } from './key.mjs';
import { here } from './position.mjs';
import { isDark } from './way.mjs';

const root = document.documentElement;
const chosen = root.dataset.theme;

/** lightTheme fits the theme to the sun where the next stop, or the phone, is. */
export function lightTheme(view) {
  if (chosen || view.dataset.screen !== 'stops') return;
  const next = view.querySelector('[data-latitude]')?.dataset;
  const at = next ? { latitude: Number(next.latitude), longitude: Number(next.longitude) } : here.fix;
  if (!at) return;
  if (isDark(at, now())) root.dataset.theme = 'dark';
  else delete root.dataset.theme;
}
