package api

import "time"

// SetHeartbeat shortens how long a stream may be silent.
func (a *API) SetHeartbeat(d time.Duration) { a.streams.heartbeat = d }

// Attends says whether a look by WebRTC is attended.
func (a *API) Attends() bool {
	n := 0
	a.attended.Range(func(any, any) bool {
		n++
		return true
	})
	return n > 0
}

// Positions counts the couriers' positions that are kept.
func (a *API) Positions() (n int) {
	a.positions.kept.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}
