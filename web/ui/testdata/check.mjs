// Runs in a real page of the browser test, and tells the test what it saw.

import { anchor, tick } from '../ui/js/ages.mjs';
import { ago, clock, refetch, span } from '../ui/js/live.mjs';

const violations = [];
document.addEventListener('securitypolicyviolation', (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
addEventListener('error', (e) => violations.push(e.message));

const $ = (selector) => document.querySelector(selector);
const shows = (el) => el !== null && el.checkVisibility();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (path, body) => fetch(path, { method: 'POST', body });

/** until waits for something to be so, and says how long it took. */
async function until(what, is, most = 60000) {
  const from = performance.now();
  while (!is()) {
    if (performance.now() - from > most) throw new Error(`never: ${what}`);
    await sleep(20);
  }
  return Math.round(performance.now() - from);
}

function must(what, is) {
  if (!is) throw new Error(`not: ${what}`);
}

const press = (el, type) => el.dispatchEvent(new PointerEvent(type, { bubbles: true }));

/** state has the server show another state, and waits until it is here. */
async function state(changes) {
  const n = String(Math.random()).slice(2, 8);
  await tell('/test/state', JSON.stringify({ ...changes, mark: n }));
  await until(`state ${JSON.stringify(changes)}`, () => $('#mark')?.textContent === n);
}

/** overtaken has a page be made, and a newer state be here before it; what ask returned is still out. */
async function overtaken(ask, changes) {
  const { asked } = await onItsWay(ask);
  await state(changes);
  return { asked };
}

/** onItsWay has a page be made, and held up; what ask returned is still out. */
async function onItsWay(ask) {
  await tell('/test/hold', 'on');
  const asked = ask();
  let held = '';
  const look = setInterval(async () => (held = await (await fetch('/test/held')).text()), 20);
  await until('it is on its way', () => held === 'true').finally(() => clearInterval(look));
  return { asked };
}

/** counting counts what is asked of the server until it is called. */
function counting() {
  const { fetch } = globalThis;
  let asked = 0;
  globalThis.fetch = (...given) => {
    asked++;
    return fetch(...given);
  };
  return () => {
    globalThis.fetch = fetch;
    return asked;
  };
}

/** asksFor counts what is asked of the server at once by something that is done. */
function asksFor(something) {
  const asked = counting();
  something();
  return asked();
}

/** answering has what is fetched next be answered with something else. */
function answering(body, init) {
  const { fetch } = globalThis;
  globalThis.fetch = async () => {
    globalThis.fetch = fetch;
    return new Response(body, init);
  };
}

/** seen says later whether the button had a label again. */
function seen(label) {
  let was = false;
  new MutationObserver(() => { was ||= $('#act')?.textContent.trim() === label; }).observe(document.body, { subtree: true, childList: true, characterData: true });
  return () => was;
}

const checks = {
  async 'the link is live'() {
    await until('live', () => document.documentElement.dataset.link === 'live');
    must('the header says so', shows($('.link-live')) && !shows($('.link-none')));
  },

  async 'ages count'() {
    await state({ age: 2100, fresh: 60000 });
    must('3 s or less at first', ['2 s ago', '3 s ago'].includes($('#value .age').textContent));
    await until('5 s', () => $('#value .age').textContent === '5 s ago', 5000);
    must('nothing is said of it', $('#status').textContent === '');
  },

  async 'a value ends by itself'() {
    await state({ age: 2100, fresh: 3000 });
    must('known', shows($('#value .seen-now')) && !shows($('#value .seen-gone')));
    const took = await until('unknown', () => shows($('#value .seen-gone')), 3000);
    must(`in time, not after ${took} ms`, took > 500 && took < 1300);
    must('the value is gone', !shows($('#value .seen-now')) && $('#value .was').textContent === 'was: open');
    await state({ age: 0, fresh: 60000 });
    must('known again', shows($('#value .seen-now')));
  },

  async 'a countdown is said at 60, 30 and 10 seconds'() {
    const place = document.createElement('div');
    place.innerHTML = '<span class="countdown" data-left="62000"></span>';
    document.body.append(place);
    anchor(place);
    const now = performance.now.bind(performance);
    const began = now(); // a second each time, however long the frames take
    const said = [];
    for (let gone = 0; gone < 64; gone++) {
      performance.now = () => began + gone * 1000;
      tick();
      performance.now = now;
      await new Promise(requestAnimationFrame);
      const text = $('#status').textContent;
      if (text && text !== said.at(-1)) said.push(text);
    }
    place.remove();
    must(`so, not ${said.join(' / ')}`, said.map((text) => parseInt(text, 10)).join() === '60,30,10');
    must('it ran out', place.textContent === '00:00');
    await state({ age: 0, fresh: 60000, say: '' });
  },

  async 'what is said and alarmed'() {
    await state({ say: 'Door open', alarm: 'Ajar' });
    await until('said', () => $('#status').textContent === 'Door open' && $('#alert').textContent === 'Ajar');
    await state({ say: '', alarm: '' });
    await until('silent', () => $('#status').textContent === '' && $('#alert').textContent === '');
  },

  async 'a field that is typed in stays'() {
    const field = $('#note');
    field.focus();
    field.value = 'half a sente';
    await state({ label: 'Other' });
    must('same field, same text', $('#note') === field && field.value === 'half a sente' && document.activeElement === field);
    field.blur();
    await state({ label: 'Block' });
    must('the text is kept without focus too', $('#note').value === 'half a sente');
  },

  async 'fetched anew, everything stands where it stood'() {
    const stand = [...document.body.children, $('.more'), $('#note')];
    const moved = new MutationObserver(() => {});
    moved.observe(document.body, { childList: true });
    $('.more').open = true;
    $('#note').value = 'half a sente';
    $('.brand').focus();
    await refetch();
    must('in one body', document.querySelectorAll('body').length === 1);
    must('the same elements', stand.every((el) => el.isConnected) && moved.takeRecords().length === 0);
    must('as the person left them', $('.more').open && $('#note').value === 'half a sente' && document.activeElement === $('.brand'));
    $('.more').open = false;
    $('#note').value = '';
    $('.brand').blur();
  },

  async 'what was chosen from a list stays'() {
    const list = $('#choice');
    list.value = 'b';
    await state({ label: 'Other' });
    await refetch();
    must('as it was chosen', $('#choice') === list && list.value === 'b');
    await state({ chosen: 'c' });
    must('still', list.value === 'b');
    list.value = 'a';
    await state({ chosen: 'b' });
    must('what nobody chose follows', list.value === 'b');
    list.value = 'a';
    await state({ age: 0 });
    must('another choice than what came stays', list.value === 'a');
    list.value = 'b';
    await state({ chosen: '', label: 'Block' });
    must('and follows again', list.value === 'a');
  },

  async 'what was chosen stays when other options come and go'() {
    const list = $('#choice');
    list.value = 'b';
    await state({ options: 'x a b c' });
    must('where one came before it', list.value === 'b');
    await state({ options: 'a y b c' });
    must('where others came and went', list.value === 'b');
    list.value = 'y';
    await state({ options: 'a b c' });
    must('what is gone is not turned into another', list.value === 'a');
  },

  async 'a field that was changed and changed back follows'() {
    const note = $('#note');
    const tick = $('#tick');
    note.value = 'half a sente';
    tick.checked = true;
    await state({ typed: 'known', ticked: false });
    must('what is typed and ticked stays', $('#note') === note && note.value === 'half a sente' && tick.checked);
    note.value = '';
    tick.checked = false;
    await state({ typed: 'known', ticked: true });
    must('it follows', note.value === 'known' && tick.checked);
    await state({ typed: '', ticked: false });
    must('and again', note.value === '' && !tick.checked);
  },

  async 'a pressed control stays until it is let go'() {
    const button = $('#act');
    press(button, 'pointerdown');
    await state({ label: 'Ring', action: 'ring' });
    must('as it was', $('#act') === button && button.textContent.trim() === 'Block');
    press(button, 'pointerup');
    await until('as it is', () => $('#act').textContent.trim() === 'Ring');
    await state({ label: 'Block', action: 'block' });
  },

  async 'a form does not become another around a pressed control'() {
    const button = $('#act');
    press(button, 'pointerdown');
    await state({ label: 'Ring', action: 'ring', fixed: 'other' });
    must('it asks as before', $('#act') === button && button.form.querySelector('input[name="fixed"]').value === 'same');
    press(button, 'pointerup');
    await until('it asks anew', () => $('#act').form.querySelector('input[name="fixed"]').value === 'other');
    await state({ label: 'Block', action: 'block', fixed: 'same' });
  },

  async 'a control that the keyboard is on stays'() {
    const button = $('#act');
    button.focus();
    must('seen focus', button.matches(':focus-visible'));
    await state({ label: 'Ring', action: 'ring' });
    must('as it was', button.isConnected && button.textContent.trim() === 'Block');
    button.blur();
    await until('as it is', () => $('#act').textContent.trim() === 'Ring');
  },

  async 'a new meaning is deaf for a moment'() {
    await sleep(700);
    await state({ label: 'Leave', action: 'leave' });
    const before = await (await fetch('/test/count')).text();
    $('#act').click();
    must('it shows it', $('#act').hasAttribute('data-deaf') && $('#act').getAttribute('aria-disabled') === 'true');
    must('it takes no focus', !$('#act').dispatchEvent(new MouseEvent('mousedown', { bubbles: true, cancelable: true })));
    await sleep(700);
    must('nothing was sent', (await (await fetch('/test/count')).text()) === before);
    must('it hears again', !$('#act').hasAttribute('data-deaf'));
  },

  async 'an update does not end the deafness, and a newer meaning prolongs it'() {
    const deaf = () => $('#act').hasAttribute('data-deaf') && $('#act').getAttribute('aria-disabled') === 'true';
    await state({ label: 'Ring', action: 'ring' });
    const from = performance.now();
    await state({ age: 1 });
    must('deaf after the next update', deaf() || performance.now() - from > 600);
    await until('most of it is over', () => performance.now() - from > 400);
    const again = performance.now(); // and not when the newer meaning is noticed here, which may be late
    await tell('/test/state', JSON.stringify({ label: 'Leave', action: 'leave' }));
    await until('the newer meaning', () => $('#act').dataset.actionId === 'leave');
    await until('it hears again', () => !deaf());
    const took = performance.now() - again;
    must(`as long as from the beginning, not after ${took} ms`, took > 599);
  },

  async 'a form keeps its key while the world changes'() {
    const key = $('input[name="key"]').value;
    await state({ age: 1, tag: 'second' });
    must('same key', $('input[name="key"]').value === key);
    must('and it is made from what it was', $('input[name="tag"]').value === 'first');
    await state({ fixed: 'other' });
    must('another question has another key', $('input[name="key"]').value !== key);
    await state({ fixed: 'same' });
    const last = $('input[name="key"]').value;
    globalThis.htmx.trigger($('#act').form, 'htmx:sendError');
    await state({ to: '?other' });
    must('and one that goes elsewhere', $('input[name="key"]').value !== last);
    must('nor has it what the first had to say', $('.form-note') === null);
    await state({ to: '' });
  },

  async 'the header follows'() {
    await state({ alarms: 2 });
    await until('two alarms', () => $('.ways .count')?.textContent === '2');
    await state({ alarms: 0 });
    await until('none', () => $('.ways .count') === null && $('.ways a') !== null);
  },

  async 'what was unfolded stays so'() {
    $('#more').open = true;
    await state({ age: 2 });
    must('open', $('#more').open);
  },

  async 'a form is answered in place'() {
    const here = location.href;
    const before = Number(await (await fetch('/test/count')).text());
    const key = $('input[name="key"]').value;
    $('#act').click();
    await until('answered', () => $('h1').textContent === 'Step 2');
    must('focus on the heading', document.activeElement === $('h1'));
    must('same address, same page', location.href === here && window.same === true);
    must('sent once', Number(await (await fetch('/test/count')).text()) === before + 1);
    must('still live', shows($('.link-live')) && !shows($('#lost')));
    must('a new key', $('input[name="key"]').value !== key);
    must('made from what there is now', $('input[name="tag"]').value === 'second');
    await state({ age: 3 });
    must('the stream goes on', $('h1').textContent === 'Step 2');
  },

  async 'a form that could not be sent says so until it is'() {
    const { form } = $('#act');
    const said = () => form.querySelector('.form-note')?.textContent;
    globalThis.htmx.trigger(form, 'htmx:sendError');
    const unsent = said();
    must('it says so', Boolean(unsent));
    await state({ age: 7 });
    await refetch();
    must('it is still said', $('#act').form === form && said() === unsent);
    await until('it hears', () => !$('#act').hasAttribute('data-deaf'));
    const before = $('h1').textContent;
    $('#act').click();
    await until('answered', () => $('h1').textContent !== before);
    must('no longer', said() === undefined);
  },

  async 'a refused form shows what is wrong'() {
    await state({ wrong: true });
    await sleep(700);
    $('#act').click();
    await until('refused', () => $('#summary') !== null);
    must('focus on the summary', document.activeElement === $('#summary'));
    await tell('/test/state', JSON.stringify({ mark: 'later', alarm: 'Ajar' }));
    await until('the stream goes on', () => $('#alert').textContent === 'Ajar');
    must('what is wrong is still said', $('#summary') !== null && $('#mark').textContent !== 'later');
    must('and when the network is back', asksFor(() => dispatchEvent(new Event('online'))) === 0);
    await tell('/test/state', JSON.stringify({ wrong: false, alarm: '' }));
    $('#act').click();
    await until('taken', () => $('#summary') === null);
    await state({ age: 5 });
  },

  async 'a refused form stays when a page comes that was asked for before'() {
    const { asked } = await overtaken(() => refetch(), { wrong: true });
    await until('it hears', () => !$('#act').hasAttribute('data-deaf'));
    $('#act').click();
    await until('refused', () => $('#summary') !== null);
    await tell('/test/state', JSON.stringify({ wrong: false, quiet: true }));
    const count = counting();
    await tell('/test/hold', 'off');
    await asked;
    must('nobody asks again', count() === 1);
    must('what is wrong is still said', $('#summary') !== null);
    $('#act').click();
    await until('taken', () => $('#summary') === null);
    await state({ age: 5 });
  },

  async 'an answer stays until it is over'() {
    await tell('/test/state', JSON.stringify({ answer: '4819', quiet: true }));
    await sleep(700);
    $('#act').click();
    await until('answered', () => $('#answer')?.textContent === '4819');
    await state({ age: 6 });
    must('it is still said', $('#answer')?.textContent === '4819' && $('#value') !== null);
    await state({ over: true, answer: '' });
    must('it is over', $('#answer')?.textContent === '');
    await state({ over: false });
  },

  async 'the whole page is fetched anew'() {
    await tell('/test/state', JSON.stringify({ person: 'Bob', quiet: true }));
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    await until('the new name', () => $('.more-name').textContent.trim() === 'Bob');
    await refetch();
    must('same page', window.same === true);
  },

  async 'a page that could not be fetched stays, and is fetched later'() {
    await tell('/test/state', JSON.stringify({ person: 'Cleo', quiet: true }));
    const html = { 'Content-Type': 'text/html' };
    for (const init of [{ status: 502, headers: html }, { status: 500 }, { status: 429 }, { status: 200, headers: html }]) {
      answering('<h1>Bad Gateway</h1>', init);
      await refetch();
      must(`as it was after ${init.status}`, $('.more-name').textContent.trim() === 'Bob' && $('#value') !== null);
    }
    await tell('/test/cut', '');
    await until('the stream opens, and the page is fetched', () => $('.more-name').textContent.trim() === 'Cleo');
    must('same page', window.same === true);
  },

  async 'an answer is fetched anew from where it is'() {
    for (const [elsewhere, at] of [[true, '/?elsewhere'], [false, '/']]) {
      await state({ elsewhere });
      await sleep(700);
      const before = $('h1').textContent;
      $('#act').click();
      await until('answered', () => $('h1').textContent !== before);
      await refetch();
      must(`from ${at}`, (await (await fetch('/test/asked')).text()) === at && location.href === new URL(at, location).href);
    }
  },

  async 'a page that was overtaken on its way is old'() {
    await state({ label: 'Old' });
    const { asked } = await overtaken(() => refetch(), { label: 'New' });
    const back = seen('Old');
    await tell('/test/hold', 'off');
    await asked;
    must('the newer stays', $('#act').textContent.trim() === 'New' && !back());
  },

  async 'an answer to a form that was overtaken on its way is old'() {
    await sleep(700);
    await state({ label: 'Old' });
    await overtaken(() => $('#act').click(), { label: 'New' });
    const back = seen('Old');
    await tell('/test/hold', 'off');
    await until('it came', back);
    await until('the newer is there again', () => $('#act').textContent.trim() === 'New');
    must('focus on the heading of the step, which the stream brought', document.activeElement === $('h1'));
    await state({ label: 'Block' });
  },

  async 'what was long on its way is as old as that'() {
    await state({ age: 0, fresh: 60000 });
    const age = () => parseInt($('#value .age').textContent, 10);
    for (const ask of [() => refetch(), () => $('#act').click()]) {
      await until('it hears', () => !$('#act').hasAttribute('data-deaf'));
      const from = performance.now();
      const step = $('h1').textContent;
      const { asked } = await onItsWay(ask);
      await until('a while has passed', () => performance.now() - from > 2100);
      await tell('/test/hold', 'off');
      await (asked ?? until('answered', () => $('h1').textContent !== step));
      must(`2 s or more, not ${age()} s`, age() >= 2);
    }
  },

  async 'what is private is covered, and leaves with the page'() {
    const secret = document.createElement('p');
    secret.dataset.private = '';
    secret.textContent = '4819';
    document.body.append(secret);
    document.documentElement.setAttribute('data-away', '');
    must('covered', getComputedStyle(secret).visibility === 'hidden');
    document.documentElement.removeAttribute('data-away');
    dispatchEvent(new PageTransitionEvent('pagehide'));
    must('gone', secret.textContent === '');
    secret.remove();
  },

  async 'a page has one stream'() {
    let open = '';
    const count = setInterval(async () => (open = await (await fetch('/test/streams')).text()), 100);
    try {
      await until('one', () => open === '1', 3000);
    } finally {
      clearInterval(count);
    }
  },

  async 'a link that is lost is told, and comes back'() {
    await state({ age: 0, fresh: 600000, open: true });
    await tell('/test/muffle', 'on');
    const took = await until('the bar', () => shows($('#lost')), 9000);
    must(`after three beats, not ${took} ms`, took > 3500 && took < 8500);
    must('it says since when', /^No link since \d\d:\d\d:\d\d\. Trying again…$/.test($('#lost').textContent));
    must('values are unknown', !shows($('#value .seen-now')) && shows($('#value .was')) && shows($('.link-none')));
    must('the title says so', document.title === 'No link – Live – Loquet');
    must('it is said', $('#status').textContent === $('#lost').textContent);
    await tell('/test/muffle', 'off');
    await until('back', () => !shows($('#lost')) && shows($('#value .seen-now')) && shows($('.link-live')), 6000);
    must('the title is itself again', document.title === 'Live – Loquet');
  },

  async 'a page that is shut down comes back'() {
    await tell('/test/cut', '');
    await state({ age: 4, fresh: 60000 });
  },
};

async function run() {
  window.same = true;
  const results = { words: {}, failed: {} };
  for (const ms of [0, 999, 1999, 59999, 60000, 3599999, 3600000, 86399999, 86400000, 259200000]) results.words[ms] = [ago(ms), span(ms)];
  results.clock = clock(1780408968000);
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (e) {
      results.failed[name] = String(e);
    }
  }
  results.violations = violations;
  await tell('/test/results', JSON.stringify(results));
}

run();
