// How far it is, in which direction, how long it takes, and whether it is dark there. WGS 84 degrees, metres.

const radius = 6371008;
const rad = (degrees) => degrees * Math.PI / 180;
const deg = (radians) => radians * 180 / Math.PI;

// distance is the length of the great circle between two positions.
export function distance(a, b) {
  const dLat = rad(b.latitude - a.latitude), dLon = rad(b.longitude - a.longitude);
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(rad(a.latitude)) * Math.cos(rad(b.latitude)) * Math.sin(dLon / 2) ** 2;
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(h)));
}

// bearing is where b lies from a, in degrees clockwise from north.
export function bearing(a, b) {
  const dLon = rad(b.longitude - a.longitude), from = rad(a.latitude), to = rad(b.latitude);
  const y = Math.sin(dLon) * Math.cos(to);
  const x = Math.cos(from) * Math.sin(to) - Math.sin(from) * Math.cos(to) * Math.cos(dLon);
  return (deg(Math.atan2(y, x)) + 360) % 360;
}

const winds = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'];

// wind is the nearest of eight directions.
export const wind = (degrees) => winds[Math.round(degrees / 45) % 8];

// travel estimates how long the way takes, in milliseconds: on foot when near, else through streets, a third longer
// than the straight line, at 25 km/h with two minutes to park.
export function travel(metres) {
  const walk = 400;
  if (metres <= walk) return metres / 1.3 * 1000;
  return (metres * 1.35 / 7 + 120) * 1000;
}

// isDark says whether the sun is below the horizon, by the low-precision formulas of the Astronomical Almanac (good to
// about a minute of time for a century around 2000). at is in milliseconds since 1970.
export function isDark({ latitude, longitude }, at) {
  const n = at / 86400000 - 10957.5; // days since 2000-01-01 12:00
  const g = rad((357.528 + 0.9856003 * n) % 360);
  const lambda = rad((280.46 + 0.9856474 * n + 1.915 * Math.sin(g) + 0.02 * Math.sin(2 * g)) % 360);
  const tilt = rad(23.439 - 0.0000004 * n);
  const declination = Math.asin(Math.sin(tilt) * Math.sin(lambda));
  const ascension = Math.atan2(Math.cos(tilt) * Math.sin(lambda), Math.cos(lambda));
  const sidereal = rad((280.46062 + 360.98564737 * n + longitude) % 360);
  const height = Math.asin(Math.sin(rad(latitude)) * Math.sin(declination) +
    Math.cos(rad(latitude)) * Math.cos(declination) * Math.cos(sidereal - ascension));
  return deg(height) < -0.833; // the upper edge, with refraction
}
