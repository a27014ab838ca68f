// Package courier is the courier's app: screens C1 to C10 on a phone, with one next action each.
//
// A courier has no session and no cookie. Who asks is known by the signature of each request, made with a key that the
// phone's browser made and can't give away (js/key.mjs, package auth/proof). A page that a browser opens can't be signed,
// so the documents below /courier/ are shells: they say nothing of anybody, may be kept, and open without network. What
// they show comes from signed requests, as HTML that was rendered here:
//
//	/courier/  /courier/stop/{accessPoint}[/plan-b]        the app: js/app.mjs
//	/courier/scan/{visit}                                  the scanner, which alone may run WebAssembly: js/scan.mjs
//	/courier/pair                                          ties a phone to a courier: js/pair.mjs
//	/courier/view/{place}                                  what the place shows now; signed
//	/courier/live/{place}                                  the same as an event stream; signed
//	/courier/sw.js  /courier/manifest.webmanifest          for opening without network
//
// Actions are forms that the scripts send, signed, straight to the API's own routes below /v1/courier/: these pages have
// no way of their own to change anything.
//
// # Which screen
//
// ScreenOf decides it from the visit as the server knows it, and nowhere is it remembered: Back, reload and a second tab
// show the same step. A refusal that answers a tap is the one screen that the phone puts up itself, from the answer.
//
// # What the phone keeps
//
// Its key; the requests that wait for the network, each with its idempotency key, so that they are sent once: scans, plan
// B with the place where it was said, danger; the last list of stops, times and addresses only; and by how much its clock
// is wrong. A grant, a code, a note or the state of a visit is never kept, nor a position beside that of plan B.
package courier
