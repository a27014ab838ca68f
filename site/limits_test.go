package site_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// invalid decides one request by a member, or by an operator where a member may not, and returns the field that
// it says is wrong.
func (w *world) invalid(r site.Request, kind event.ActorKind) string {
	who := w.member(home)
	if kind == event.ActorOperator {
		who = event.Actor{Kind: kind, ID: "operator"}
	}
	before := len(w.sites[home].log)
	err := w.decide(home, site.Command{Facts: site.Facts{Actor: who}, Do: r})
	if err != nil && len(w.sites[home].log) != before {
		w.t.Errorf("%T is wrong (%v), and yet writes something down", r, err)
	}
	var wrong site.Invalid
	if errors.As(err, &wrong) {
		return wrong.Field
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// quietWorld is a world in which nothing is left to chance.
func quietWorld(t *testing.T) *world { return newWorld(t, func(n int) int { return n - 1 }) }

func TestLimitsOfABooking(t *testing.T) {
	now := quietWorld(t).now
	window := func(from, to event.Instant) func(*site.Book) {
		return func(b *site.Book) { b.Window = event.Span{From: from, To: to} }
	}
	parcels := func(n int) func(*site.Book) {
		return func(b *site.Book) {
			b.Parcels = nil
			for i := range n {
				b.Parcels = append(b.Parcels, event.Parcel{Code: event.Commitment(rune('a' + i)), Size: event.SizeSmall})
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*site.Book)
		field  string
	}{
		"as it should be":     {func(*site.Book) {}, ""},
		"seven days long":     {window(now, now.Add(7*event.Day)), ""},
		"longer":              {window(now, now.Add(7*event.Day+1)), "window"},
		"ninety days ahead":   {window(now.Add(90*event.Day), now.Add(91*event.Day)), ""},
		"further ahead":       {window(now.Add(90*event.Day+1), now.Add(91*event.Day)), "window"},
		"since ever":          {window(math.MinInt64, now.Add(event.Day)), "window"},
		"since 1970":          {window(0, now.Add(event.Day)), "window"},
		"for ever":            {window(now, math.MaxInt64), "window"},
		"over now":            {window(now-10, now), "window"},
		"backwards":           {window(now+10, now+5), "window"},
		"of nobody":           {func(b *site.Book) { b.Merchant = "" }, "merchant"},
		"by nobody":           {func(b *site.Book) { b.Carrier = "" }, "carrier"},
		"of nothing":          {parcels(0), "parcels"},
		"of fifty":            {parcels(50), ""},
		"of too many":         {parcels(51), "parcels"},
		"of a nameless thing": {func(b *site.Book) { b.Parcels[0].Code = "" }, "parcels"},
		"of no size":          {func(b *site.Book) { b.Parcels[0].Size = "" }, "parcels"},
		"to nowhere":          {func(b *site.Book) { b.AccessPoint = "home-a1" }, "accessPoint"},
	} {
		t.Run(name, func(t *testing.T) {
			w := quietWorld(t)
			b := w.anyBooking()
			b.Window = event.Span{From: w.now, To: w.now.Add(event.Hour)}
			c.change(&b)
			if field := w.invalid(b, event.ActorOperator); field != c.field {
				t.Errorf("wrong is %q, want %q", field, c.field)
			}
		})
	}
}

// The day before is asked about only when there is one, and somebody wants to be asked.
func TestAskingTheDayBefore(t *testing.T) {
	for _, ask := range []bool{false, true} {
		for at, kept := range map[event.Millis]bool{-event.Hour: false, 0: false, event.Hour: ask, 26 * event.Hour: false, 1 << 60: false} {
			w := quietWorld(t)
			w.must(home, w.member(home), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, AskPets: ask}})
			b := w.anyBooking()
			b.Window = event.Span{From: w.now.Add(25 * event.Hour), To: w.now.Add(27 * event.Hour)}
			b.AskAt = w.now.Add(at)
			b.AccessPoint = w.home().AccessPoints[0].ID
			w.must(home, w.member(home), b)
			if d := w.home().Deliveries[0]; (d.AskAt != 0) != kept {
				t.Errorf("asking %v in %s: at %s", ask, at.Duration(), d.AskAt)
			}
		}
	}
}

func TestLimitsOfTheHousehold(t *testing.T) {
	w := quietWorld(t)
	ap := w.home().AccessPoints[0]
	spec := func(change func(*event.Spec)) site.Request {
		s := event.Spec{Device: "new", Closure: event.Closure{Bolt: true}, Horizon: event.Minute, Opens: true}
		change(&s)
		return site.ReserveBarrier{Is: event.Flat, Spec: s}
	}
	rules := func(change func(*event.Rules)) site.Request {
		r := event.Rules{Dwell: event.Minute, Climb: event.Minute}
		change(&r)
		return site.SetRules{Rules: r}
	}
	consent := func(change func(*event.Consent)) site.Request {
		c := event.Consent{AccessPoint: ap.ID, Largest: event.SizeLarge, Hours: []event.Hours{{Days: []int{1, 7}, From: 0, To: 1440}}}
		change(&c)
		return site.GiveConsent{Consent: c}
	}
	many := make([]event.Fallback, 9)
	for i := range many {
		many[i] = event.Fallback{Kind: event.FallbackDepot}
	}
	nine := slices.Repeat(ap.WayIn, 9)
	for i, c := range []struct {
		do    site.Request
		field string
	}{
		{spec(func(s *event.Spec) { s.Device = "" }), "device"},
		{spec(func(s *event.Spec) { s.Opens = false }), "device"},
		{spec(func(s *event.Spec) { s.Horizon = 999 }), "horizon"},
		{spec(func(s *event.Spec) { s.Horizon = event.Day + 1 }), "horizon"},
		{spec(func(s *event.Spec) { s.Lateness = -2 }), "lateness"},
		{spec(func(s *event.Spec) { s.Lateness = event.Day + 1 }), "lateness"},
		{spec(func(s *event.Spec) { s.Closure = event.Closure{} }), "acceptUnprovable"},
		{rules(func(r *event.Rules) { r.Dwell = 999 }), "dwell"},
		{rules(func(r *event.Rules) { r.Dwell = event.Hour + 1 }), "dwell"},
		{rules(func(r *event.Rules) { r.Climb = 0 }), "climb"},
		{rules(func(r *event.Rules) { r.PlanB = many }), "planB"},
		{rules(func(r *event.Rules) { r.PlanB = []event.Fallback{{Kind: event.FallbackNeighbour}} }), "planB.who"},
		{rules(func(r *event.Rules) { r.PlanB = []event.Fallback{{Kind: "roof"}} }), "planB.kind"},
		{rules(func(r *event.Rules) {
			r.PlanB = []event.Fallback{{Kind: event.FallbackAccessPoint, AccessPoint: "home-a1"}}
		}), "planB.accessPoint"},
		{rules(func(r *event.Rules) {
			r.PlanB = []event.Fallback{{Kind: event.FallbackAccessPoint, AccessPoint: ap.ID}}
		}), ""},
		{consent(func(c *event.Consent) { c.Hours = nil }), "hours"},
		{consent(func(c *event.Consent) { c.Hours[0].From = -1 }), "hours"},
		{consent(func(c *event.Consent) { c.Hours[0].From = 1440 }), "hours"},
		{consent(func(c *event.Consent) { c.Hours[0].To = 1441 }), "hours"},
		{consent(func(c *event.Consent) { c.Hours[0].Days = nil }), "hours.days"},
		{consent(func(c *event.Consent) { c.Hours[0].Days = []int{0} }), "hours.days"},
		{consent(func(c *event.Consent) { c.Hours[0].Days = []int{8} }), "hours.days"},
		{consent(func(c *event.Consent) { c.Hours[0].Days = []int{2, 1} }), "hours.days"},
		{consent(func(c *event.Consent) { c.Largest = "" }), "largest"},
		{consent(func(c *event.Consent) { c.Until = math.MaxInt64 }), "until"},
		{site.AddAccessPoint{Radius: 30}, "wayIn"},
		{site.AddAccessPoint{Radius: 30, WayIn: nine}, "wayIn"},
		{site.AddAccessPoint{Radius: 1001, WayIn: ap.WayIn}, "radius"},
		{site.AddAccessPoint{Radius: 1000, WayIn: ap.WayIn}, ""},
	} {
		if field := w.invalid(c.do, event.ActorMember); field != c.field {
			t.Errorf("%d: %+v: wrong is %q, want %q", i, c.do, field, c.field)
		}
	}
}

// Times that no calendar has reach neither the journal nor its encoding.
func TestTimesThatNoCalendarHas(t *testing.T) {
	w := quietWorld(t)
	w.story()
	v := w.home().Visits[0]
	for _, at := range []event.Instant{-1, 253_402_300_800_000, math.MaxInt64, math.MinInt64} {
		w.ask(v.Courier, site.Approach{AccessPoint: v.AccessPoint, ETA: at})
		o := event.Observation{Bolt: event.BoltUnlocked, DeviceAt: at, ReceivedAt: at, AskedAt: at, Origin: event.OriginLive}
		w.try(home, event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: v.Steps[0].Barrier, Observation: o})
		o.Bolt, o.Origin = event.BoltLocked, event.OriginAnswer
		w.try(home, event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: v.Steps[0].Barrier, Observation: o})
		signed := site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: string(v.Courier)},
			Signed: event.Signed{Key: v.Key, ID: "odd", IssuedAt: at}}, Do: site.Leave{Visit: v.ID}}
		if err := w.decide(home, signed); err == nil {
			t.Errorf("a request signed at %d is decided", at)
		}
	}
}
