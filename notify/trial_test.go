package notify

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
)

// TestATestIsFollowedUntilItArrives: sent at any hour, taken by the other side, seen by the person.
func TestATestIsFollowedUntilItArrives(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{0, 1439}, Choice{Near, nil})
		for _, c := range Channels() {
			sent, err := n.SendTest(t.Context(), w.anna, c)
			if err != nil || sent.Channel != c || sent.Taken == 0 || sent.Arrived != 0 || sent.Failed != "" {
				t.Fatalf("%s: %+v, %v", c, sent, err)
			}
		}
		tokens := map[Channel]string{}
		for _, s := range w.box.all() {
			_, token, found := strings.Cut(s.m.link, "https://loquet.example/home/notifications?arrived=")
			if !found || len(token) != 32 || s.m.title != "Votre essai" || s.m.body != "Vous avez demandé cet essai à 12:00:00." {
				t.Errorf("%+v", s.m)
			}
			tokens[s.to.channel] = token
		}
		pass(3 * time.Second)
		for _, token := range []string{"", "x", strings.Repeat("0", 32)} {
			if _, err := n.TestArrived(t.Context(), w.anna, token); !errors.Is(err, ErrTest) {
				t.Errorf("%q: %v", token, err)
			}
		}
		if _, err := n.TestArrived(t.Context(), w.paul, tokens[Push]); !errors.Is(err, ErrTest) {
			t.Errorf("somebody else's: %v", err)
		}
		arrived := event.InstantOf(time.Now())
		for range 2 {
			if got, err := n.TestArrived(t.Context(), w.anna, tokens[Push]); err != nil || got.Arrived != arrived || got.Channel != Push {
				t.Errorf("%+v, %v", got, err)
			}
			pass(time.Second)
		}
		s, err := n.Settings(t.Context(), w.anna)
		if err != nil || len(s.Tests) != 3 {
			t.Fatalf("%+v, %v", s.Tests, err)
		}
		for _, shown := range s.Tests {
			if (shown.Arrived == arrived) != (shown.Channel == Push) {
				t.Errorf("%+v", shown)
			}
		}
		pass(25 * time.Hour)
		if _, err := n.TestArrived(t.Context(), w.anna, tokens[SMS]); !errors.Is(err, ErrTest) {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestATestThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		for _, c := range []struct {
			err    error
			reason Reason
			detail string
		}{
			{refusal{reason: ReasonRefused, detail: "550 5.1.1"}, ReasonRefused, "550 5.1.1"},
			{trouble{err: errors.New("no answer")}, ReasonLate, ""},
		} {
			w.box.failBy(func(target, message) (error, bool) { return c.err, false })
			sent, err := n.SendTest(t.Context(), w.paul, Email)
			if err != nil || sent.Failed != c.reason || sent.Detail != c.detail || sent.Taken != 0 {
				t.Errorf("%+v, %v", sent, err)
			}
			s, err := n.Settings(t.Context(), w.paul)
			if err != nil || len(s.Tests) != 1 || s.Tests[0] != sent {
				t.Errorf("shown is %+v, %v", s.Tests, err)
			}
			pass(time.Minute)
		}
		if _, err := n.SendTest(t.Context(), w.paul, SMS); !errors.Is(err, ErrNoAddress) {
			t.Errorf("no number: %v", err)
		}
		if _, err := n.SendTest(t.Context(), w.paul, Push); !errors.Is(err, ErrNoAddress) {
			t.Errorf("no browser: %v", err)
		}
	})
}

// TestTestsAreNotForPesteringSomebody: one on each channel in half a minute.
func TestTestsAreNotForPesteringSomebody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		try := func(c Channel) error { return errorOf(n.SendTest(t.Context(), w.anna, c)) }
		if err := errors.Join(try(SMS), try(Email)); err != nil {
			t.Fatal(err)
		}
		pass(29 * time.Second)
		if err := try(SMS); !errors.Is(err, ErrTooSoon) {
			t.Errorf("at once: %v", err)
		}
		pass(time.Second)
		if err := try(SMS); err != nil {
			t.Error(err)
		}
		if len(w.box.all()) != 3 {
			t.Errorf("%d messages", len(w.box.all()))
		}
	})
}

// TestATestThatOneBrowserTakes is enough.
func TestATestThatOneBrowserTakes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		w.subscribe(n, w.anna, "second")
		w.box.failBy(func(to target, _ message) (error, bool) {
			if nameOf(to) == "anna by push" {
				return refusal{reason: ReasonExpired, detail: "410"}, false
			}
			return nil, false
		})
		sent, err := n.SendTest(t.Context(), w.anna, Push)
		if err != nil || sent.Taken == 0 {
			t.Errorf("%+v, %v", sent, err)
		}
		w.wantTitles("second by push", "Votre essai")
	})
}
