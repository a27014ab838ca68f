// Package site decides. One journal per site; Decide says which events follow from a command, Evolve folds an
// event into the state, State.Deadline says when something must be decided by the mere passing of time. All
// three are pure: time and facts arrive inside the command, identifiers are derived from site and sequence.
//
// One file per life: household.go (members, rules, barriers, access points), consent.go, delivery.go,
// visit.go, scan.go, gate.go (what stands before an intent), opening.go and code.go (the two ways to open),
// observe.go and evidence.go (what devices said, and what it proves), closing.go (from deposit to the visit's
// end), alarm.go, block.go, planb.go, lease.go, camera.go, vehicle.go (a car: found before it is opened),
// carconsent.go (its consent at the maker) and spot.go (where the household says that it stands).
// Each has its requests, the events that it evolves, and what it settles.
//
// A handler states events through turn.say, which folds them at once, so that the next line of the handler
// sees the state that it made. After the handler, settle states what follows by itself, until nothing does.
package site
