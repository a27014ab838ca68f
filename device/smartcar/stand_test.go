package smartcar

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// What a car recorded twice in one place, the second time just now, says that it stands still; nothing else does.
func TestWhetherACarStandsStill(t *testing.T) {
	type look struct {
		after    time.Duration // since the look before
		old      time.Duration // the position is
		north    float64       // metres
		longways float64       // degrees
		want     event.Motion
	}
	never := time.Duration(-1)
	for name, looks := range map[string][]look{
		"at once, and again":                      {{}, {after: 45 * time.Second, want: event.MotionParked}},
		"too soon, and then long enough":          {{}, {after: 44 * time.Second}, {after: time.Second, want: event.MotionParked}},
		"its place is a little inaccurate":        {{}, {after: time.Minute, north: 39, want: event.MotionParked}},
		"it drives":                               {{}, {after: time.Minute, north: 50}, {after: time.Minute, north: 100}},
		"it creeps":                               {{}, {after: 40 * time.Second, north: 30}, {after: 40 * time.Second, north: 60}},
		"it drove, and stands":                    {{}, {after: time.Minute, north: 500}, {after: time.Minute, north: 500, want: event.MotionParked}},
		"it records nothing new":                  {{}, {after: time.Minute, old: time.Minute}, {after: 2 * time.Minute, old: 3 * time.Minute}},
		"it recorded twice, and then no more":     {{}, {after: time.Minute, want: event.MotionParked}, {after: 6 * time.Minute, old: 6 * time.Minute}},
		"it recorded its place this morning":      {{old: 4 * time.Hour}, {after: time.Minute, old: 4*time.Hour + time.Minute}},
		"an older place comes later":              {{}, {after: time.Minute, old: 2 * time.Minute}, {after: time.Second, old: 90 * time.Second}},
		"it does not say when":                    {{old: never}, {after: time.Minute, old: never}},
		"what it said half an hour ago is erased": {{}, {after: 31 * time.Minute}},
		"across the line of dates":                {{longways: 179.9999}, {after: time.Minute, longways: -179.9999, want: event.MotionParked}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s stand
				for i, l := range looks {
					<-time.After(l.after)
					synctest.Wait()
					at := device.Located{Latitude: 48.85 + l.north/111_320, Longitude: l.longways, ReceivedAt: time.Now()}
					if l.old != never {
						at.At = at.ReceivedAt.Add(-l.old)
					}
					if got := s.motion(at); got != l.want {
						t.Errorf("look %d: %q, want %q", i, got, l.want)
					}
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.end != nil {
					s.end.Stop()
				}
			})
		})
	}
}
