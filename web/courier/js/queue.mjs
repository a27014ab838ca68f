// Requests that wait for the network, in the order in which they were made. Each is kept with its idempotency key, so
// that it does its work once however often it is sent: from two tabs, after a reload, after an answer that was lost.

import * as memory from './memory.mjs';
import { NoKey, NoLink, signed } from './key.mjs';

const store = 'queue';

// keep stores a request durably and returns it. about is what people are told of it when it is answered; key is that
// under which it may have been sent already.
export async function keep(path, body, about, key = crypto.randomUUID()) {
  const request = { path, body: JSON.stringify(body), key, about };
  await memory.put(store, request);
  return request;
}

// waiting are the requests that were not answered yet.
export const waiting = async () => (await memory.entries(store)).map(({ value }) => value);

// final says whether the server's answer is the last word: only then is a request forgotten.
const final = (status) => status < 500 && status !== 429 && status !== 401 && status !== 408;

// flush sends what waits, and tells answered(request, answer, response) of each. It ends at the first that can't be
// sent now. One tab does it at a time.
export function flush(answered) {
  return navigator.locks.request('loquet-queue', async () => {
    for (const { key, value } of await memory.entries(store)) {
      const response = await attempt(value);
      if (!response || !final(response.status)) return;
      const answer = await response.json().catch(() => undefined);
      if (answer === undefined) return;
      await memory.remove(store, key);
      answered(value, answer, response);
    }
  });
}

async function attempt(request) {
  try {
    return await signed(request.path, {
      method: 'POST',
      body: request.body,
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': request.key },
      signal: AbortSignal.timeout(15000),
    });
  } catch (error) {
    if (error instanceof NoLink || error instanceof NoKey) return undefined;
    throw error;
  }
}
