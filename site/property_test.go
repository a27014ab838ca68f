package site_test

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWorld lets worlds live at random. Everything is checked at every command: see world.decide.
func TestWorld(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(testingTB{t, r}, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "choice") })
		for range rapid.IntRange(1, 150).Draw(r, "length") {
			w.live()
		}
	})
}

// testingTB fails the world through rapid, which then finds a shorter one.
type testingTB struct {
	testing.TB
	r *rapid.T
}

func (t testingTB) Fatal(args ...any)                 { t.r.Fatal(args...) }
func (t testingTB) Fatalf(format string, args ...any) { t.r.Fatalf(format, args...) }
func (t testingTB) Helper()                           {}
