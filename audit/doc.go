// Package audit checks the ten laws of Loquet again, from what was written down: the journals of all sites and
// the connectors' log of what was sent.
//
// It shares nothing with the decisions but the definitions of events (package event) and the reading of couriers'
// proofs (package auth/proof). Package site folds a journal forwards into a small state and decides upon that.
// The audit keeps the whole journal, indexes it by what each event is about, and looks back from each opening,
// block and end for what should have been there. Limits such as the age of a position stand here a second time,
// on purpose: a law that was weakened on one side only is found.
//
//	journals ──one site at a time──▶ history ──▶ law 1 … law 10 ──▶ Report
//	send log ──by permit─────────────────────────▲      │
//	leases, across sites ◀──────────────────────────────┘
//
// # What is found by which law
//
// Each mistake is found by one law where that is possible:
//
//   - An opening for a blocked delivery is law 4's; for one that was cancelled, expired or taken from the courier,
//     law 1's. A lease granted after the lending ended is law 4's; one that was never allowed, law 1's.
//   - A second permit for a barrier that the visit had opened already is law 2's; one while the earlier command
//     may still happen, law 3's.
//   - A command sent twice, too late, to another device or without any permit is law 2's; one whose permit is in
//     no journal, or that left before its intent, law 3's.
//   - A used proof that counts again is law 1's if it opened, showed a code or counted a parcel, otherwise
//     law 10's. An identifier that is not one at all is law 7's (it may hold a name); one that does not fit the
//     event that made it, law 10's.
//   - What a lender says that it knew of a barrier, what a borrower wrote of that, and the reports on which a
//     borrower's journal rests: law 5's. A grant that is in no journal is law 1's.
//   - A barrier that was enrolled by nobody is law 1's, as a rehearsal by nobody is; a visit that was taken over by
//     nobody is law 5's.
//   - Of a camera: the picture by which something opens, what is recorded and what of it is finished, the end of filming
//     and the alarm when it is lost are law 6's, as are cameras that nobody of the site added or checked. How long a
//     clip is kept, its erasure, and who looks, are law 7's. A clip whose name another visit has is law 10's, because
//     the name is not that of its own event. A picture that was lost is law 6's only while something stands open and no
//     alarm stands; how that alarm climbs is law 5's.
//   - A refusal that tells of a block where none had won, or that hides one that had, is law 9's; a block that was
//     answered wrongly, law 4's.
//
// # What can't be seen
//
// The journals hold no picture and no stream. Of law 6 the audit sees what the media service said of each picture, when,
// and what was decided upon it; a loss of which it said nothing, and pictures that left memory without a word, are not
// seen. Nor does it open a clip: a file's hash and times are compared with nothing but the journal. Of looks it sees those
// at pictures. Whether a clip is erased is asked only where the journal goes on after its time. What law 7 looks for in
// the journals (addresses of e-mail, telephone numbers, positions, number plates) are patterns: they can miss a value,
// and one that they find may be an unfortunate identifier. An alarm can't be raised while no server runs; Options.Late
// says how much later than due is still on time. A courier's proof signs the digest of a body that is not kept, so
// that its signature, key, time and single use are checked, not its words. Of a refusal a journal shows the reason
// that was given, not what else stood against the request.
//
// # How to read a running installation
//
// Read the log of what was sent first, then take the time for Options.Now, and read the journals after that: so each
// command finds its intent, and whatever a borrower's journal held by then finds its lender's side. What came later
// is not compared between journals, and is counted as a remark. Without Now, all journals must be of one moment.
package audit
