package site_test

import (
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	good := string(encode(t, play(t, "given open").sites[home].state))
	for name, data := range map[string]string{"nothing": "", "no state": "[]", "another version": strings.Replace(good, `"v":7`, `"v":6`, 1),
		"half of it": good[:len(good)/2], "a wrong time": strings.Replace(good, "2026-03-02T", "yesterday ", 1)} {
		if _, err := site.Decode([]byte(data)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestNothingIsDecidedWithoutAJournal(t *testing.T) {
	for _, r := range requests {
		if _, opens := r.(site.OpenSite); opens {
			continue
		}
		c := site.Command{Facts: site.Facts{At: 1, Actor: event.Actor{Kind: event.ActorOperator}}, Do: r}
		if events, err := site.Decide(site.State{Site: home}, c); err == nil || len(events) > 0 {
			t.Errorf("%T decides %v before the site was opened", r, kinds(events))
		}
	}
}

// A clock that runs back does not carry the journal with it.
func TestTimeNeverRunsBack(t *testing.T) {
	s := play(t, "given roses").sites[home]
	early := site.Command{Facts: site.Facts{At: 1, Actor: event.Actor{Kind: event.ActorOperator}}, Do: site.Suspend{Courier: "anna"}}
	events, err := site.Decide(s.state, early)
	if err != nil || len(events) == 0 {
		t.Fatal(events, err)
	}
	for _, e := range events {
		if e.At < s.state.At {
			t.Errorf("%s at %s, after %s", e.Body.Kind(), e.At, s.state.At)
		}
	}
}

// What a state's readers hand out says what its journal said.
func TestReaders(t *testing.T) {
	s := play(t, "given open")
	home := s.sites[home]
	v, ok := home.state.Visit(home.visits["anna"])
	if !ok || v.Courier != "anna" || len(v.Steps) != 1 {
		t.Errorf("visit %+v", v)
	}
	b, ok := home.state.Barrier(v.Steps[0].Barrier)
	if !ok || b.Holder != v.ID || b.Bolt != event.BoltUnlocked {
		t.Errorf("barrier %+v", b)
	}
	d, ok := home.state.Delivery(v.Deliveries[0])
	if !ok || d.Visit != v.ID {
		t.Errorf("delivery %+v", d)
	}
	if ap, ok := home.state.AccessPoint(v.AccessPoint); !ok || ap.Radius != 30 {
		t.Errorf("access point %+v", ap)
	}
	if !home.state.Member(event.MemberID(s.known("marie"))) || home.state.Member("home-m999") {
		t.Error("members")
	}
}

// Nobody is no courier: an unassigned delivery and a rehearsal have none, and must not be theirs.
func TestNobodyIsNoCourier(t *testing.T) {
	s := play(t, "given home\n10:00:00 merchant flora books roses to hall, 14:00-16:00: 4471 small").sites[home]
	ap := s.state.AccessPoints[0].ID
	for _, f := range []site.Facts{
		{Actor: event.Actor{Kind: event.ActorCourier}, Signed: event.Signed{ID: "proof"}},
		{Actor: event.Actor{Kind: event.ActorCourier}, Signed: event.Signed{ID: "proof", Key: "key"}},
		{Actor: event.Actor{Kind: event.ActorCourier, ID: "anna"}, Signed: event.Signed{ID: "proof"}},
		{Actor: event.Actor{Kind: event.ActorCourier, ID: "anna"}, Signed: event.Signed{Key: "key"}},
	} {
		f.At = s.state.At + event.Instant(4*event.Hour)
		if events, err := site.Decide(s.state, site.Command{Facts: f, Do: site.Approach{AccessPoint: ap}}); err == nil {
			t.Errorf("%+v begins %v", f.Signed, kinds(events))
		}
	}
}
