// Rows never come, go or change places under the pointer or around the focus. What they say is kept true all the
// time; where they stand waits behind a chip that says how many changes there are.
import { arrangedBy, refetch } from '../../ui/js/live.mjs';

/** Set while the changes are being shown. */
let open = false;

/** How many changes wait, by table. */
let waiting = new Map();

const tables = () => document.querySelectorAll('[data-steady]');

/** busy says whether somebody is at a table: with the pointer over it, or with the focus in it. */
const busy = (body) => body.matches(':hover') || body.contains(document.activeElement);

/** manned are the tables that are held: none while the changes are being shown. */
const manned = () => (open ? [] : [...tables()].filter(busy));

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
    button.addEventListener('click', show);
    (box.querySelector('h2') ?? box).append(button);
  }
  button.textContent = waiting === 1 ? body.dataset.one : body.dataset.other.replace('{n}', waiting);
}

async function show() {
  open = true;
  await refetch().finally(() => (open = false));
}

/** hold settles, in a page that comes, the tables at which somebody is. */
function hold(page) {
  waiting = new Map();
  for (const body of manned()) {
    const coming = page.getElementById(body.id);
    if (coming) waiting.set(body.id, settle(body, coming));
  }
}

/** tell has each table say how many changes wait. */
function tell() {
  for (const body of tables()) chip(body, waiting.get(body.id) ?? 0);
}

export function holdRows() {
  document.body.addEventListener('htmx:sseBeforeMessage', (e) => {
    if (e.detail.type !== 'view') return;
    waiting = new Map();
    if (manned().length === 0) return;
    const page = new DOMParser().parseFromString(`<body>${e.detail.data}</body>`, 'text/html');
    hold(page);
    Object.defineProperty(e.detail, 'data', { value: page.body.innerHTML });
  });
  document.body.addEventListener('htmx:sseMessage', (e) => e.detail.type === 'view' && tell());
  arrangedBy((page) => {
    hold(page);
    return tell;
  });
  // Whoever leaves the table finds it in order when they come back.
  const left = () => {
    const held = [...tables()].filter((body) => waiting.get(body.id) > 0);
    if (held.length > 0 && !held.some(busy)) show();
  };
  document.addEventListener('pointerover', left);
  document.addEventListener('focusin', left);
}
