// Package sign is the pages by which people come in and go out: the chooser at /, the two sign-in pages (households
// at /sign-in, the operator's staff at /operator/sign-in), the page behind a mailed link, the way to the operator's
// identity provider and back, and, for whoever is signed in, the own passkeys, address and sessions.
//
// Everything but passkeys works without scripts, and the pages say so where it matters. A GET never spends a link:
// programs that look at mails follow every link in them. Whom a page is about is always found out from the session or
// from the link, never from an address or a form; the way on after signing in only ever leads to this server.
//
// What can't be done is answered with what happened, that nobody was signed in, and a way on. A used, an expired, a
// made-up and another person's link get the same page.
package sign
