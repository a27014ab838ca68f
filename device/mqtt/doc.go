// Package mqtt connects locks and garage doors that speak MQTT 5 in one of these ways:
//
//   - Home Assistant's MQTT lock and cover (home-assistant.io, "MQTT Lock", "MQTT Cover", "MQTT Discovery");
//   - Zigbee2MQTT (zigbee2mqtt.io, "MQTT topics and messages"; converters of zigbee-herdsman-converters);
//   - ratgdo garage doors (github.com/ratgdo/mqtt-ratgdo).
//
// One Client is shared by any number of devices. A message finds its devices by one look into a map. It has two
// connections to one broker: one speaks, one hears.
//
// # What an opening is here
//
//	Open ──▶ deadline, connection and device's own word checked ── no ──▶ NotDone, nothing was sent
//	             │
//	             ▼
//	         Log.Record ── error ──▶ NotDone, nothing was sent
//	             │
//	             ▼
//	         one PUBLISH: QoS 0, not retained, message expiry, the permit as correlation
//	             │
//	             ├── the device reports by itself that it opens ──▶ Done
//	             ├── the device answers that it refused          ──▶ NotDone
//	             └── anything else, for as long as the context lasts ──▶ Unknown
//
// Nothing repeats the PUBLISH: no retry, no session of the connection that speaks (clean start, expiry 0, so that
// the library forgets with the connection what it sent at QoS 1 too), no queue. A message that sits in a socket
// while the other side is silent is lost with its connection after patience.Limit.
//
// # What counts as a report
//
// A message that the broker had kept (retain flag) is never live. One whose own time goes backwards, or that
// repeats an earlier one with the same time, is a copy of any age and is treated like a retained one. From
// Zigbee2MQTT, which repeats its whole memory of a device in each message, only a part that changed is live.
//
// # What is reported while nobody listens
//
// The connection that hears has a session at the broker, where the client has a name (ClientConfig.ClientID): QoS 1,
// no clean start, acknowledged in order, each message when all watchers have recorded it. It lives waitsAtMost after
// its connection has ended. On the next connection:
//
//	CONNECT ──▶ session present? ── no ──▶ subscribe; the broker's retained copies prove nothing, as always
//	                │ yes
//	                ▼
//	     hold all that comes; publish a mark to ourselves, which the broker puts behind what had waited
//	                │
//	                ├── the mark is back ──▶ of each topic the last message is live, those before it are cached
//	                └── it is not          ──▶ all is cached; begin a new session, of which all is known
//	                │
//	                ▼
//	     subscribe again, for the retained copies of what the session didn't have; only now may Open send
//
// Why the last message of a topic may speak for the present:
//
//   - Messages of one topic and quality keep their order (MQTT 5, 4.6), so nothing newer had been said when the mark
//     was queued. A topic of mixed quality has no order, and is cached.
//   - A message that comes again (DUP), because we ended before it was acknowledged, may have been recorded before.
//     Acknowledgments go in order, so whatever came after it comes again too: if it is the last of its topic, it
//     still is the last word, and if it isn't, it is cached. It can't be told from an older opening only if the
//     device obeyed that and never said so; then nothing counts before the order can't arrive any more (20 s and
//     the device's lateness), and waitsAtMost is shorter.
//   - It is at most Client.oldest old. A device whose horizon is less than twice that gets it as cached.
//   - A broker that drops the newest when its queue is full would leave an old message as the last: more than a
//     trusted number of messages are cached.
//   - No waiter hears it: what waited is no answer to a question and confirms no opening.
//
// What is sent at QoS 0 does not wait at the broker. Routes are made before Connect, and the first watcher of a
// device begins with all that was heard before it came, so that nothing arrives at nobody. A topic that nobody wants
// is unsubscribed from as soon as it speaks: it belonged to a device of an earlier process.
//
// Zigbee2MQTT repeats its memory: the first message after a connection is compared with nothing, so that it is
// cached even if it is the last. If several had waited, what differs in the last is live.
//
// # When things fail
//
//   - The broker is gone: Reach is "offline", every watcher is told so, Open sends nothing. After reconnecting
//     all topics are subscribed again before Open sends anything, else it would miss the answer.
//   - The device says that it is offline, or its last will does: the same for that device.
//   - A message makes no sense: on the topic of a bolt or a contact it is "unknown", elsewhere it is ignored; it
//     is counted, and its content is logged nowhere.
//   - A watcher stops taking observations: see queue.
//
// # What the protocols can't do
//
// There is no authenticated origin (the grade is "reported"), and no link between a question and its answer: the
// first message about the bolt after a Read counts as the answer, though Zigbee2MQTT may have repeated its memory
// for another reason just then.
package mqtt
