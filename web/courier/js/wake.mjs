// A phone that slept: nothing is done before the page is fresh again.

const asleep = 10000;

/** wakeful calls back when the page is seen again after more than ten seconds. */
export function wakeful(woken) {
  let since;
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) since = Date.now();
    else if (Date.now() - since > asleep) woken();
  });
}
