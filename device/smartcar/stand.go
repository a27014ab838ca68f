package smartcar

import (
	"math"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

const (
	// standsFor is for how long a car stood in one place, by its own times, before it counts as parked.
	standsFor = 45 * time.Second
	// latest is how old the last of these may be, and forgotten how long it is kept: a position is personal.
	latest, forgotten = 5 * time.Minute, 30 * time.Minute
	// drift is by how much two positions of one place may differ, in metres.
	drift = 40
)

// stand is where a car was first found to stand, in memory alone. Version 2 of the API tells whether a car moves of none: it
// stands still if it recorded the same place twice, and the second time just now. What it recorded once proves nothing,
// however often it is asked for: many cars record a place only at the end of a trip, and the next may have begun.
type stand struct {
	mu    sync.Mutex
	where device.Located
	end   *time.Timer
}

// motion compares a position with those before it.
func (s *stand) motion(now device.Located) event.Motion {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.At.IsZero() {
		return ""
	}
	if s.where.At.IsZero() || now.At.Before(s.where.At) || metres(s.where, now) > drift {
		s.where = now
	}
	if s.end != nil {
		s.end.Stop()
	}
	s.end = time.AfterFunc(forgotten, s.forget)
	if now.At.Sub(s.where.At) < standsFor || now.ReceivedAt.Sub(now.At) > latest {
		return ""
	}
	return event.MotionParked
}

func (s *stand) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.where = device.Located{}
}

// metres is about how far two places are apart that are near each other.
func metres(a, b device.Located) float64 {
	const degree = 111_320 // metres, of latitude
	north := (a.Latitude - b.Latitude) * degree
	east := math.Remainder(a.Longitude-b.Longitude, 360) * degree * math.Cos(a.Latitude*math.Pi/180)
	return math.Hypot(north, east)
}
