package event_test

import (
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		body event.Body
		want []string
	}{
		{event.SiteOpened{Zone: "Europe/Paris"}, nil},
		{event.MemberLeft{Member: "home-m2"}, nil},
		{event.AlarmRaised{Visit: "home-v9", Barrier: "home-b3"}, []string{"home-v9"}},
		{event.VisitBegun{Visit: "home-v9", Deliveries: []event.DeliveryID{"home-d4", "home-d6"}, AccessPoint: "home-a3"}, []string{"home-v9", "home-d4", "home-d6"}},
		{event.OpeningIntended{Permit: event.Permit{ID: "home-p12", Visit: "home-v9", Lease: "home-l11", Barrier: "tower-b3"}},
			[]string{"home-p12", "home-v9", "home-l11"}},
		{event.PictureWatched{Clip: "home-f10"}, []string{"home-f10"}},
	} {
		if got := event.Names(c.body); !slices.Equal(got, c.want) {
			t.Errorf("%s names %v, not %v", c.body.Kind(), got, c.want)
		}
	}
}

// Every kind of event can be asked.
func TestNamesOfEveryKind(t *testing.T) {
	for _, k := range event.Kinds() {
		if names := event.Names(event.Zero(k)); len(names) != 0 {
			t.Errorf("an empty %s names %v", k, names)
		}
	}
}
