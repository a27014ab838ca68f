// What the phone keeps between pages, in IndexedDB: its key, the requests that wait to be sent, each until it is answered
// (scans; plan B, with the place where it was said; danger), and the last list of stops. Nothing else of a visit is kept.
// Beside it, in localStorage, is by how much the phone's clock differs from the server's.

const name = 'loquet-courier';
const stores = ['keys', 'queue', 'last'];

let opening;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const store of stores) request.result.createObjectStore(store, store === 'queue' ? { autoIncrement: true } : undefined);
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => { request.result.close(); opening = undefined; };
      resolve(request.result);
    };
    request.onerror = () => { opening = undefined; reject(request.error); };
  });
  return opening;
}

// transact runs one transaction; what is returned is durable.
async function transact(store, mode, work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const t = db.transaction(store, mode, { durability: 'strict' });
    const request = work(t.objectStore(store));
    t.oncomplete = () => resolve(request?.result);
    t.onabort = t.onerror = () => reject(t.error);
  });
}

export const get = (store, key) => transact(store, 'readonly', (s) => s.get(key));
export const put = (store, value, key) => transact(store, 'readwrite', (s) => s.put(value, key));
export const clear = (store) => transact(store, 'readwrite', (s) => s.clear());
export const remove = (store, key) => transact(store, 'readwrite', (s) => s.delete(key));

// entries are all of a store's, oldest first, as { key, value }.
export async function entries(store) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const found = [];
    const t = db.transaction(store, 'readonly');
    t.objectStore(store).openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return;
      found.push({ key: cursor.key, value: cursor.value });
      cursor.continue();
    };
    t.oncomplete = () => resolve(found);
    t.onabort = t.onerror = () => reject(t.error);
  });
}
