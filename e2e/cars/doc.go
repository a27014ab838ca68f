// Package cars holds tests of a car's visit from the decisions down to the maker's cloud: the real dispatcher, gate and
// connectors, over real sockets, against the fakes of the makers, which count what they are asked and play what goes wrong.
// Behind Tesla's cloud it is Tesla's own verifier that takes what was signed, and counts it. The audit holds the laws
// against what each of them wrote and sent.
//
//	once_test.go      what is ordered to open is ordered once, whatever the courier tries and whatever the car does
//	lock_test.go      a lock is tried until the car itself says that it is locked, within the maker's limits
//	nonsense_test.go  what makes no sense opens nothing, and says so
package cars
