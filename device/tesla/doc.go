// Package tesla connects Teslas through the Fleet API (developer.tesla.com), with Tesla's own library for what is signed
// end to end (github.com/teslamotors/vehicle-command, pkg/protocol/protocol.md). A car has two devices: its trunk, which
// opens while the doors stay locked, and its cabin.
//
// # What an opening is here
//
//	Open ──▶ deadline, and the car's own signed status ── not shut, or not known to be ──▶ NotDone, nothing was sent
//	             │
//	             ▼
//	         Log.Record ── error ──▶ NotDone, nothing was sent
//	             │
//	             ▼
//	         one signed message, which the car itself takes for 10 s and once
//	             │
//	             ├── the car, signed: not now      ──▶ NotDone
//	             ├── the car did not begin (fault) ──▶ NotDone
//	             ├── the car sleeps, 429, 4xx      ──▶ NotDone
//	             ├── taken, and the car's own signed status then says "open" ──▶ Done
//	             └── anything else ──▶ Unknown; the car is asked again while the context lasts
//
// The trunk's command is a toggle where the trunk has a motor, and the library's "open" is that command. So the status is
// read in the same turn, and nothing is sent to a trunk that is open, or of which the car says nothing. To shut it is
// another command, which does not toggle: it is sent where Tesla says that there is a motor.
//
// # What proves
//
// Questions are signed, so that the car signs its answers (AES-GCM, bound to the question): nobody on the way, Tesla's
// cloud included, can forge or replay one. The grade is "proven". The library would take an answer that nobody signed, and
// asks for the status unsigned; this package doesn't. Cars with software before 2024.38 sign no answers: they need
// Config.Unproven, and their grade is "reported". The position is Tesla's word in either case.
//
// On the wire "unlocked", "closed" and "nothing was said" look alike; what the car says nothing of is unknown here.
//
// # Nothing is sent twice
//
// The library sends a message again when the connection broke, when the car was busy and when a session had ended, and it
// takes a broken connection for a message that did not arrive. Here it has a link of its own that lets through one message
// for a command, whatever the library wants, and remembers what became of it. Its MayHaveSucceeded is asked only where it
// knows more: errors are Unknown unless this package knows that nothing was done.
//
// # When things fail
//
//   - The car sleeps or has no network (408 with Tesla's words; the two look alike): device.ErrAsleep, nothing was done.
//     Any other 408 is Unknown.
//   - The customer removed our key from the car: device.ErrRevoked.
//   - The car's counter says that it has had the message before: somebody on the way sent it twice, so that it is Unknown.
//   - The car restarted: its session is renewed by the question before the command.
//
// # What it has met
//
// Tesla's own verifier of signatures, run as a process of its own over TLS (testdata/car): keys that are enrolled and that
// are not, replayed and expired messages, a restarted car. It has not met a real car or Tesla's cloud: what the car's body
// does, wake_up, vehicle_data, fleet_status and the list of cars follow the published description, and that Tesla's cloud
// passes a signed question for the status is not written anywhere. Config.Unproven is the way out if it doesn't for some
// cars: their answers are then taken unsigned, and called so.
package tesla
