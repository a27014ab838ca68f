// Package demo plays deliveries on a virtual home, as people would: a shop, a customer, couriers and a pair of
// hands at the door, each through the public HTTP API or through the physical world, none with a hook in the
// product.
//
//	stage.go      what stands around the server: broker, wires, virtual home, camera, the server's process
//	makers.go     the clouds of cars' makers; car.go a car behind one, customer_car.go and people_car.go what people do with it
//	proxy.go      a wire that can be held or cut just where it matters
//	cast.go       who plays on a stage, and where: operator, shops, couriers' phones, houses
//	people.go     what they do, and the hands at a door
//	play.go       one scene under way: waiting for what the journal says, telling the timeline, the verdict
//	scenarios.go  the list; scene_*.go the scripts, to be read
//	run.go        plays one or all of them
//
// And the town that stays (Stay), for those who look around:
//
//	town.go       several households on one stage, a courier on the way, the ways into the three apps
//	morning.go    who lives there, and what was played there before anybody looks
//	front.go      what browsers reach: everything is passed on to the server but the Demo desk
//	world.go      how everything stands, for the desk (package web/desk)
//	hands.go      what a visitor's hands do to doors, camera and wires
//	stories.go    visits that play by themselves
//	walk.go       where the courier is
//	links.go      the ways in, each used once
//
// The server is always a process of its own, the same binary as a user runs it, so that it can be killed.
package demo
