// Arrow keys move through the rows of a table; Enter opens the row, as the link in it does by itself.

const links = (table) => [...table.querySelectorAll('tbody .row-link')];

const steps = {
  ArrowDown: (i, n) => Math.min(i + 1, n - 1),
  ArrowUp: (i) => Math.max(i - 1, 0),
  Home: () => 0,
  End: (_, n) => n - 1,
};

export function arrows() {
  document.addEventListener('keydown', (e) => {
    const step = steps[e.key];
    const link = e.target instanceof Element ? e.target.closest('table.rows .row-link') : null;
    if (!step || !link || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    const all = links(link.closest('table'));
    const next = all[step(all.indexOf(link), all.length)];
    if (next === link) return;
    e.preventDefault();
    next.focus();
  });
}
