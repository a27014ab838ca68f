package auth

import (
	"fmt"
	"testing"

	"github.com/loquet/loquet/event"
)

// What is past its window is really gone, or the memory would grow with the uptime.
func TestReplaysAreForgotten(t *testing.T) {
	r := newReplays()
	now := event.Instant(1_800_000_000_000)
	for i := range 100 {
		if err := r.add(event.KeyID(fmt.Sprint("key", i)), "id", now.Add(window), now); err != nil {
			t.Fatal(err)
		}
	}
	if r.count != 100 {
		t.Fatalf("%d remembered", r.count)
	}
	later := now.Add(window + event.Minute)
	if err := r.add("key", "id", later.Add(window), later); err != nil {
		t.Fatal(err)
	}
	if r.count != 1 || len(r.minutes) != 1 {
		t.Errorf("%d remembered in %d minutes", r.count, len(r.minutes))
	}
}
