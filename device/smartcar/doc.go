// Package smartcar connects vehicles through Smartcar's cloud (smartcar.com): Chevrolet, Buick, GMC and Cadillac with
// OnStar, Audi, Ford, and others. It is a client of its own for the few calls that are needed, in both versions of the
// API: 2.0, where each customer's consent has tokens, and 3, where the application has one token and names the customer.
//
// What opens here opens the whole car: there is no command for the trunk alone, so that the customer must consent to
// that (event.RevealsCar). What locking and opening mean is in package remotecar; consents, limits and HTTP calls are
// package maker's.
//
// "The request was sent" is all that Smartcar's answer to a command says: an opening is done when the car itself, asked
// again, says that it is unlocked.
//
// # What an error means
//
//	type, code                                           error                outcome of a command
//	RATE_LIMIT (429)                                     *device.BusyError    not done
//	AUTHENTICATION (401)                                 refused              not done
//	PERMISSION (403), CONNECTED_SERVICES_ACCOUNT (400)   device.ErrRevoked    not done
//	VEHICLE_STATE, ASLEEP: not sent, to spare its battery device.ErrAsleep    not done
//	VEHICLE_STATE, UNREACHABLE                           device.ErrOffline    unknown: it may still arrive
//	VEHICLE_STATE, DOOR_OPEN and other states            device.ErrRefused    not done
//	VEHICLE_STATE, UNKNOWN                               no answer            unknown
//	BILLING, COMPATIBILITY, VALIDATION, RESOURCE_…       device.ErrRefused    not done
//	SERVER, UPSTREAM, and whatever is not listed         no answer            unknown
//
// # What is shut
//
// The car is locked, or shut, only if all its locks, or closures, are. In version 3 each is a signal of its own, and may fail
// by itself: then it is unknown, and so is the car, unless Smartcar says that this vehicle has none (VEHICLE_NOT_CAPABLE).
//
// A webhook tells of those signals that were subscribed to, or that changed, in both versions. That something is open or
// unlocked counts at once; that all is shut, or locked, only where it tells of every closure, or lock, that the car was found
// to have: by an answer, and by what webhooks told since. Else nothing is said of it, and the car is asked as usual.
//
// # Webhooks
//
// Smartcar signs the raw body of each event with the management token (SC-Signature, hex HMAC-SHA256), and asks a new
// receiver to sign a challenge with the same token, without a signature of its own. Whoever can post to the receiver
// could have any event signed that way: only a challenge of letters, digits and hyphens is answered, which no event is.
//
// Sources: smartcar.com/docs ("API reference", "API errors", "API limits", "Webhooks"), npm's smartcar 10.4.0, which a
// test drives beside this client against one fake (smartcartest). This package has not met a real car.
package smartcar
