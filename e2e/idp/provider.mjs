// A certified OpenID provider for the tests of package auth, with people whom the tests describe. It prints its
// address, and ends when its standard input does.
//
//   PROVIDER='{"clients": [...], "people": {"ana": {"name": "Ana", "groups": ["desk"]}}}' node provider.mjs
//
// PUT /test/people/<login> describes a person anew.
import http from 'node:http';
import Provider from 'oidc-provider';

const { clients, people } = JSON.parse(process.env.PROVIDER);
const server = http.createServer();
let handle;

server.on('request', (req, res) => {
  if (!req.url.startsWith('/test/people/')) {
    handle(req, res);
    return;
  }
  let body = '';
  req.on('data', (part) => { body += part; });
  req.on('end', () => {
    people[req.url.slice('/test/people/'.length)] = JSON.parse(body);
    res.end();
  });
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups', 'realm_access'],
    },
    cookies: { keys: ['only for tests'] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    // Without its guard against addresses of this machine: the party that it tells of sign-outs is a test.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
    pkce: { required: () => true },
  });
  handle = provider.callback();
  console.log(issuer);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
