package courier

import (
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// visitOf builds a visit with two parcels and two barriers, as far as it has come.
func visitOf(change ...func(*api.Visit)) *api.Visit {
	v := &api.Visit{ID: "home-v9", Deliveries: []api.VisitDelivery{{Delivery: "home-d1", Parcels: []api.Parcel{{Parcel: "a"}, {Parcel: "b"}}}},
		Steps: []api.Step{{Barrier: "home-b1", By: event.PermitRemote, Provable: true}, {Barrier: "home-b2", By: event.PermitRemote, Provable: true}}}
	for _, c := range change {
		c(v)
	}
	return v
}

func arrived(v *api.Visit)   { v.Arrived = 1 }
func deposited(v *api.Visit) { v.Deposited = true }
func closes(v *api.Visit)    { v.Closing = true }
func shut(v *api.Visit)      { v.MayLeave = true }
func suspended(v *api.Visit) { v.Suspended = true }
func blocked(v *api.Visit)   { v.Deliveries[0].Blocked = true }
func flees(v *api.Visit)     { v.Danger = true }
func taken(v *api.Visit)     { v.TakenOver = "home-m1" }
func ended(v *api.Visit)     { v.Ended = &api.VisitEnd{How: event.EndSecured} }

func scanned(n int) func(*api.Visit) {
	return func(v *api.Visit) {
		arrived(v)
		for i := range n {
			v.Deliveries[0].Parcels[i].Scanned = true
		}
	}
}

func missing(i int) func(*api.Visit) {
	return func(v *api.Visit) { v.Deliveries[0].Parcels[i].Missing = true }
}

// asked: the order for a step was given; recorded: with this outcome; seen: and it was opened then.
func asked(step int) func(*api.Visit) {
	return func(v *api.Visit) { v.Steps[step].Asked = &api.Asked{At: 2} }
}

func recorded(step int, outcome event.Outcome) func(*api.Visit) {
	return func(v *api.Visit) { asked(step)(v); v.Steps[step].Recorded = &api.Recorded{Outcome: outcome} }
}

func seen(step int) func(*api.Visit) {
	return func(v *api.Visit) {
		recorded(step, event.Done)(v)
		v.Steps[step].Recorded.Opened = 3
	}
}

func byCode(step int) func(*api.Visit) {
	return func(v *api.Visit) { v.Steps[step].By = event.PermitCode }
}

func unprovable(step int) func(*api.Visit) {
	return func(v *api.Visit) { v.Steps[step].Provable = false }
}

func over(step int) func(*api.Visit) { return func(v *api.Visit) { v.Steps[step].Asked.Over = true } }

func one(v *api.Visit) { v.Steps = v.Steps[:1] }

func TestScreenOf(t *testing.T) {
	all := scanned(2)
	for name, c := range map[string]struct {
		v    *api.Visit
		want Screen
	}{
		"on the way":         {visitOf(), Go},
		"there":              {visitOf(arrived), Arrive},
		"one of two scanned": {visitOf(scanned(1)), Scan},
		"one scanned without network, on the way":     {visitOf(func(v *api.Visit) { v.Deliveries[0].Parcels[0].Scanned = true }), Scan},
		"one scanned, one missing":                    {visitOf(scanned(1), missing(1)), Opening},
		"all scanned without network":                 {visitOf(all), Opening},
		"suspended before anything opened":            {visitOf(all, suspended), Refusal},
		"blocked before anything opened":              {visitOf(all, blocked), Refusal},
		"ordered":                                     {visitOf(all, asked(0)), Opening},
		"outcome unknown":                             {visitOf(all, recorded(0, event.Unknown)), Opening},
		"certainly not opened":                        {visitOf(all, recorded(0, event.NotDone)), Refusal},
		"lobby open, flat to open":                    {visitOf(all, seen(0)), Opening},
		"lobby open, flat ordered":                    {visitOf(all, seen(0), asked(1)), Opening},
		"lobby open, flat certainly not opened":       {visitOf(all, seen(0), recorded(1, event.NotDone)), Opening},
		"lobby open, flat blocked":                    {visitOf(all, seen(0), blocked), Inside},
		"lobby open, suspended":                       {visitOf(all, seen(0), suspended), Inside},
		"lobby open, turning back":                    {visitOf(all, seen(0), closes), Inside},
		"lobby shut again, turned back":               {visitOf(all, seen(0), closes, shut), Secured},
		"inside":                                      {visitOf(all, seen(0), seen(1)), Inside},
		"inside, behind a door that fell shut":        {visitOf(all, seen(0), seen(1), shut), Inside},
		"put down":                                    {visitOf(all, seen(0), seen(1), deposited), Inside},
		"put down and shut":                           {visitOf(all, seen(0), seen(1), deposited, shut), Secured},
		"shut without a word of the parcels":          {visitOf(all, seen(0), seen(1), closes, shut), Secured},
		"opened again":                                {visitOf(all, seen(0), seen(1), deposited, closes), Inside},
		"fled":                                        {visitOf(all, seen(0), flees), Fled},
		"taken over":                                  {visitOf(all, seen(0), flees, taken), TakenOver},
		"ended":                                       {visitOf(ended), Done},
		"a code is being set":                         {visitOf(one, all, byCode(0), asked(0)), Code},
		"a code is ready":                             {visitOf(one, all, byCode(0), recorded(0, event.Done)), Code},
		"a code was refused by the lock":              {visitOf(one, all, byCode(0), recorded(0, event.NotDone)), Refusal},
		"a code was used":                             {visitOf(one, all, byCode(0), seen(0)), Inside},
		"a code is over, unused as far as is known":   {visitOf(one, all, byCode(0), recorded(0, event.Done), over(0)), Opening},
		"a code for what reports nothing":             {visitOf(one, all, byCode(0), unprovable(0), seen(0)), Code},
		"a code for what reports nothing, put down":   {visitOf(one, all, byCode(0), unprovable(0), seen(0), deposited), Inside},
		"a code for what reports nothing, turns back": {visitOf(one, all, byCode(0), unprovable(0), seen(0), closes), Inside},
	} {
		if got := ScreenOf(nil, c.v); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

func TestScreenWithoutVisit(t *testing.T) {
	delivery := func(other, blocked bool) api.StopDelivery {
		return api.StopDelivery{OtherDevice: other, VisitDelivery: api.VisitDelivery{Blocked: blocked}}
	}
	for name, c := range map[string]struct {
		deliveries []api.StopDelivery
		want       Screen
	}{
		"to bring":                  {[]api.StopDelivery{delivery(false, false)}, Go},
		"one of two is blocked":     {[]api.StopDelivery{delivery(false, true), delivery(false, false)}, Go},
		"blocked":                   {[]api.StopDelivery{delivery(false, true)}, Refusal},
		"of another phone":          {[]api.StopDelivery{delivery(true, false)}, Refusal},
		"one of two is another's":   {[]api.StopDelivery{delivery(true, false), delivery(false, false)}, Go},
		"blocked, of another phone": {[]api.StopDelivery{delivery(true, true)}, Refusal},
	} {
		if got := ScreenOf(&api.Stop{Deliveries: c.deliveries}, nil); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// Whatever the server says of a visit, there is a screen, and none that lets a courier go offers it without the
// server's word.
func TestLeavingFollowsFromTheServer(t *testing.T) {
	for bits := range 1 << 8 {
		v := visitOf(scanned(2), seen(0))
		v.Deposited, v.Closing, v.Suspended, v.MayLeave = bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
		v.Deliveries[0].Blocked = bits&16 != 0
		if bits&32 != 0 {
			seen(1)(v)
		}
		if bits&64 != 0 {
			byCode(1)(v)
		}
		if bits&128 != 0 {
			unprovable(1)(v)
		}
		if got := ScreenOf(nil, v); got == "" || got == Secured && !v.MayLeave {
			t.Fatalf("%08b: %q", bits, got)
		}
	}
}
