// Package demo plays deliveries on a virtual home, as people would: a shop, a customer, couriers and a pair of
// hands at the door, each through the public HTTP API or through the physical world, none with a hook in the
// product.
//
//	stage.go      what stands around the server: broker, proxy, virtual home, the server's process
//	proxy.go      a wire that can be held or cut just where it matters
//	client.go     the HTTP API as an outsider speaks it
//	people.go     shop, operator, customer, courier
//	play.go       one scenario under way: waiting for what the journal says, telling the timeline, the verdict
//	scenarios.go  the list; scene_*.go the scripts, to be read
//	run.go        plays one or all of them
//
// The server is always a process of its own, the same binary as a user runs it, so that it can be killed.
package demo
