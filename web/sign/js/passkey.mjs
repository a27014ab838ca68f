// Passkeys: the buttons that put a server's question to this browser's passkeys, and send the answer.
//
// A button stands in a .ceremony, whose data say where the question comes from (data-ceremony), where the answer goes
// (data-finish), whether a new passkey is made (data-make), and the words for what can happen. Without a script, or in
// a browser that knows no passkeys, the button stays hidden and the page says why.

const known = 'PublicKeyCredential' in globalThis && navigator.credentials !== undefined;

// Older browsers know passkeys, and not how to read their questions from JSON (WebAuthn Level 3, section 5.1).

function bytes(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (c) => c.codePointAt(0)).buffer;
}

function text(buffer) {
  if (!buffer) return undefined;
  const plain = Array.from(new Uint8Array(buffer), (b) => String.fromCodePoint(b)).join('');
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const described = (list) => (list ?? []).map((c) => ({ ...c, id: bytes(c.id) }));

function toMake(o) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(o);
  return {
    ...o,
    challenge: bytes(o.challenge),
    user: { ...o.user, id: bytes(o.user.id) },
    excludeCredentials: described(o.excludeCredentials),
  };
}

function toAnswer(o) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(o);
  return { ...o, challenge: bytes(o.challenge), allowCredentials: described(o.allowCredentials) };
}

function sendable(c) {
  if (c.toJSON) return c.toJSON();
  const r = c.response;
  return {
    id: c.id,
    rawId: text(c.rawId),
    type: c.type,
    authenticatorAttachment: c.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(r.clientDataJSON),
      attestationObject: text(r.attestationObject),
      authenticatorData: text(r.authenticatorData),
      signature: text(r.signature),
      userHandle: text(r.userHandle),
      transports: r.getTransports?.(),
    },
  };
}

// post returns what the server answers; what it refuses is thrown with the words to show.
async function post(address, body) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer);
  return answer;
}

class Refused extends Error {
  constructor(answer) {
    super(answer.title);
    this.words = [answer.title, answer.text].filter(Boolean).join('. ');
  }
}

async function ceremony(box) {
  const { ceremony: id, options } = await post(box.dataset.ceremony, {});
  const made = 'make' in box.dataset;
  const credential = made
    ? await navigator.credentials.create({ publicKey: toMake(options) })
    : await navigator.credentials.get({ publicKey: toAnswer(options) });
  const name = document.getElementById('passkey-name')?.value ?? '';
  return post(box.dataset.finish, { ceremony: id, response: sendable(credential), next: box.dataset.next ?? '', name });
}

// why says what went wrong, in the page's own words.
function why(error, words) {
  if (error instanceof Refused) return error.words;
  if (error.name === 'InvalidStateError') return words.there;
  // A browser tells a person's "no", a timeout and "no such passkey" apart by nothing, on purpose.
  if (['NotAllowedError', 'AbortError', 'SecurityError'].includes(error.name)) return words.cancelled;
  return words.lost;
}

function ready(box) {
  const button = box.querySelector('button');
  const told = box.querySelector('.told');
  if (!known) {
    told.textContent = box.dataset.unknown;
    return;
  }
  button.hidden = false;
  let busy = false;
  button.addEventListener('click', async () => {
    if (busy) return;
    busy = true;
    told.textContent = box.dataset.waiting;
    try {
      const { to } = await ceremony(box);
      location.assign(to);
    } catch (error) {
      told.textContent = why(error, box.dataset);
      busy = false;
    }
  });
}

for (const box of document.querySelectorAll('.ceremony')) ready(box);

// Back shows a page as it was left: while it waited.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
