// Which pages an app has: found by following its links, as a person would, one page of each kind.

// Not followed: what ends a session, what is no page, and what only one person may use once.
const left = /\/out$|\/live$|\.\w{2,5}$|^\/demo\/in\/|^\/sign-in\/link\//;

// kind is a page's address without whose it is: /home/deliveries/… for every delivery.
export const kind = (path) => path.split("/").map((part) => (/\d/.test(part) || part.length > 20 ? "…" : part)).join("/");

// ways follows links from some pages, as long as they begin with a prefix, and returns one address for every kind, in the
// order in which they were met.
export async function ways(context, home, prefix, ...starts) {
  const met = new Map(starts.map((path) => [kind(path.split("?")[0]), path]));
  for (const [, path] of met) { // grows meanwhile
    const answer = await context.request.get(home + path);
    if (!/text\/html/.test(answer.headers()["content-type"] ?? "")) {
      met.delete(kind(path));
      continue;
    }
    for (const [, raw] of (await answer.text()).matchAll(/<a\s[^>]*href="([^"#]+)/g)) {
      const to = new URL(raw.replaceAll("&amp;", "&"), home + path);
      if (to.origin !== home || !to.pathname.startsWith(prefix) || left.test(to.pathname) || met.has(kind(to.pathname))) continue;
      met.set(kind(to.pathname), to.pathname + to.search);
    }
  }
  return [...met.values()];
}
