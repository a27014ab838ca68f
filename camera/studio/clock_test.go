package studio

import (
	"crypto/tls"
	"log/slog"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
)

// A media service on another machine may have a wrong clock: how old a picture is counts, not what it calls the time.
func TestAnotherMachinesClock(t *testing.T) {
	c, err := OverTLS("https://192.0.2.1:8483", &tls.Config{MinVersion: tls.VersionTLS13}, "token", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []event.Millis{0, event.Hour, -event.Hour} {
		theirs := event.InstantOf(time.Now()).Add(wrong)
		c.hear(c.rebased(round{Now: theirs, Pictures: []event.Picture{{Camera: "home-c1", At: theirs.Add(-300), Since: theirs.Add(-5000), Keys: 3}}}))
		p, now := c.Picture("home-c1"), event.InstantOf(time.Now())
		if age := now.Since(p.At); p.Fault != "" || age < 300 || age > 2000 || p.At.Since(p.Since) != 4700 {
			t.Errorf("with a clock %s off: %+v, seen %d ms ago", wrong.Duration(), p, age)
		}
	}
}
