// Package mqtt connects locks and garage doors that speak MQTT 5 in one of these ways:
//
//   - Home Assistant's MQTT lock and cover (home-assistant.io, "MQTT Lock", "MQTT Cover", "MQTT Discovery");
//   - Zigbee2MQTT (zigbee2mqtt.io, "MQTT topics and messages"; converters of zigbee-herdsman-converters);
//   - ratgdo garage doors (github.com/ratgdo/mqtt-ratgdo).
//
// One Client is one connection to one broker, shared by any number of devices. A message finds its devices by
// one look into a map.
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
// Nothing repeats the PUBLISH: no retry, no session at the broker (clean start, expiry 0), no queue. A message
// that sits in a socket while the other side is silent is lost with its connection after patience.Limit.
//
// # What counts as a report
//
// A message that the broker had kept (retain flag) is never live. One whose own time goes backwards, or that
// repeats an earlier one with the same time, is a copy of any age and is treated like a retained one. From
// Zigbee2MQTT, which repeats its whole memory of a device in each message, only a part that changed is live.
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
