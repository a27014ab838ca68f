package site_test

import (
	"math/rand/v2"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// TestReleasable: what a page says of leaving is what the request to leave is answered.
func TestReleasable(t *testing.T) {
	answers := map[bool]int{}
	for seed := range uint64(20) {
		w := newWorld(t, rand.New(rand.NewPCG(seed, 3)).IntN)
		w.heard = func(c site.Command, events []event.Event, _ error) {
			leave, ok := c.Do.(site.Leave)
			if !ok {
				return
			}
			s := w.sites[event.SiteOf(leave.Visit)].state
			for _, e := range events {
				v, _ := s.Visit(leave.Visit)
				may := s.Releasable(v, e.At)
				refused, no := e.Body.(event.Refused)
				_, yes := e.Body.(event.CourierReleased)
				if no = no && refused.Code == event.NotSecured; yes || no {
					answers[yes]++
				}
				if yes && !may || no && may {
					t.Fatalf("the page says %v, and the answer is %s", may, e.Body.Kind())
				}
				s = site.Evolve(s, e)
			}
		}
		for range 300 {
			w.live()
		}
	}
	if answers[true] == 0 || answers[false] == 0 {
		t.Errorf("answers %v", answers)
	}
}

// TestShutBy: when a page says that a barrier will have stood open for too long, an alarm stands from then on.
func TestShutBy(t *testing.T) {
	s := play(t, "given open").sites[home]
	v, _ := s.state.Visit(s.visits["anna"])
	by := s.state.ShutBy(v.Steps[0])
	if by == 0 || by != v.Steps[0].Began.Add(s.state.Rules.Dwell) {
		t.Fatalf("shut by %s, opened at %s", by, v.Steps[0].Began)
	}
	for at, alarmed := range map[event.Instant]bool{by - 1: false, by: true} {
		events, err := site.Decide(s.state, site.Command{Facts: site.Facts{At: at}, Do: site.Tick{}})
		if err != nil {
			t.Fatal(err)
		}
		after, _ := site.Fold(s.state, events).Visit(v.ID)
		if (after.Alarm.Level > 0) != alarmed {
			t.Errorf("at %s the alarm is %+v", at, after.Alarm)
		}
	}
	for _, script := range []string{"given roses", "given open\n14:03:00 door says closed\n14:03:01 courier anna is out\n14:03:02 door says locked"} {
		s := play(t, script).sites[home]
		v, _ := s.state.Visit(s.visits["anna"])
		if by := s.state.ShutBy(v.Steps[0]); by != 0 {
			t.Errorf("shut by %s, though it is: %s", by, script)
		}
	}
}

// TestHearing: an observation that is not recorded shows what recording it would.
func TestHearing(t *testing.T) {
	s := play(t, "given open").sites[home]
	b := s.state.Barriers[0]
	at := s.state.At.Add(10 * event.Second)
	o := event.Observation{Device: b.Spec.Device, Bolt: b.Bolt, ReceivedAt: at, Origin: event.OriginAnswer, AskedAt: at - 100}
	heard := b.Hearing(o)
	if heard.FreshUntil() != (at-100).Add(b.Spec.Horizon) || heard.BoltAt != at-100 || heard.Bolt != b.Bolt {
		t.Errorf("heard %+v", heard)
	}
	offline := b.Hearing(event.Observation{Device: b.Spec.Device, Reach: event.ReachOffline, ReceivedAt: at, Origin: event.OriginLive})
	if offline.FreshUntil() != 0 {
		t.Errorf("fresh until %s, and offline", offline.FreshUntil())
	}
}

// TestOwnTimes: each part's last word has the device's own time, which what only repeats an older word does not set back,
// and a word without one has none.
func TestOwnTimes(t *testing.T) {
	s := play(t, "given open").sites[home]
	b := s.state.Barriers[0]
	at := s.state.At.Add(10 * event.Second)
	says := func(b site.Barrier, bolt event.Bolt, contact event.Contact, own event.Instant) site.Barrier {
		at = at.Add(event.Second)
		return b.Hearing(event.Observation{Device: b.Spec.Device, Bolt: bolt, Contact: contact, DeviceAt: own, ReceivedAt: at, Origin: event.OriginAnswer, AskedAt: at})
	}
	b = says(b, event.BoltUnlocked, event.ContactOpen, 100)
	b = says(b, event.BoltLocked, "", 200)
	if b.BoltOwn != 200 || b.ContactOwn != 100 {
		t.Errorf("its bolt spoke at %d, its contact at %d", b.BoltOwn, b.ContactOwn)
	}
	if b = says(b, event.BoltLocked, "", 150); b.BoltOwn != 200 {
		t.Errorf("an older word set its bolt back to %d", b.BoltOwn)
	}
	if b = says(b, "", event.ContactClosed, 0); b.BoltOwn != 200 || b.ContactOwn != 0 {
		t.Errorf("its bolt spoke at %d, its contact at %d", b.BoltOwn, b.ContactOwn)
	}
}
