// Requests that wait for the network, in their order. Each is kept with its idempotency key, and does its work once
// however often it is sent.

import * as memory from './memory.mjs';
import { NoKey, NoLink, signed } from './key.mjs';

const store = 'queue';

/** Milliseconds between two tries to send what waits; the last is that of all further ones. */
const tries = [2000, 5000, 10000];

let awaken = () => {};

// keep stores a request durably. about is what people are told of it when it is answered; key is that under which it
// may have been sent already.
export async function keep(path, body, about, key = crypto.randomUUID()) {
  const request = { path, body: JSON.stringify(body), key, about };
  const row = await memory.put(store, request);
  awaken();
  return { row, request };
}

// waiting are the requests that were not answered yet.
export const waiting = async () => (await memory.entries(store)).map(({ value }) => value);

// forget drops what waits: it was another courier's.
export const forget = () => memory.clear(store);

// final says whether the server's answer is the last word: only then is a request forgotten.
const final = (status) => status < 500 && status !== 429 && status !== 401 && status !== 408;

// keepAndSend stores a request that must not be lost, and sends it before all others. It returns the answer as flush
// tells it; undefined while nobody knows.
export async function keepAndSend(path, body, about) {
  const { row, request } = await keep(path, body, about);
  const answer = await answerOf(await attempt(request));
  if (answer) await memory.remove(store, row);
  return answer;
}

// flush sends what waits, one tab at a time, and tells answered(request, answer) of each: the API's answer, or { problem }
// where nothing was done. What can't be done now holds back what was asked at the same address after it.
export function flush(answered) {
  return navigator.locks.request('loquet-queue', async () => {
    const stuck = new Set();
    for (const { key, value } of await memory.entries(store)) {
      if (stuck.has(value.path)) continue;
      const response = await attempt(value);
      if (!response) return;
      const answer = await answerOf(response);
      if (!answer) {
        stuck.add(value.path);
        continue;
      }
      await memory.remove(store, key);
      answered(value, answer);
    }
  });
}

// persist calls send while something waits: a link that came back does not always say so.
export function persist(send) {
  let tried = 0, timer;
  const next = async () => {
    clearTimeout(timer);
    if ((await waiting()).length === 0) tried = 0;
    else timer = setTimeout(once, tries[Math.min(tried++, tries.length - 1)]);
  };
  const once = () => send().finally(next);
  awaken = next;
  addEventListener('online', once);
  next();
}

async function answerOf(response) {
  if (!response || !final(response.status)) return undefined;
  const answer = await response.json().catch(() => undefined);
  return response.ok ? answer : answer && { problem: answer };
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
