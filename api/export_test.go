package api

import "time"

// SetHeartbeat shortens how long a stream may be silent.
func (a *API) SetHeartbeat(d time.Duration) { a.streams.heartbeat = d }
