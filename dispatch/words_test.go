package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/memory"
)

// What a device only repeats is written nowhere, and makes what is shown of it fresh all the same.
func TestRepetitionsMakeFresh(t *testing.T) { synctest.Test(t, repetitionsMakeFresh) }

func repetitionsMakeFresh(t *testing.T) {
	w := newTown(t, memory.New())
	w.ready(event.PermitRemote)
	d := w.process()
	before := w.state("home")
	b := before.Barriers[0]
	if d.Fresher(b) != b {
		t.Errorf("fresh by nothing: %+v", d.Fresher(b))
	}
	at := later(event.Hour)
	says := func(o event.Observation) site.Barrier {
		t.Helper()
		o.Device, o.ReceivedAt = b.Spec.Device, at
		if o.Origin == "" {
			o.Origin = event.OriginLive
		}
		must(t, d.Heard(t.Context(), "home", o))
		return d.Fresher(w.state("home").Barriers[0])
	}
	if got := says(event.Observation{Origin: event.OriginRetained, Bolt: b.Bolt}); got != b {
		t.Errorf("fresh by a stored copy: %+v", got)
	}
	got := says(event.Observation{Bolt: b.Bolt, Origin: event.OriginAnswer, AskedAt: at, Battery: 81})
	if got.ReachedAt != at || got.BoltAt != at || got.ContactAt != b.ContactAt || got.FreshUntil() != at.Add(b.Spec.Horizon) {
		t.Errorf("after a repetition: %+v", got)
	}
	if percent, when := d.Battery(b.ID); percent != 81 || when != at {
		t.Errorf("battery %d %% at %s", percent, when)
	}
	if now := w.state("home"); now.Seq != before.Seq {
		t.Errorf("a repetition made %d events", now.Seq-before.Seq)
	}
	ahead := b.Spec.Horizon
	must(t, d.Heard(t.Context(), "home", event.Observation{Device: b.Spec.Device, Bolt: b.Bolt, Origin: event.OriginAnswer,
		ReceivedAt: at.Add(ahead), AskedAt: at.Add(ahead)}))
	if got := d.Fresher(w.state("home").Barriers[0]); got.ReachedAt != at {
		t.Errorf("heard at %s, which is not yet", got.ReachedAt)
	}
	if other := w.process().Fresher(b); other != b {
		t.Errorf("another process has heard it: %+v", other)
	}
	at = later(event.Second)
	if got = says(event.Observation{Reach: event.ReachOffline}); got.FreshUntil() != 0 {
		t.Errorf("offline, and fresh until %s", got.FreshUntil())
	}
	at = later(event.Second)
	if got = says(event.Observation{Contact: event.ContactOpen}); got.Contact != event.ContactOpen || got.ContactAt != at || got.ReachedAt != at {
		t.Errorf("back, and open: %+v", got)
	}
}

// What was heard never makes fresh what the journal has put in doubt since.
func TestDoubtIsNotFresh(t *testing.T) { synctest.Test(t, doubtIsNotFresh) }

func doubtIsNotFresh(t *testing.T) {
	w := newTown(t, memory.New())
	w.ready(event.PermitRemote)
	d := w.process()
	b := w.state("home").Barriers[0]
	at := later(event.Minute)
	must(t, d.Heard(t.Context(), "home", event.Observation{Device: b.Spec.Device, Bolt: b.Bolt, ReceivedAt: at, AskedAt: at, Origin: event.OriginAnswer}))
	copied := event.Observation{Device: b.Spec.Device, Bolt: event.BoltUnlocked, ReceivedAt: at, Origin: event.OriginRetained}
	must(t, w.process().Heard(t.Context(), "home", copied))
	if got := d.Fresher(w.state("home").Barriers[0]); got.Bolt != event.BoltUnlocked || got.BoltAt != 0 {
		t.Errorf("in doubt: %+v", got)
	}
}

// later lets the bubble's time pass.
func later(d event.Millis) event.Instant {
	pass(d.Duration())
	return event.InstantOf(time.Now())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Who follows every site is woken for each, and who follows nobody costs nothing.
func TestFollowAll(t *testing.T) {
	w := newTown(t, memory.New())
	w.ready(event.PermitRemote)
	d := w.process()
	woken := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	all, stop := d.FollowAll()
	home, stopHome := d.Follow("home")
	first := w.state("home").Members[0].ID
	w.do(d, "home", member(first), site.AddMember{})
	if !woken(all) || !woken(home) {
		t.Error("a commit woke nobody")
	}
	d.Wake("elsewhere")
	if !woken(all) || woken(home) {
		t.Error("a wake of another site")
	}
	d.Wake("home")
	if !woken(all) || !woken(home) {
		t.Error("a wake of the site")
	}
	stop()
	d.Wake("home")
	if woken(all) || !woken(home) {
		t.Error("after the end")
	}
	stopHome()
	if n := len(d.streams.followers); n != 0 {
		t.Errorf("%d followers are left", n)
	}
	if n := testing.AllocsPerRun(100, func() { d.streams.wake("home") }); n != 0 {
		t.Errorf("a commit that nobody follows allocates %v times", n)
	}
}
