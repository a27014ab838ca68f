// Drives the vendor's own client: reads one question a line, {"do": name, "with": [arguments]}, and answers each with
// one line, {"said": value} or {"failed": error}.
import { createInterface } from 'node:readline';
import smartcar from 'smartcar';

const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, REDIRECT_URI: redirectUri } = process.env;
const auth = new smartcar.AuthClient({ clientId, clientSecret, redirectUri, mode: 'test' });
const car = (id, token) => new smartcar.Vehicle(id, token);

const able = {
  authURL: (scopes, state) => auth.getAuthUrl(scopes, { state, forcePrompt: true }),
  exchange: (code) => auth.exchangeCode(code),
  refresh: (token) => auth.exchangeRefreshToken(token),
  user: (token) => smartcar.getUser(token),
  vehicles: (token) => smartcar.getVehicles(token),
  security: (id, token) => car(id, token).lockStatus(),
  location: (id, token) => car(id, token).location(),
  attributes: (id, token) => car(id, token).attributes(),
  vin: (id, token) => car(id, token).vin(),
  permissions: (id, token) => car(id, token).permissions(),
  lock: (id, token) => car(id, token).lock(),
  unlock: (id, token) => car(id, token).unlock(),
  disconnect: (id, token) => car(id, token).disconnect(),
  compatibility: (vin, scopes) => smartcar.getCompatibility(vin, scopes, 'US', { clientId, clientSecret }),
  connections: (amt) => smartcar.getConnections(amt),
  deleteConnections: (amt, vehicleId) => smartcar.deleteConnections(amt, { vehicleId }),
  hashChallenge: (amt, challenge) => smartcar.hashChallenge(amt, challenge),
  verifyPayload: (amt, signature, body) => smartcar.verifyPayload(amt, signature, body),
  vehicleV3: (id, token) => smartcar.getVehicle(token, id),
  signals: (id, token, user) => car(id, token).request('get', 'signals', null, { 'sc-user-id': user }, '3'),
  signal: (id, token, user, code) => car(id, token).request('get', `signals/${code}`, null, { 'sc-user-id': user }, '3'),
  unlockV3: (id, token, user) => car(id, token).request('post', 'commands/security/unlock', null, { 'sc-user-id': user }, '3'),
  lockV3: (id, token, user) => car(id, token).request('post', 'commands/security/lock', null, { 'sc-user-id': user }, '3'),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, with: args } = JSON.parse(line);
  let answer;
  try {
    answer = { said: (await able[name](...args)) ?? null };
  } catch (e) {
    const { statusCode, type, code, retryAfter, resolution, message } = e;
    answer = { failed: { ours: e instanceof smartcar.SmartcarError, statusCode, type, code, retryAfter, resolution, message } };
  }
  console.log(JSON.stringify(answer));
}
