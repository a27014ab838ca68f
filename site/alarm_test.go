package site_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Two operators take the same alarm at once: one owns it, and the other finds who, since when.
func TestOneOwnerOfAnAlarm(t *testing.T) {
	s := play(t, "given open\n14:08:30 time passes").sites[home]
	visit := s.visits["anna"]
	take := func(who string) site.Alarm {
		t.Helper()
		c := site.Command{Facts: site.Facts{At: s.state.At, Actor: event.Actor{Kind: event.ActorOperator, ID: who}},
			Do: site.AcknowledgeAlarm{Visit: visit}}
		events, err := site.Decide(s.state, c)
		if err != nil {
			t.Fatal(err)
		}
		s.state = site.Fold(s.state, events)
		v, _ := s.state.Visit(visit)
		return v.Alarm
	}
	at := s.state.At
	first, second := take("ana"), take("tom")
	if first.Owner != (event.Actor{Kind: event.ActorOperator, ID: "ana"}) || first.Owned != at || first != second {
		t.Errorf("ana's: %+v, tom's: %+v", first, second)
	}
	if first.Raised == 0 || first.Raised >= first.At {
		t.Errorf("raised at %s, and at this level since %s", first.Raised, first.At)
	}
}

// TestOwningAnAlarmDecidesNothing: whatever anybody asks, and whenever time decides, is decided as if nobody had
// acknowledged anything.
func TestOwningAnAlarmDecidesNothing(t *testing.T) {
	owned := 0
	for seed := range uint64(12) {
		w := newWorld(t, rand.New(rand.NewPCG(seed, 7)).IntN)
		w.heard = func(c site.Command, _ []event.Event, _ error) {
			for _, j := range w.sites {
				before, wasOwned := unowned(j.state)
				if !wasOwned {
					continue
				}
				owned++
				if before.Deadline() != j.state.Deadline() {
					t.Fatalf("the next deadline is %s, and %s without an owner", j.state.Deadline(), before.Deadline())
				}
				sameDecision(t, j.state, before, c)
				sameDecision(t, j.state, before, site.Command{Facts: site.Facts{At: j.state.Deadline()}, Do: site.Tick{}})
			}
		}
		for range 300 {
			w.live()
		}
	}
	if owned == 0 {
		t.Error("no alarm was ever owned")
	}
}

// unowned is the state as it would be had nobody acknowledged anything.
func unowned(s site.State) (without site.State, wasOwned bool) {
	s.Visits = slices.Clone(s.Visits)
	for i := range s.Visits {
		a := &s.Visits[i].Alarm
		wasOwned = wasOwned || a.Owned != 0
		a.Owner, a.Owned = event.Actor{}, 0
	}
	return s, wasOwned
}

func sameDecision(t *testing.T, s, other site.State, c site.Command) {
	t.Helper()
	if _, owns := c.Do.(site.AcknowledgeAlarm); owns {
		return
	}
	one, oneErr := site.Decide(s, c)
	two, twoErr := site.Decide(other, c)
	if !reflect.DeepEqual(one, two) || (oneErr == nil) != (twoErr == nil) {
		t.Fatalf("%T decides %v (%v), and without an owner %v (%v)", c.Do, kinds(one), oneErr, kinds(two), twoErr)
	}
}
