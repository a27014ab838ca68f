// What is drawn around a point is as far from it as it says, and in that direction.
import assert from 'node:assert/strict';

import { bearings, circle, moved, sector } from '../js/draw.mjs';

/** far and towards are the distance in metres and the bearing in degrees from one point to another, on the sphere. */
function seen([lng1, lat1], [lng2, lat2]) {
  const rad = Math.PI / 180;
  const [a, b, d] = [lat1 * rad, lat2 * rad, (lng2 - lng1) * rad];
  const h = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(d / 2) ** 2;
  const towards = Math.atan2(Math.sin(d) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(d)) / rad;
  return { far: 2 * 6371008 * Math.asin(Math.sqrt(h)), towards: (towards + 360) % 360 };
}

const close = (got, want, within, what) => assert.ok(Math.abs(got - want) <= within, `${what}: ${got}, not ${want}`);

for (const at of [[2.2945, 48.8584], [-70.65, -33.45], [25, 69.9], [0, 0]]) {
  for (const [name, degrees] of Object.entries(bearings)) {
    const { far, towards } = seen(at, moved(at, 800, degrees));
    close(far, 800, 3, `${name} of ${at}`);
    close(((towards - degrees + 540) % 360) - 180, 0, 0.5, `the direction ${name} of ${at}`);
  }
  const ring = circle(at, 50).geometry.coordinates[0];
  assert.deepEqual(ring[0], ring.at(-1));
  for (const point of ring) close(seen(at, point).far, 50, 0.5, `a circle around ${at}`);
  const place = sector(at, 500, 'NW', 30).geometry.coordinates[0];
  assert.deepEqual(place[0], place.at(-1));
  for (const point of place) {
    const { far, towards } = seen(at, point);
    assert.ok(far > 468 && far < 532, `a sector around ${at} is ${far} m off`);
    assert.ok(towards > 291.9 && towards < 338.1, `a sector around ${at} lies at ${towards}°`);
  }
  assert.ok(sector(at, 10, 'S', 30).geometry.coordinates[0].flat().every(Number.isFinite), 'nearer than it is vague');
}
