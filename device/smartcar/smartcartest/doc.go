// Package smartcartest is a fake of Smartcar's cloud: a real HTTP server with its OAuth (Connect, codes, refreshing,
// application tokens), its vehicles in both versions of the API (2.0 and 3), compatibility, connections, webhooks, and
// its published limits, counted. It is for tests and for the demo only, and holds no real car.
//
// Its shapes are those of Smartcar's public documentation (smartcar.com/docs: "Lock status", "Lock and unlock",
// "API errors", "API limits", "Webhooks", "Vehicle API v3") and of the vendor's own client, npm's smartcar 10.4.0, which
// one of the tests of package smartcar drives against it. What the documentation leaves open is chosen here so that a
// careless client fails: a command is only ever "sent", and the car may do nothing at all.
package smartcartest
