package site_test

import (
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Sentences about a car: its place, its spot, and what came of looking for it, which is the answer to the question that
// was asked of it last.
var carSentences = []sentence{
	says(`adds car (\w+): (.+), (\d+)m around, within (\d+)m, reveals ([\w-]+)`, func(s *stage, w []string) site.Request {
		way := s.wayIn(w[2])
		s.call(w[1])
		return site.AddAccessPoint{WayIn: way, Radius: number(s, w[3]),
			Vehicle: event.VehicleTerms{Within: number(s, w[4]), Reveals: event.Reveals(w[5])}}
	}),
	says(`describes where (\w+) stands: (\S+)`, func(s *stage, w []string) site.Request {
		return site.DescribeSpot{AccessPoint: id[event.AccessPointID](s, w[1]), Spot: event.Commitment(w[2])}
	}),
	says(`describes where (\w+) stands: (\S+), indoors`, func(s *stage, w []string) site.Request {
		return site.DescribeSpot{AccessPoint: id[event.AccessPointID](s, w[1]), Spot: event.Commitment(w[2]), Indoors: true}
	}),
	says(`is found (.+)`, func(s *stage, w []string) site.Request { return s.sighting(w[0], w[1]) }),
	says(`is not found: (\w+)`, func(s *stage, w []string) site.Request {
		r := s.sighting(w[0], "")
		r.Seen.Fault, r.Seen.FromSpot = event.VehicleFault(w[1]), event.SpotUnknown
		return r
	}),
	says(`is taken out`, func(s *stage, w []string) site.Request { return site.PartCars{Devices: devicesOf(w[0])} }),
	says(`may be asked again`, func(s *stage, w []string) site.Request { return site.RegainCars{Devices: devicesOf(w[0])} }),
	says(`finds (\w+) too large`, func(s *stage, w []string) site.Request {
		return site.TooLarge{Visit: s.visit(w[0]), Delivery: id[event.DeliveryID](s, w[1])}
	}),
}

func devicesOf(barrier string) []event.DeviceID {
	return []event.DeviceID{event.DeviceID("device-of-" + barrier)}
}

// sighting reads "40m away, 3m from its spot, parked, position 10s old, locked, closed".
func (s *stage) sighting(car, text string) site.Sight {
	r := site.Sight{AccessPoint: id[event.AccessPointID](s, car), Seen: event.Sighting{AskedAt: s.now}}
	i := len(s.here.log) - 1
	for ; i >= 0; i-- {
		if b, ok := s.here.log[i].Body.(event.VehicleSought); ok && b.AccessPoint == r.AccessPoint {
			r.Visit, r.Delivery = b.Visit, b.Delivery
			break
		}
	}
	seen := &r.Seen
	seen.FromSpot = event.SpotUnknown
	for _, part := range split(text) {
		first, rest, _ := strings.Cut(part, " ")
		switch {
		case rest == "away":
			seen.Distance = number(s, strings.TrimSuffix(first, "m"))
		case rest == "from its spot":
			seen.FromSpot = number(s, strings.TrimSuffix(first, "m"))
		case part == "position of no time":
			seen.Age = event.AgeUnknown
		case first == "position":
			seen.Age = duration(s, strings.TrimSuffix(rest, " old"))
		case slices.Contains([]string{"parked", "moving"}, part):
			seen.Motion = event.Motion(part)
		case slices.Contains([]string{"locked", "unlocked", "jammed"}, part):
			seen.Bolt = event.Bolt(part)
		case slices.Contains([]string{"open", "closed"}, part):
			seen.Contact = event.Contact(part)
		default:
			s.fail("no car is found %q", part)
		}
	}
	return r
}

// remarkOnCar: "boot reveals whole-car" changes what its connector declares, "looked at 14:00:00" is when looking for it
// began, "retry 14:05:00" when the maker can be asked again.
func (s *stage) remarkOnCar(c *site.Command, first, rest string) bool {
	look, isLook := c.Do.(site.Sight)
	switch reveals, declares := strings.CutPrefix(rest, "reveals "); {
	case declares:
		for i := range c.Facts.Ready {
			if c.Facts.Ready[i].Barrier == id[event.BarrierID](s, first) {
				c.Facts.Ready[i].Reveals = event.Reveals(reveals)
			}
		}
	case isLook && first == "looked":
		look.Seen.AskedAt = s.clock(strings.TrimPrefix(rest, "at "))
	case isLook && first == "retry":
		look.Seen.RetryAt = s.clock(rest)
	default:
		return false
	}
	if isLook {
		c.Do = look
	}
	return true
}

func (s *stage) car(b event.Body) string {
	switch b := b.(type) {
	case event.SpotDescribed:
		return sprintf("the household says where %s stands: %s%s", s.name(b.AccessPoint), b.Spot, when(b.Indoors, ", indoors"))
	case event.SpotAsked:
		return sprintf("the household is asked where %s stands (%s)", s.name(b.AccessPoint), b.Round)
	case event.VehicleSought:
		return sprintf("%s is looked for%s (%s)", s.name(b.AccessPoint), after(", for ", s.name(b.Delivery)), b.Round)
	case event.VehicleFound:
		return sprintf("%s is %s%s", s.name(b.AccessPoint), sighted(b.Seen), after(": ", string(b.Code)))
	case event.ParcelTooLarge:
		return sprintf("%s does not fit", s.name(b.Delivery))
	}
	return ""
}

func sighted(s event.Sighting) string {
	if s.Fault != "" {
		return "not found (" + string(s.Fault) + ")"
	}
	parts := []string{sprintf("found %d m away", s.Distance)}
	if s.FromSpot != event.SpotUnknown {
		parts = append(parts, sprintf("%d m from its spot", s.FromSpot))
	}
	for _, p := range []string{string(s.Motion), string(s.Bolt), string(s.Contact)} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}
