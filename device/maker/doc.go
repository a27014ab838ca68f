// Package maker holds what connectors to makers' clouds share:
//
//   - Consent: the tokens of one customer's consent, kept by a Keeper, refreshed ahead of their end, once at a time;
//   - Office: our registration at a maker, where consents are given (OAuth 2 with PKCE), refreshed and withdrawn;
//   - Limiter: the maker's published limits, for the account and for each vehicle, with a reserve for locking;
//   - Caller: one HTTP call, sent at most once, whose failure says whether it may have been sent.
//
// Nothing here knows what a vehicle is, and nothing opens.
//
// # What a failed call says
//
//	no token any more                          ──▶ device.ErrRevoked        nothing was sent
//	a limit, ours or by the maker's 429        ──▶ *device.BusyError        nothing was done
//	no connection                              ──▶ device.ErrOffline        nothing was sent
//	sent, and nothing or half an answer came   ──▶ device.ErrNoAnswer       unknown
//	an answer of another kind (HTML, too long) ──▶ device.ErrNonsense       unknown
//	any other status than 2xx                  ──▶ *StatusError             see Outcome
//
// No error text holds a token, a body, an address with a vehicle's identifier, or what a server wrote.
//
// # Who goes first
//
// Each limit keeps a visit's whole share back, so that what was begun can be ended, by what a call is for
// (device.Purpose):
//
//	CanWait    40 %   the day before, enrolment, compatibility
//	Seeking    50 %   looking for a visit's vehicle
//	Opening    60 %
//	Watching   80 %   while it may stand open
//	Securing  100 %   locking, and whether that came true
//
// That is for calls of a purpose together with those above it, so that nothing above takes what is kept for those below.
// What a maker asked us to wait for
// (Retry-After) is obeyed by all: a maker that is not obeyed bans the account, and then nothing locks.
//
// A process counts what it sent itself. It forgets that when it ends, and several nodes don't count together: then
// the maker's own 429 is the limit.
package maker
