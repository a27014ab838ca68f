// What an update may not do to a page: take a control away under a finger, empty a field, close what was opened.

/** True while the page takes over the answer to the person's own action: then it may change everything. */
let own = false;

/** The control that is being pressed, and the one that was activated since it got the focus. */
let pressed = null;
let activated = null;

/** Set when an update left something out, so that it is asked for again later. */
let left = false;

const controls = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
const fields = 'input, select, textarea';
const typed = 'input:not([type="checkbox"], [type="radio"], [type="submit"], [type="button"]), select, textarea';

const control = (node) => (node instanceof Element ? node.closest(controls) : null);

/** held is the control that an update must leave as it is, if there is one. */
function held(node) {
  if (own || !(node instanceof Element)) return false;
  if (pressed && pressed.isConnected && (node === pressed || node.contains(pressed))) return node === pressed;
  const focused = document.activeElement;
  if (node !== focused || !node.matches(controls)) return false;
  return node.matches(typed) || (node.matches(':focus-visible') && node !== activated);
}

/** holds says whether a node is, or has inside, a control that must stay. */
function holds(node) {
  if (own || !(node instanceof Element)) return false;
  return [pressed, document.activeElement].some((c) => c && c !== document.body && node.contains(c) && held(c));
}

/**
 * edited are the fields that a person changed, with what is in them, and the server does not know yet: found before anything of
 * them changes.
 */
const edited = new WeakMap();

function noteEdit(field) {
  if (!own && changed(field)) edited.set(field, field.value);
  else edited.delete(field);
}

/** changed says whether a field is not as the server made it. */
function changed(field) {
  if (field instanceof HTMLSelectElement) return field.selectedIndex !== first(field);
  if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}

/** first is which option of a list is chosen before anybody chooses. */
const first = (select) => Math.max(0, [...select.options].findLastIndex((option) => option.defaultSelected));

/** asks is what a form does: where it goes, and with which fixed fields. */
function asks(form) {
  const fixed = form.querySelectorAll('input[type="hidden"]:not([name="key"], [name="tag"])');
  return [form.getAttribute('action'), ...[...fixed].map((f) => `${f.name}=${f.getAttribute('value')}`)].join(' ');
}

/** turned are the forms that become another: found before their attributes change, which come before what is in them. */
const turned = new WeakSet();

function noteForm(old, now) {
  if (asks(old) === asks(now)) turned.delete(old);
  else turned.add(old);
}

/** sameKey: a form that still asks the same keeps its idempotency key, so that a second press counts as the first. */
const sameKey = (old) => !own && old instanceof HTMLInputElement && old.name === 'key' && old.form && !turned.has(old.form);

/**
 * sameTag: a form says what it was made from until the person's next action, so that who changed that meanwhile is told before
 * anything of theirs is changed back.
 */
const sameTag = (old) => !own && old instanceof HTMLInputElement && old.name === 'tag';

/** another: a form is not turned into another one around a control that must stay, which would then do something else. */
const another = (old) => turned.has(old) && holds(old);

/**
 * said is what a form had to say that led here, or the answer to one. The page says it until the person's next action; the
 * stream does not have it. An answer that has an id is over at once where the stream has an empty element of that id.
 */
const said = '.flash, [data-said]';

/** ofAnother says that a form's own note would stand beside another form than the one it is about. */
const ofAnother = (node) => node.matches('.form-note') && turned.has(node.closest('form'));

/** kept is what a page's own script looks after: a picture that plays, a form that is on its way. */
const kept = (old, now) => old instanceof Element && old.id !== '' && old.hasAttribute('data-keep') && old.id === now.id;

const rules = {
  beforeNodeMorphed(old, now) {
    if (kept(old, now) || sameKey(old) || sameTag(old)) return false;
    if (old instanceof HTMLFormElement) noteForm(old, now);
    if (old instanceof Element && old.matches(fields)) noteEdit(old);
    if (!held(old) && !another(old)) return true;
    left = true;
    return false;
  },
  afterNodeMorphed(old, now) {
    if (!(old instanceof HTMLSelectElement) || !edited.has(old)) return;
    // Options are matched by their place: what was chosen may stand at another, or be gone.
    old.value = edited.get(old);
    if (old.selectedIndex < 0) old.value = now.value;
  },
  beforeNodeRemoved(node) {
    if (!own && node instanceof Element && node.matches(said) && !ofAnother(node)) return false;
    if (!holds(node)) return true;
    left = true;
    return false;
  },
  beforeAttributeUpdated(name, el) {
    if (name === 'open' && el.tagName === 'DETAILS') return false;
    if (name === 'tabindex') return el.tagName !== 'H1'; // which would lose the focus
    if (name === 'value' || name === 'checked') return !edited.has(el);
    if (name === 'data-deaf' || name === 'aria-disabled') return !el.hasAttribute('data-deaf');
    if (name === 'selected') return !edited.has(el.closest('select'));
    return true;
  },
};

/** watch installs the rules. late is called when what an update left out can be taken over. */
export function watch(late) {
  Object.assign(globalThis.Idiomorph.defaults.callbacks, rules);
  const over = () => {
    pressed = null;
    if (!left) return;
    left = false;
    // After the click that follows, and after the next control has the focus.
    setTimeout(late, 0);
  };
  document.addEventListener('pointerdown', (e) => (pressed = control(e.target)), true);
  document.addEventListener('pointerup', () => setTimeout(over, 0), true);
  document.addEventListener('pointercancel', over, true);
  document.addEventListener('focusout', () => {
    activated = null;
    if (!pressed) over();
  }, true);
  document.addEventListener('click', (e) => (activated = control(e.target)), true);
}

/** byOwnAction runs a change that answers the person's own action. */
export function byOwnAction(change) {
  setOwn(true);
  try {
    return change();
  } finally {
    setOwn(false);
  }
}

export function setOwn(yes) {
  own = yes;
}

/** Milliseconds for which a control that has just changed its meaning ignores presses. */
const deafFor = 600;

/** meanings are what the page's controls mean now. */
export const meanings = () => new Set([...document.querySelectorAll('[data-action-id]')].map((el) => el.dataset.actionId));

/** What ends the deafness of a control. */
const ends = new WeakMap();

/** deafen has controls ignore presses for a moment, if they were not there before. One that is deaf begins anew. */
export function deafen(before) {
  for (const el of document.querySelectorAll('[data-action-id]')) {
    if (before.has(el.dataset.actionId)) continue;
    clearTimeout(ends.get(el));
    el.setAttribute('data-deaf', '');
    el.setAttribute('aria-disabled', 'true');
    ends.set(el, setTimeout(() => {
      el.removeAttribute('data-deaf');
      el.removeAttribute('aria-disabled');
    }, deafFor));
  }
}

/** A press on a control that is deaf does nothing; one on any other is remembered for the page that comes next. */
const memory = 'loquet-pressed';

export function guardPresses() {
  const control = (e) => (e.target instanceof Element ? e.target.closest('[data-action-id]') : null);
  const deaf = (el) => el.hasAttribute('data-deaf') || document.documentElement.hasAttribute('data-asleep');
  // Nor does the second press of a hasty pair take the focus from the heading of the new step.
  document.addEventListener('mousedown', (e) => {
    const el = control(e);
    if (el && deaf(el)) e.preventDefault();
  }, true);
  document.addEventListener('click', (e) => {
    const el = control(e);
    if (!el) return;
    if (deaf(el)) {
      e.preventDefault();
      e.stopImmediatePropagation();
      return;
    }
    try {
      sessionStorage.setItem(memory, String(Date.now()));
    } catch {
      // Storage is refused: the next page is not deaf at first, and its form's key still counts once.
    }
  }, true);
  const age = Date.now() - Number(sessionStorageGet(memory));
  if (age >= 0 && age < 3000) deafen(new Set());
}

function sessionStorageGet(name) {
  try {
    return sessionStorage.getItem(name) ?? NaN;
  } catch {
    return NaN;
  }
}
