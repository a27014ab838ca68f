// Ties this phone to a courier: makes its key and shows, signed with it, the code that the courier was given. The code
// may come in the link's fragment, which no server and no log sees.

import { alarm } from '../../ui/js/live.mjs';
import * as key from './key.mjs';
import { forget } from './last.mjs';
import * as queue from './queue.mjs';
import { say } from './words.mjs';

const form = document.querySelector('form[data-pair]');
const field = form.elements.code;
const error = document.getElementById('pair-error');

function takeCode() {
  if (location.hash.length < 2) return;
  field.value = location.hash.slice(1, 20);
  history.replaceState(null, '', location.pathname);
}

takeCode();
addEventListener('hashchange', takeCode);

/** warn says what would be lost: what another key asked can't be sent with a new one. */
async function warn() {
  const n = (await queue.waiting()).length;
  const line = document.getElementById('pair-drops');
  line.hidden = n === 0;
  line.textContent = n === 0 ? '' : say('js.pair.drops', { n });
}

warn().catch(console.warn);

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (form.hasAttribute('aria-busy')) return;
  form.setAttribute('aria-busy', 'true');
  wrong('');
  try {
    await pair(field.value.trim());
  } catch (failure) {
    wrong(reason(failure));
  } finally {
    form.removeAttribute('aria-busy');
  }
});

function wrong(text) {
  error.textContent = text;
  error.hidden = !text;
  field.toggleAttribute('aria-invalid', Boolean(text));
  if (!text) return;
  alarm(text);
  field.focus();
}

function reason(failure) {
  if (failure instanceof key.NoLink) return say('js.pair.offline');
  if (failure.code === 'pairing') return say('js.pair.code');
  if (failure.code === 'too-many') return say('js.pair.many');
  if (failure.name === 'InvalidStateError' || failure.name === 'UnknownError') return say('js.pair.private');
  console.error(failure);
  return say('js.pair.other');
}

// The key is kept while its answer is out: a code works once, and an answer may be lost on its way.
let candidate;

async function pair(code) {
  candidate ??= await key.create();
  const response = await key.signed('/v1/pair', {
    method: 'POST', by: candidate, body: JSON.stringify({ code, publicJwk: candidate.jwk }),
    headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(15000),
  });
  if (!response.ok && !(await bound())) {
    const problem = new key.Problem(await key.problemOf(response));
    if (problem.code === 'key-taken') candidate = undefined;
    throw problem;
  }
  await key.bind(candidate);
  await forget();
  await queue.forget();
  await navigator.storage?.persist?.();
  location.replace('/courier/');
}

/** bound asks whether the key was tied by a request whose answer was lost. */
async function bound() {
  try {
    return (await key.signed('/v1/courier/stops', { by: candidate })).ok;
  } catch (failure) {
    if (failure instanceof key.NoKey) return false;
    throw failure;
  }
}
