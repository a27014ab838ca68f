// Package remotecar is what connectors to vehicles behind a maker's cloud have in common: how what a cloud says becomes
// observations, when it is asked, and how an opening is confirmed. A connector brings its Cloud, which speaks to the
// maker; package maker keeps its limits and its consents.
//
// # What a cloud says
//
// A cloud answers from its memory. What counts is the time that the car itself gave to a part, compared with our own
// clock only where nothing else is there:
//
//	not before our question                          ──▶ an answer
//	newer than what we had heard last, and different ──▶ a live report
//	newer, the same, and not before an earlier question or a command of ours ──▶ the late answer to that
//	anything else, and what has no time or one from the future ──▶ a cached copy, which proves nothing
//
// Parts of different times are several observations. Whoever asked for a state that turns out to be of the future gets an
// error instead, and nothing is opened by it.
//
// # What an opening is here
//
//	Open ──▶ deadline, and the car's state (asked, unless just heard) ── open, unknown, asleep, away ──▶ NotDone
//	             │ locked
//	             ▼
//	         Log.Record ── error ──▶ NotDone, nothing was sent
//	             │
//	             ▼
//	         one command ── refused ──▶ NotDone       ── the car itself confirms it ──▶ Done
//	             │ accepted, or nobody knows
//	             ▼
//	         asked again and again: unlocked, by a time of the car's after the command ──▶ Done
//	             └── anything else, for as long as the context lasts ──▶ Unknown
//
// A car that was not locked and closed before can't confirm anything, so that it is not sent a command: it stands open
// already, or nobody knows.
//
// # When a cloud is asked
//
// Only while somebody watches, and then soon after commands and questions, and changes that follow them, more and more
// seldom. While nothing goes on it is not asked at all, or as seldom as the configuration says: then somebody watches only
// if the car's owner wants it. However many vehicles are watched, a Quota keeps them within their share of the maker's
// limit; each has its turn.
//
//	n vehicles watched ──▶ each is asked every max(Idle, n × between), between = 10 × calls of a question / 3 × limit
package remotecar
