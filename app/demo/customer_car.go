package demo

import (
	"net/http"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/event"
)

// enrolCar shares the household's car, works what takes parcels by hand, and says where parcels may go and where the
// car stands.
func (c *customer) enrolCar(v *car) {
	devices := c.share(v)
	for _, place := range v.places {
		var reserved struct {
			Barrier event.BarrierID `json:"barrier"`
		}
		c.post("/v1/home/barriers", map[string]any{"device": devices[place], "is": place}, &reserved)
		c.barriers[place] = reserved.Barrier
		c.workCar(v, place)
		c.addCarPlace(v, place)
	}
	c.describe(v.places[0], tongue("Level 0, next to the blue pillar.", "Niveau 0, à côté du pilier bleu."), false)
}

// workCar locks it with its key, unlocks and opens it, shuts and locks it again, and waits each time until its maker's
// cloud has told. What the cloud remembers from before would prove nothing: hence the first time.
func (c *customer) workCar(v *car, place string) {
	id := c.barriers[place]
	v.HandLock()
	c.awaitObserved(place+" is known to be shut", func(o event.BarrierObserved) bool {
		return o.Barrier == id && o.Observation.Contact == event.ContactClosed && o.Observation.Current()
	})
	v.Hand()
	v.ByHand(func(s *fakecloud.State) { s.Open[openingOf(place)] = true })
	c.awaitObserved(place+" is seen open", func(o event.BarrierObserved) bool {
		return o.Barrier == id && o.Observation.Contact == event.ContactOpen
	})
	c.play.must(v.PullShut())
	v.HandLock()
	c.await(place+" is enrolled", func(e event.Event) bool {
		b, ok := e.Body.(event.BarrierEnrolled)
		return ok && b.Barrier == id
	})
}

// openingOf is what of a car is opened at a place.
func openingOf(place string) fakecloud.Opening {
	if place == cabin {
		return fakecloud.RearRight
	}
	return fakecloud.Trunk
}

func (c *customer) awaitObserved(what string, match func(event.BarrierObserved) bool) {
	c.await(what, func(e event.Event) bool {
		o, ok := e.Body.(event.BarrierObserved)
		return ok && match(o)
	})
}

// await reads the whole journal until it holds such an event.
func (c *customer) await(what string, match func(event.Event) bool) {
	c.play.until(what, 10*look, func() bool { return c.recorded(match) })
}

// addCarPlace makes a place of a car: it may stand within 300 m of the house, and lays open what its maker's cars do.
func (c *customer) addCarPlace(v *car, place string) {
	var added struct {
		AccessPoint event.AccessPointID `json:"accessPoint"`
	}
	c.post("/v1/home/access-points", map[string]any{"wayIn": []map[string]any{{"barrier": c.barriers[place], "by": event.PermitRemote}},
		"radius": 30, "name": c.calls(place), "position": map[string]any{"latitude": c.house.at.latitude, "longitude": c.house.at.longitude},
		"note":    tongue("To the left, under the cover.", "À gauche, sous la bâche."),
		"vehicle": map[string]any{"within": within, "reveals": v.reveals()}}, &added)
	c.places[place] = added.AccessPoint
	c.play.must(c.Call(c.play.ctx, http.MethodPut, c.carAt(place), map[string]any{"plate": v.plate, "make": v.looks(), "colour": v.colour}, nil))
}

// within is how far from the house the car may stand, in metres.
const within = 300

func (c *customer) carAt(place string) string {
	return "/v1/home/access-points/" + string(c.places[place]) + "/car"
}

// describe says where the car stands.
func (c *customer) describe(place, spot string, indoors bool) {
	c.post(c.carAt(place)+"/spot", map[string]any{"spot": spot, "indoors": indoors}, nil)
}

// reveals is what an order to open lays open.
func (c *car) reveals() event.Reveals {
	if c.of == volvo {
		return event.RevealsHandle
	}
	return event.RevealsCar
}

// share has the owner of the car consent on its maker's page, and choose the car. It returns its devices.
func (c *customer) share(v *car) map[string]event.DeviceID {
	var page struct {
		Address string `json:"address"`
	}
	c.post("/v1/home/cars/consents", map[string]any{"maker": v.of}, &page)
	back, err := v.consents(c.play.ctx, page.Address)
	c.play.must(err)
	said := back.Query()
	c.post("/v1/home/cars/consents/finish", map[string]any{"state": said.Get("state"), "code": said.Get("code"), "error": said.Get("error"),
		"user": said.Get("user_id")}, nil)
	at := "/v1/home/cars/consents/" + string(v.of) + "/vehicles"
	var shared struct {
		Vehicles []struct {
			Vehicle string `json:"vehicle"`
		} `json:"vehicles"`
	}
	c.play.must(c.Call(c.play.ctx, http.MethodGet, at, nil, &shared))
	if len(shared.Vehicles) != 1 {
		c.play.fail("the consent covers %d cars", len(shared.Vehicles))
	}
	var chosen struct {
		Devices []struct {
			Device event.DeviceID `json:"device"`
			Is     string         `json:"is"`
		} `json:"devices"`
	}
	c.post(at+"/"+shared.Vehicles[0].Vehicle, map[string]any{"opens": v.places}, &chosen)
	devices := make(map[string]event.DeviceID)
	for _, d := range chosen.Devices {
		devices[d.Is] = d.Device
	}
	c.play.say("customer", "consents on the maker's own page, and chooses the %s", v.looks())
	return devices
}
