// Package api is Loquet's HTTP API: what merchants, carriers and operators, members and couriers ask of it.
//
//	request ─▶ serve (limits, origin) ─▶ who asks ─▶ Idempotency-Key ─▶ dispatch ─▶ answer
//	                                      │
//	                                      ├─ API key     Authorization: Bearer lq_…
//	                                      ├─ session     __Host-loquet cookie, or Authorization: Session …
//	                                      └─ device key  Loquet-Proof
//
// Each kind of principal reaches its own handlers only: a handler takes an auth.Client, an auth.Member or an
// auth.Courier, and there is no way from one to another. So nothing here asks whether an API key may consent,
// bind or scan: such a handler could not be written.
//
// # Answers, refusals and errors
//
// A request that a site understood is answered with 200 and an Answer, also when the answer is no: Refused then
// says why, in the reader's language, and what to do now, and the refusal stands in the journal. Everything else
// that goes wrong is an application/problem+json with a stable code and a reference that finds it in the logs;
// nothing was done then, unless the code is "uncertain".
//
// # Repeating
//
// A POST with an Idempotency-Key may be repeated: the answer is remembered in the same commit as what the request
// did, sealed under the site's key, and given again for a day. The same key with another body is refused.
// Requests that only write a register (devices, couriers, webhooks) are idempotent by their own identifiers.
//
// # What is personal
//
// Names, addresses, positions and parcels' codes are sealed values of the site (values.go); whoever reads one
// with an API key leaves a look behind, written before the value is shown (looks.go).
package api
