// Package virtual is a home whose locks and doors speak the real protocols to a real broker, each over a
// connection of its own with an account of its own, and go wrong in the ways that real ones do.
//
// It is the other side of package device/mqtt, and shares nothing with it: what it publishes follows the public
// descriptions of Home Assistant's discovery, Zigbee2MQTT and ratgdo. Tests, the demo and whoever wants to try
// Loquet without hardware use it.
//
//	home, err := virtual.Start(ctx, virtual.Config{URL: "mqtt://127.0.0.1:1883", Prefix: "home1", Devices: …})
//	door := home.Thing("front")
//	door.Faults(virtual.Faults{Jam: true})
//	err = door.Push()
//
// The physical world is the truth here: what is reported may be late, lost, repeated or wrong; Bolt, Contact and
// Openings are what really happened.
package virtual
