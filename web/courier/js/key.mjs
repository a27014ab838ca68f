// The phone's own key. It is made here, never leaves the browser, and signs every request as the package auth/proof
// describes: whoever copies everything else of this phone still is not this phone.

import * as memory from './memory.mjs';

const curve = { name: 'ECDSA', namedCurve: 'P-256' };
const signing = { name: 'ECDSA', hash: 'SHA-256' };

// NoLink: the request did not reach the server, or its answer did not reach the phone. Which of both is not known.
export class NoLink extends Error {}

// NoKey: no courier's key is on this phone, or the server does not know it any more.
export class NoKey extends Error {}

/** textOf reads an answer's body. Throws NoLink where it breaks off. */
export async function textOf(response) {
  try {
    return await response.text();
  } catch (error) {
    throw new NoLink('the answer broke off', { cause: error });
  }
}

/** Problem: the server says that nothing was done, and why. */
export class Problem extends Error {
  constructor({ code, detail, reference } = {}) {
    super(detail);
    this.code = code;
    this.reference = reference;
  }
}

const utf8 = new TextEncoder();

function base64url(bytes) {
  const binary = Array.from(new Uint8Array(bytes), (b) => String.fromCharCode(b)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const encode = (value) => base64url(utf8.encode(JSON.stringify(value)));
const digest = async (bytes) => base64url(await crypto.subtle.digest('SHA-256', bytes));

// create makes a key pair whose private half no script can read, named by its RFC 7638 thumbprint.
export async function create() {
  const pair = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwk = JSON.stringify({ crv, kty, x, y });
  return { private: pair.privateKey, jwk, id: await digest(utf8.encode(jwk)) };
}

let known;

// bound is the key that this phone's courier signs with, or undefined.
export function bound() {
  known ??= memory.get('keys', 'bound');
  return known;
}

// bind keeps the key as this phone's.
export async function bind(key) {
  await memory.put('keys', key, 'bound');
  known = undefined;
}

// The phone's clock may be hours off: every answer tells the server's time.

const clockName = 'loquet-clock';
let ahead = Number(localStorage.getItem(clockName)) || 0;

// now is the server's time in milliseconds, as well as this phone knows it.
export const now = () => Date.now() + ahead;

// serverTime turns a moment of this phone's clock into the server's.
export const serverTime = (milliseconds) => new Date(milliseconds + ahead);

function learnTime(response, sent) {
  const told = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(told)) return;
  // The field has whole seconds: on average it is half a second late.
  const differs = told + 500 - (sent + Date.now()) / 2;
  if (Math.abs(differs - ahead) < 1500) return;
  ahead = differs;
  localStorage.setItem(clockName, String(Math.round(ahead)));
}

// prove makes the proof of one request.
async function prove(key, method, path, body) {
  const header = { typ: 'loquet-proof+jwt', alg: 'ES256', kid: key.id };
  const claims = {
    jti: base64url(crypto.getRandomValues(new Uint8Array(16))),
    htm: method,
    htu: location.origin + path,
    iat: Math.floor(now() / 1000),
    bod: await digest(body),
  };
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${base64url(await crypto.subtle.sign(signing, key.private, utf8.encode(text)))}`;
}

// problemOf is what the server says that is wrong, or undefined.
export async function problemOf(response) {
  if (response.ok || !response.headers.get('Content-Type')?.startsWith('application/problem+json')) return undefined;
  return response.clone().json().catch(() => undefined);
}

// signed asks the server in this phone's name. body is text or bytes; by is another key than the bound one. Throws
// NoKey and NoLink; every answer of the server is returned.
export async function signed(path, { method = 'GET', body = '', headers = {}, signal, by } = {}) {
  const key = by ?? await bound();
  if (!key) throw new NoKey('no key');
  const bytes = typeof body === 'string' ? utf8.encode(body) : new Uint8Array(body);
  for (let again = false; ; again = true) {
    const response = await send(key, path, method, bytes, headers, signal);
    const code = response.status === 401 ? (await problemOf(response))?.code : '';
    if (code === 'device-not-bound') throw new NoKey(code);
    if (code !== 'proof-clock' || again) return response;
  }
}

async function send(key, path, method, bytes, headers, signal) {
  const proof = await prove(key, method, path, bytes);
  const sent = Date.now();
  try {
    const response = await fetch(path, {
      method,
      headers: { 'Accept-Language': document.documentElement.lang, ...headers, 'Loquet-Proof': proof },
      body: method === 'GET' ? undefined : bytes,
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
    });
    learnTime(response, sent);
    return response;
  } catch (error) {
    if (error.name === 'AbortError' && signal?.aborted && signal.reason?.name !== 'TimeoutError') throw error;
    throw new NoLink('no link', { cause: error });
  }
}
