package event_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestSeqOf(t *testing.T) {
	for id, want := range map[event.LeaseID]uint64{
		event.NewID[event.LeaseID]("home", 'l', 17): 17, "home-l1": 1, "home-l9223372036854775807": 1<<63 - 1,
		"": 0, "home": 0, "home-": 0, "home-l": 0, "home-lx": 0, "home-l-1": 0, "home-l9223372036854775808": 0, "home-l1x": 0,
	} {
		if got := event.SeqOf(id); got != want {
			t.Errorf("%q: %d, want %d", id, got, want)
		}
	}
}
