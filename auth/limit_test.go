package auth_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
)

func TestALimitIsPerKeyAndFillsAgain(t *testing.T) {
	c := newClock()
	l := auth.NewLimiter(3, 10*time.Second, 100, c.now)
	for i := range 3 {
		if err := l.Allow("a"); err != nil {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	var many *auth.TooMany
	if err := l.Allow("a"); !errors.As(err, &many) || many.After != 10*time.Second || many.Seconds() != 10 {
		t.Fatalf("the fourth: %v", err)
	}
	if err := l.Allow("b"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	c.move(9_999 * time.Millisecond)
	if err := l.Allow("a"); !errors.As(err, &many) || many.Seconds() != 1 {
		t.Errorf("a moment too early: %v", err)
	}
	c.move(time.Millisecond)
	if err := l.Allow("a"); err != nil {
		t.Errorf("when it is time: %v", err)
	}
	if err := l.Allow("a"); !tooMany(err) {
		t.Errorf("right after: %v", err)
	}
}

// Many keys neither grow the memory without end nor free anybody from the limit.
func TestManyKeysShareWhatIsLeft(t *testing.T) {
	c := newClock()
	l := auth.NewLimiter(2, time.Minute, 10, c.now)
	for i := range 10 {
		if err := l.Allow(fmt.Sprint("known", i)); err != nil {
			t.Fatal(err)
		}
	}
	allowed := 0
	for i := range 1000 {
		if l.Allow(fmt.Sprint("flood", i)) == nil {
			allowed++
		}
	}
	if allowed != 2 {
		t.Errorf("%d of 1000 strangers were allowed", allowed)
	}
	if err := l.Allow("known3"); err != nil {
		t.Errorf("one who was there before: %v", err)
	}
	c.move(2 * time.Minute)
	for i := range 2 {
		if err := l.Allow("new"); err != nil {
			t.Errorf("try %d once the others have rested: %v", i, err)
		}
	}
}
