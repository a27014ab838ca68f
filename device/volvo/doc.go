// Package volvo connects Volvo's cars through Volvo Cars' public cloud: the Connected Vehicle API v2 and the Location
// API v1, with the customer's consent at Volvo ID (OAuth 2 with PKCE). What locking and opening mean is in package
// remotecar; consents, limits and HTTP calls are package maker's.
//
// It has not met a real car: it was built from developer.volvocars.com and from the published sample bodies of
// home-assistant/core (tests/components/volvo/fixtures), and is tested against a fake of our own (volvotest).
//
// # What opens
//
// "Unlock" frees the trunk's handle only, for at most 120 s. Whoever opens the trunk in that time unlocks the whole car;
// nobody who doesn't leaves it locked. There is no command for the tailgate itself. Hence event.RevealsHandle with a
// window of 120 s: the customer must know that after it the doors are open too.
//
//	        unlock                      trunk opened by its handle
//	locked ────────▶ handle free, 120 s ────────▶ everything unlocked ── lock, all shut ──▶ locked
//	   ▲                    │
//	   └──── 120 s passed ──┘
//
// The answer to an unlock also has readyToUnlockUntil, the seconds for which the handle is free. It is not used, for three
// reasons. From when on these count is published nowhere (from when the car freed the handle, or from when the cloud
// answered), nor whether any car sends less than 120; and this package has met no car to ask. What is decided from the window
// must err on the long side: until when an order that was carried out may still open, so that no other leaves and nothing
// that is shut counts as shut for good; a number that a cloud made too small would end that too early. And an outcome has
// no place for it: for a shorter countdown alone, it would have to be written into the journal beside what is decided. What
// that means: a car that frees its handle for less shows couriers a countdown that is too long by the difference. Who pulls
// in that time finds the handle locked and the car as it was. Nothing is lost but time: the next order waits, as after any
// window that nobody used, until this one can't act any more.
//
// An opening is done when the car itself completed the command and says that it is ready to be unlocked; or, where the
// cloud had only delivered it, when the car then reports that it is unlocked or its trunk open.
//
// # What invokeStatus means
//
//	COMPLETED, SUCCESS                                       done (an unlock: with readyToUnlock, else as accepted)
//	WAITING, SENT, DELIVERED, RUNNING                        accepted: the car is asked
//	REJECTED, NOT_SUPPORTED, NOT_ALLOWED_…                   not done: refused
//	VEHICLE_IN_SLEEP, CAR_IN_SLEEP_MODE                      not done: asleep, as cars are after 3 to 5 days
//	UNABLE_TO_LOCK_DOOR_OPEN                                 not done: refused (as an answer to lock)
//	UNLOCK_TIME_FRAME_PASSED                                 unknown: the handle was free for a while
//	TIMEOUT, CAR_TIMEOUT, DELIVERY_TIMEOUT, EXPIRED,
//	CONNECTION_FAILURE, CAR_ERROR, INVOCATION_SPECIFIC_ERROR,
//	UNKNOWN, and whatever is new                             unknown: it may have happened, or may yet
//
// An answer 403 says that the customer's consent does not cover this, or ended, only where its body is an error as Volvo
// writes it. A page of a firewall, or the word of a gateway, says neither that nor what became of a command.
//
// # What is heard
//
// There are no webhooks. The cloud tells what the car told it last, with the car's own time: what changed is a live
// report, and there is no answer to a question. Where the car stands is known from the end of its last trip.
package volvo
