package courier_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
)

// lends what most stories need: a delivery, its parcel, the hands at the door, and how often what happened.
func (b *browsing) ordinary() *indoors.Booked {
	booked := new(indoors.Booked)
	b.hands["assign"] = func(string) any { *booked = b.Assigned(b.home, b.anna); return true }
	b.hands["parcel"] = func(string) any { return booked.Parcel }
	b.hands["push"] = func(string) any { return b.home.Door.Push() }
	b.hands["shut"] = func(string) any { return b.home.Door.PullShut() }
	b.hands["unplug"] = func(string) any { b.home.Door.Offline(); return true }
	b.hands["plug"] = func(string) any { return b.home.Door.Online() }
	b.hands["openings"] = func(string) any { return b.home.Door.Openings() }
	b.hands["arrived"] = func(string) any { return count[event.VisitArrived](b) > 0 }
	b.hands["scans"] = func(string) any { return count[event.ParcelScanned](b) }
	b.hands["arrivals"] = func(string) any { return count[event.VisitArrived](b) }
	b.hands["dangers"] = func(string) any { return count[event.CourierLeftInDanger](b) }
	b.hands["planbs"] = func(string) any { return count[event.PlanBFollowed](b) }
	b.hands["block"] = func(string) any {
		b.call(b.home.Caller, "POST", "/v1/home/deliveries/"+string(booked.ID)+"/block", nil, nil)
		return true
	}
	b.hands["photographed"] = func(string) any {
		for _, e := range b.Journal(b.home.Site) {
			if d, ok := e.Body.(event.DepositRecorded); ok {
				return d.Photo != ""
			}
		}
		return false
	}
	b.hands["refusals"] = func(string) any { return count[event.Refused](b) }
	return booked
}

// deeds is how often anything was asked of the home.
func (b *browsing) deeds(string) any {
	return count[event.VisitBegun](b) + count[event.VisitArrived](b) + count[event.ParcelScanned](b) + count[event.OpeningIntended](b) +
		count[event.DepositRecorded](b) + count[event.CloseAsked](b) + count[event.CourierReleased](b) + count[event.Refused](b) +
		count[event.CourierLeftInDanger](b) + count[event.PlanBFollowed](b)
}

// count is how often something happened at the home.
func count[B event.Body](b *browsing) int {
	n := 0
	for _, e := range b.Journal(b.home.Site) {
		if _, ok := e.Body.(B); ok {
			n++
		}
	}
	return n
}

// A courier's visit, from tying the phone to leaving.
func TestAVisitByHand(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("story.mjs")
}

// Reload, Back, a second tab and a lost network, at each step: the step stays, and nothing is asked.
func TestEveryStepStays(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("steps.mjs")
}

// A phone without the key is nobody, whatever else was copied; and a phone whose clock is hours off works.
func TestKeysOfPhones(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("keys.mjs")
}

// Without a network the app opens, nothing is shown from memory that could mislead, and scans are sent once.
func TestWithoutNetwork(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("offline.mjs")
}

// What goes wrong at the door: no position, a useless one, danger. Each has its path, and a tap counts once.
func TestTrouble(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("trouble.mjs")
}

// Requests without an answer, while nothing says that the link was lost or came back.
func TestWhatWaitsGoesByItself(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("waits.mjs")
}

// What waited is refused when its stop is not shown any more.
func TestARefusalNamesItsStop(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("refused.mjs")
}

// What the phone asked for and what the stream brings overtake each other: the newer stays.
func TestWhatComesLateIsOld(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("late.mjs")
}

// Plan B that nobody could be told of yet is told once there is a link, and once.
func TestPlanBWithoutNetwork(t *testing.T) {
	b := newBrowsing(t)
	b.ordinary()
	b.run("planb.mjs")
}

// One code, one opening: shown after a signed tap alone, covered when nobody should look, gone after its use.
func TestCodeOnThePhone(t *testing.T) {
	b := newBrowsing(t)
	b.home = b.keypad()
	b.ordinary()
	b.hands["type"] = func(digits string) any {
		if err := b.home.Door.TypeCode(digits); err != nil {
			return err.Error()
		}
		return ""
	}
	b.run("code.mjs")
}

// A car's visit on a phone that walks to it: which car it is, shown near it, and gone after the visit, also by Back and from
// what the phone keeps.
func TestACarByHand(t *testing.T) {
	b := newBrowsing(t)
	b.home = b.Driveway("Zoe")
	booked := new(indoors.Booked)
	b.hands["assign"] = func(string) any { *booked = b.Assigned(b.home, b.anna); return true }
	b.hands["parcel"] = func(string) any { return booked.Parcel }
	b.hands["shown"] = func(string) any { return []string{indoors.Plate, indoors.Model, indoors.Colour, indoors.Spot} }
	b.hands["flashes"] = func(string) any { return b.home.Car.Done().Signals }
	b.hands["pull"] = func(string) any { return b.home.Car.PullHandle() }
	b.hands["lid"] = func(string) any {
		b.home.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
		return true
	}
	b.hands["openings"] = func(string) any { return b.home.Car.Done().UnlockCommands }
	picture := new(bytes.Buffer)
	b.must(jpeg.Encode(picture, image.NewGray(image.Rect(0, 0, 64, 48)), nil))
	b.send(b.home, "/v1/home/access-points/"+string(b.home.AccessPoint)+"/car/picture", picture.Bytes())
	b.run("car.mjs")
}

// keypad is a household whose front door takes one-time codes.
func (b *browsing) keypad() *indoors.Household {
	b.t.Helper()
	h := b.Empty("Zoe")
	config := virtual.Config{URL: b.Broker.URL(), Prefix: "keypad", Devices: []virtual.Device{
		{Name: "front", Kind: virtual.ZigbeeLock, Username: "keypad", Password: broker.NewPassword(), Timestamps: true}}}
	reports, commands, err := config.Topics("front")
	b.must(err)
	b.must(b.Broker.Allow(broker.Account{Credentials: broker.Credentials{Username: "keypad",
		PasswordHash: broker.HashPassword(config.Devices[0].Password)}, Reports: reports, Commands: commands}))
	h.Home, err = virtual.Start(b.t.Context(), config)
	b.must(err)
	b.t.Cleanup(h.Home.Close)
	h.Door = h.Home.Thing("front")
	id := event.DeviceID(string(h.Site) + ".front")
	register, err := config.Register("front", id)
	b.must(err)
	b.call(b.Key(auth.Operator, "swift"), "POST", "/v1/devices", api.DeviceRequest{ID: id, Site: h.Site, Connector: "mqtt", Config: register}, nil)
	var barrier api.Barrier
	b.call(h.Caller, "POST", "/v1/home/barriers", api.BarrierRequest{Device: id, Is: event.FrontDoor}, &barrier)
	h.Barrier = barrier.ID
	h.Enrol()
	var ap api.AccessPoint
	b.call(h.Caller, "POST", "/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.Barrier, By: event.PermitCode}}, Radius: 50,
		Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude}, Name: "Front door", Note: "The keypad is left of the door, under the lamp"}, &ap)
	h.AccessPoint = ap.ID
	b.call(h.Caller, "POST", "/v1/home/consents", api.ConsentRequest{AccessPoint: h.AccessPoint, Largest: event.SizeLarge, Inside: true,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}}, nil)
	return h
}

func (b *browsing) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// send sends a picture in a household's name.
func (b *browsing) send(h *indoors.Household, path string, data []byte) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.URL+path, bytes.NewReader(data))
	b.must(err)
	r.Header.Set("Content-Type", "image/jpeg")
	r.AddCookie(h.Cookie)
	answer, err := (&http.Client{Timeout: indoors.Patience}).Do(r)
	b.must(err)
	b.must(answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		b.t.Fatalf("a picture: %d", answer.StatusCode)
	}
}
