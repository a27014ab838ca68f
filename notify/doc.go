// Package notify tells a site's people what concerns them: on a browser by web push, by e-mail, by text message, as each
// of them has chosen, in their language and in the local time of the place.
//
// # From an event to a person
//
//	event ── dispatch, same commit ──▶ work "notify" ──▶ Notify ──▶ news: what it is, is it still so?
//	                                                                  │ for each member
//	                                       quiet hours ◀── Later ─────┤
//	                                                                  │ for each channel chosen
//	                              sent before? ──▶ send ──▶ note ─────┴──▶ done, or Later
//
// The work says what was so when the event happened; the site's state says whether it is still worth telling. What came
// later is told in its place: nobody hears of an opening after the visit's end, nor of an alarm that is over.
//
// # Once for the reader
//
// A message is sent, and then noted as sent. It is so sent again when the process dies, or the note is lost, in between;
// and when the other side took it and its answer was lost. Then it is the same message, and the other side shows it once:
//
//	e-mail  the same Message-ID and Date: mailboxes keep one, or show both in one place
//	push    the same tag and topic: the second takes the place of the first, without a sound
//	SMS     the same identifier: the gateway sends it once (docs/notifications.md asks it to)
//
// Within one process two attempts at one piece of news never overlap.
//
// # What fails
//
// Each address stands for itself: what fails is tried again, at growing intervals, for as long as it is worth telling
// (custom.keep), and others never wait. What is refused for good is not tried again, and is kept for the person to see
// (Failure), as is what could not be handed over in time. An alarm whose chosen channels all fail for good, or that has
// none, goes by e-mail. An error of the store makes the whole work due again; what is noted is not sent again.
//
// No log, error or metric names a person, an address or a text.
package notify
