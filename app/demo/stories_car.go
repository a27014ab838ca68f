package demo

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// corners are where cars of the town are driven to, in metres east and north of their house.
var corners = map[string][2]float64{"home": {120, 60}, "near": {-90, 150}, "far": {2600, -3100}}

// drive parks a car somewhere else.
func (t *town) drive(b body, where string) error {
	v, is := b.(*car)
	to, known := corners[where]
	if !is || !known {
		return refused("deed")
	}
	if v.Contact() == event.ContactOpen {
		return refused("gapes")
	}
	v.drive(v.house.off(to[0], to[1]), time.Now())
	return nil
}

// cutCloud takes the cloud of a car's maker down, or has it answer again.
func (t *town) cutCloud(b body) error {
	v, is := b.(*car)
	if !is {
		return refused("deed")
	}
	t.cloud(v, !t.handAt(v.Name()).cloudless)
	return nil
}

func (t *town) cloud(v *car, down bool) {
	wire := t.stage.makers.wire(v.of)
	wire.Mend()
	if down {
		wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown})
	}
	t.hold(v.Name(), func(h *hand) { h.cloudless = down })
}

// carShown is the household's car as it really stands. The caller holds the lock.
func (t *town) carShown(p *play) desk.Door {
	v := p.car()
	shown := desk.Door{ID: v.Name(), Name: cmp.Or(p.lot.called[trunk], v.looks()), Address: p.home.house.address, Is: event.Trunk,
		Bolt: v.Bolt(), Contact: v.Contact(),
		Car: &desk.Car{VIN: v.vin, Account: v.owner, Away: int(v.house.metresTo(v.at())), Within: within, Handle: v.HandleFree()}}
	t.handsShown(&shown)
	if h := t.hands[v.Name()]; h != nil {
		shown.Car.Cloudless = h.cloudless
	}
	return shown
}

// intoTheCar books a parcel for the trunk of a household's car, once that has made a place of it.
func (t *town) intoTheCar(p *play) error {
	no := ""
	err := p.perform(func() {
		place := p.home.findCar()
		waits, is := t.waitsAt(place)
		switch {
		case place == "":
			no = "unshared"
		case is && !ended(p.status(waits.delivery)):
			no = "underway"
		default:
			t.send(p, trunk)
		}
	})
	if err == nil && no != "" {
		return refused(no)
	}
	return err
}

// findCar looks for the place that the household has made of its car; "" when there is none.
func (c *customer) findCar() event.AccessPointID {
	var home struct {
		Places []struct {
			ID  event.AccessPointID `json:"accessPoint"`
			Car *struct{}           `json:"car"`
		} `json:"accessPoints"`
	}
	c.play.must(c.Call(c.play.ctx, http.MethodGet, "/v1/home", nil, &home))
	for _, place := range home.Places {
		if place.Car != nil {
			c.places = maps.Clone(c.places) // the town's other scenes read it
			c.places[trunk] = place.ID
			return place.ID
		}
	}
	return ""
}

// fetch brings a car back to where it may receive parcels, and its maker's cloud back to life.
func (t *town) fetch(p *play, v *car) {
	t.cloud(v, false)
	if v.house.metresTo(v.at()) > within {
		p.must(t.drive(v, "home"))
	}
}

// toTheCar brings the courier there, who has it looked for on the way.
func (s *story) toTheCar() {
	s.step("seek")
	s.visit = s.karim.approach(s.d)
	s.town.walk.head(s.car().at())
	s.town.walk.hurry(s.town.come)
	s.karim.stand(2)
	s.pause(s.town.come)
	s.awaitFound("")
}

// intoTheTrunk is an ordinary visit from the scan on.
func (s *story) intoTheTrunk() {
	s.step("scan")
	s.karim.scan(s.visit, s.d.parcels[0]).granted()
	s.step("free")
	s.insistOnOpening()
	s.step("pull")
	s.must(s.car().Push())
	s.awaitSeenOpen(trunk)
	s.putDown()
	s.step("lid")
	s.must(s.car().PullShut())
	s.step("locks")
	s.karim.tellClose(s.visit)
	s.awaitSecured(trunk)
	s.goAway()
}

// insistOnOpening waits until the car can be opened. An order that was certainly not carried out is given again: stories
// that follow each other soon may meet the limit of the car's maker. The journal is read no oftener than a key may.
func (s *story) insistOnOpening() {
	refused := func(e event.Event) bool {
		r, ok := e.Body.(event.OpeningResolved)
		return ok && r.Outcome == event.NotDone
	}
	for limit := time.Now().Add(2 * patience); !s.car().free(); s.pause(50 * look) {
		s.read()
		if i := slices.IndexFunc(s.events[s.at:], refused); i >= 0 {
			s.at += i + 1
			s.pause(2 * againAfter)
			s.karim.insists(s.visit)
		}
		if time.Now().After(limit) {
			s.fail("the car was not unlocked")
		}
	}
}

func storyTrunk(s *story) {
	s.toTheCar()
	s.step("flash")
	s.karim.finds(s.visit)
	s.intoTheTrunk()
}

func storyMoved(s *story) {
	s.step("drive")
	where := "near"
	if s.car().house.off(corners[where][0], corners[where][1]).metresTo(s.car().at()) < 100 {
		where = "home"
	}
	s.must(s.town.drive(s.car(), where))
	before := len(s.events)
	s.toTheCar()
	s.step("asked")
	s.at = before // nobody may have answered the last time: then it is asked before the car is found
	s.awaitBody("the household is asked where it stands", event.SpotAsked{}.Kind())
	s.step("answer")
	s.home.describe(trunk, tongue("In front of the bakery.", "Devant la boulangerie."), false)
	s.intoTheTrunk()
}
