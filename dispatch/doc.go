// Package dispatch is the loop around the decisions: load → decide → append → act.
//
//	dispatch.go  one command: load, decide, commit through package unlock, tell
//	load.go      a site's state and events; memo.go: not decoded twice
//	redeem.go    barriers are commanded, and what came of it is recorded
//	clock.go     deadlines become ticks
//	watch.go     what devices say finds its barrier
//	work.go      what must happen because of an event, written in the same commit
//	worker.go    does that work: at least once, and idempotent
//	letter.go    messages between sites: leases, and observations of a lent barrier
//	post.go      their order
//	project.go   the rows that pages and the API read
//	calendar.go  local hours become instants; place.go: positions become distances
//
// # Failure
//
// A process that dies before the commit has done nothing. One that dies after it leaves an intent without an
// outcome: the site's deadline calls it unknown, and the device is asked. Work is claimed for a while and due
// again if nobody finished it, at once where the next process has the store alone; an order to shut is then only
// asked about, and the site decides anew. An append whose fate is unknown (store.ErrUncertain) yields no permit, whether
// it was stored or not. A caller who goes away does not stop a commit under way. When Run ends, what is under way
// comes to its end first, and nothing new is decided.
package dispatch
