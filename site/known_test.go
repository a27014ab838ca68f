package site_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// lent plays a visit up to the moment at which the tower's grant is under way, and returns it.
func lent(t *testing.T) (*scene, site.ReceiveLease) {
	t.Helper()
	s := play(t, "given tower\n14:02:00 courier anna scans 4471 at 8m±5m\nsite tower\n14:02:01 home asks to borrow lobby")
	grant := last(s, "tower", func(event.LeaseGranted) bool { return true })
	return s.sites[home], site.ReceiveLease{Lease: grant.Lease, Barrier: grant.Barrier, Number: grant.Number,
		Until: grant.Until, Spec: grant.Spec, Known: grant.Known}
}

// letterAt decides a letter from the tower, two seconds after the home's last event.
func (sc *scene) letterAt(r site.Request) ([]event.Event, event.Instant, error) {
	at := sc.state.At.Add(2 * event.Second)
	facts := site.Facts{At: at, Actor: event.Actor{Kind: event.ActorSite, ID: string(tower)}}
	facts.Ready = []event.Readiness{{Barrier: sc.state.Leases[0].Barrier, Reach: event.ReachOnline}}
	events, err := site.Decide(sc.state, site.Command{Facts: facts, Do: r})
	return events, at, err
}

func TestALeaseCarriesWhatTheLenderKnows(t *testing.T) {
	sc, letter := lent(t)
	if k := letter.Known; k.Bolt != event.BoltLocked || k.BoltAt == 0 || k.Contact != event.ContactClosed || k.ContactAt == 0 ||
		k.Reach != event.ReachOnline || k.ReachedAt < k.BoltAt {
		t.Fatalf("the grant says %+v", k)
	}
	events, _, err := sc.letterAt(letter)
	received, _, ok := lastOf(events, func(event.LeaseReceived) bool { return true })
	if err != nil || !ok || received.Known != letter.Known {
		t.Fatalf("received %+v (%v), granted %+v", received.Known, err, letter.Known)
	}
	b, _ := site.Fold(sc.state, events).Barrier(letter.Barrier)
	if b.Bolt != letter.Known.Bolt || b.BoltAt != letter.Known.BoltAt || b.Contact != letter.Known.Contact ||
		b.ContactAt != letter.Known.ContactAt || b.Reach != letter.Known.Reach || b.ReachedAt != letter.Known.ReachedAt || b.HandAt != 0 {
		t.Errorf("the borrower begins with %+v", b)
	}
}

// Whatever a lender says to have known, and whenever: the opening that follows is neither seen by it nor secured.
func TestWhatALenderKnewProvesNothing(t *testing.T) {
	for _, bolt := range []event.Bolt{event.BoltLocked, event.BoltUnlocked} {
		for _, contact := range []event.Contact{event.ContactClosed, event.ContactOpen} {
			for _, ahead := range []event.Millis{-event.Hour, 0, 1, 2 * event.Second, 2*event.Second + 1, event.Hour} {
				sc, letter := lent(t)
				said := sc.state.At.Add(ahead)
				letter.Known = event.Known{Bolt: bolt, BoltAt: said, Contact: contact, ContactAt: said, Reach: event.ReachOnline, ReachedAt: said,
					DeviceAt: said.Add(event.Day), DeviceHeard: said}
				events, at, err := sc.letterAt(letter)
				if err != nil || count[event.OpeningIntended](events) != 1 {
					t.Fatalf("%s, %s %s: %v (%v)", bolt, contact, ahead.Duration(), kinds(events), err)
				}
				state := site.Fold(sc.state, events)
				later, err := site.Decide(state, site.Command{Facts: site.Facts{At: at.Add(event.Minute)}, Do: site.Tick{}})
				all := slices.Concat(events, later)
				sighted := slices.ContainsFunc(all, func(e event.Event) bool {
					r, ok := e.Body.(event.OpeningResolved)
					return ok && r.Outcome != event.Unknown
				})
				if err != nil || sighted || count[event.BarrierSecured](all) != 0 {
					t.Errorf("%s, %s %s ahead prove %v (%v)", bolt, contact, ahead.Duration(), kinds(all), err)
				}
				k, _, _ := lastOf(events, func(event.LeaseReceived) bool { return true })
				if max(k.Known.BoltAt, k.Known.ContactAt, k.Known.ReachedAt, k.Known.DeviceHeard) >= at || k.Known.DeviceAt != said.Add(event.Day) {
					t.Errorf("at %s the borrower writes down %+v", at, k.Known)
				}
			}
		}
	}
}

// What no lender says is refused, and changes nothing.
func TestWhatNoLenderKnows(t *testing.T) {
	for field, wrong := range map[string][]func(*event.Known){
		"known.bolt":    {func(k *event.Known) { k.Bolt = "open" }},
		"known.contact": {func(k *event.Known) { k.Contact = "locked" }},
		"known.reach":   {func(k *event.Known) { k.Reach = "maybe" }},
		"known": {
			func(k *event.Known) { k.BoltAt = -1 }, func(k *event.Known) { k.BoltAt = math.MaxInt64 },
			func(k *event.Known) { k.ContactAt = -1 }, func(k *event.Known) { k.ReachedAt = math.MinInt64 },
			func(k *event.Known) { k.DeviceAt = 253_402_300_800_000 }, func(k *event.Known) { k.DeviceHeard = -1 },
			func(k *event.Known) { k.Bolt = "" }, func(k *event.Known) { k.Contact = "" },
			func(k *event.Known) { k.Reach = event.ReachOffline }, func(k *event.Known) { k.Reach = "" },
		},
	} {
		for i, change := range wrong {
			sc, letter := lent(t)
			change(&letter.Known)
			events, _, err := sc.letterAt(letter)
			var no site.Invalid
			if !errors.As(err, &no) || no.Field != field || len(events) != 0 {
				t.Errorf("%s %d: %v, %v", field, i, kinds(events), err)
			}
		}
	}
}

// A lender that knows nothing, as one of an older release, lends all the same.
func TestALenderThatKnowsNothing(t *testing.T) {
	sc, letter := lent(t)
	letter.Known = event.Known{}
	if events, _, err := sc.letterAt(letter); err != nil || count[event.OpeningIntended](events) != 1 {
		t.Errorf("%v (%v)", kinds(events), err)
	}
}

// What a lent device said before its lease arrived is to be brought again; once the answer was no, it is nobody's
// business.
func TestWhatOvertakesItsLease(t *testing.T) {
	sc, letter := lent(t)
	o := site.Observe{Barrier: letter.Barrier, Observation: event.Observation{Contact: event.ContactOpen, Origin: event.OriginLive}}
	if events, _, err := sc.letterAt(o); !errors.Is(err, site.ErrEarly) || errors.Is(err, site.ErrUnknown) || len(events) != 0 {
		t.Errorf("%v (%v)", kinds(events), err)
	}
	device := site.Facts{At: sc.state.At, Actor: event.Actor{Kind: event.ActorDevice}}
	if _, err := site.Decide(sc.state, site.Command{Facts: device, Do: o}); !errors.Is(err, site.ErrUnknown) {
		t.Errorf("a device of ours says something of another's barrier: %v", err)
	}
	denied, _, err := sc.letterAt(site.DenyLease{Lease: letter.Lease, Code: event.LenderRefused})
	if err != nil {
		t.Fatal(err)
	}
	facts := site.Facts{At: sc.state.At, Actor: event.Actor{Kind: event.ActorSite}}
	if _, err := site.Decide(site.Fold(sc.state, denied), site.Command{Facts: facts, Do: o}); !errors.Is(err, site.ErrUnknown) {
		t.Errorf("after the refusal: %v", err)
	}
}
