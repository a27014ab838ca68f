package device_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
)

func TestAPlaceThatMakesSense(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		latitude, longitude float64
		ahead               time.Duration
		good                bool
	}{
		{48.85, 2.35, 0, true}, {90, 180, 0, true}, {-90, -180, 0, true}, {0, 6.5, 0, true}, {51.5, 0, -30 * 24 * time.Hour, true},
		{48.85, 2.35, device.PlaceAhead, true}, {48.85, 2.35, device.PlaceAhead + 1, false},
		{90.001, 0, 0, false}, {-90.001, 0, 0, false}, {1, 180.001, 0, false}, {1, -180.001, 0, false}, {0, 0, 0, false},
		{math.NaN(), 1, 0, false}, {1, math.NaN(), 0, false}, {math.Inf(1), 1, 0, false},
	} {
		l := device.Located{Latitude: c.latitude, Longitude: c.longitude, At: now.Add(c.ahead), ReceivedAt: now}
		if err := l.Check(); (err == nil) != c.good || err != nil && !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := (device.Located{Latitude: 1, Longitude: 1, ReceivedAt: now}).Check(); err != nil {
		t.Errorf("without a time: %v", err)
	}
}
