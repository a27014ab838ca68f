// Rows never come, go or change places under the pointer or around the focus. What they say is kept true all the
// time; where they stand waits behind a chip that says how many changes there are.
import { refetch } from '../../ui/js/live.mjs';

const tables = () => document.querySelectorAll('[data-steady]');

/** busy says whether somebody is at a table: with the pointer over it, or with the focus in it. */
const busy = (body) => body.matches(':hover') || body.contains(document.activeElement);

const ids = (body) => [...body.children].map((row) => row.id);

/**
 * settle gives the rows that come the order in which they stand: new ones wait, and those that are gone stay where
 * they were, marked. It returns how many changes that holds back.
 */
export function settle(standing, coming) {
  const before = ids(standing);
  const after = ids(coming);
  const byId = new Map([...coming.children].map((row) => [row.id, row]));
  const gone = before.filter((id) => !byId.has(id));
  const fresh = after.filter((id) => !before.includes(id));
  const stayed = after.filter((id) => before.includes(id));
  const order = before.filter((id) => byId.has(id));
  const moved = stayed.filter((id, i) => order[i] !== id).length;
  const rows = before.map((id) => byId.get(id) ?? ghost(standing, id));
  coming.replaceChildren(...rows);
  return gone.length + fresh.length + (moved > 0 ? 1 : 0);
}

/** ghost is a row that is over, as it stood last. */
function ghost(standing, id) {
  const row = standing.querySelector(`#${CSS.escape(id)}`).cloneNode(true);
  row.dataset.gone = '';
  return row;
}

/** chip tells of the changes that wait, beside the table's heading; pressing it shows them. */
function chip(body, waiting) {
  const box = body.closest('section') ?? body.parentElement;
  let button = box.querySelector('.changes');
  if (waiting === 0) {
    button?.remove();
    return;
  }
  if (!button) {
    button = document.createElement('button');
    button.type = 'button';
    button.className = 'changes';
    button.addEventListener('click', () => show(body));
    (box.querySelector('h2') ?? box).append(button);
  }
  button.textContent = waiting === 1 ? body.dataset.one : body.dataset.other.replace('{n}', waiting);
}

/** Set while the changes are being shown. */
let open = false;

async function show(body) {
  open = true;
  try {
    await refetch();
  } finally {
    open = false;
    const now = document.getElementById(body.id);
    if (now) chip(now, 0);
  }
}

/** hold rewrites a view that comes by the stream, for the tables at which somebody is. */
function hold(html) {
  const busyOnes = open ? [] : [...tables()].filter(busy);
  const held = new Map();
  if (busyOnes.length === 0) return { html, held };
  const page = new DOMParser().parseFromString(`<body>${html}</body>`, 'text/html');
  for (const body of busyOnes) {
    const coming = page.getElementById(body.id);
    if (coming) held.set(body.id, settle(body, coming));
  }
  return { html: page.body.innerHTML, held };
}

let waiting = new Map();

export function holdRows() {
  document.body.addEventListener('htmx:sseBeforeMessage', (e) => {
    if (e.detail.type !== 'view') return;
    const { html, held } = hold(e.detail.data);
    waiting = held;
    if (held.size > 0) Object.defineProperty(e.detail, 'data', { value: html });
  });
  document.body.addEventListener('htmx:sseMessage', (e) => {
    if (e.detail.type !== 'view') return;
    for (const body of tables()) chip(body, waiting.get(body.id) ?? 0);
  });
  // Whoever leaves the table finds it in order when they come back.
  const left = () => {
    const held = [...tables()].filter((body) => waiting.get(body.id) > 0);
    if (held.length > 0 && !held.some(busy)) show(held[0]);
  };
  document.addEventListener('pointerover', left);
  document.addEventListener('focusin', left);
}
