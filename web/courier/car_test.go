package courier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/courier"
)

// newDriveway is an installation with the courier's app, one home with a car, and a courier.
func newDriveway(t *testing.T) *house {
	t.Helper()
	h := &house{t: t}
	h.Installation = indoors.New(t, mounted(&h.kit, nil))
	t.Cleanup(h.kit.EndStreams)
	h.home = h.Driveway("Camille")
	h.anna = h.Courier("swift-anna")
	return h
}

// stop is the view of the home's stop, which shows nobody where the car is in degrees, nor its number.
func (h *house) stop(lang string) string {
	h.t.Helper()
	view := h.view(lang, "stop/"+string(h.home.AccessPoint))
	for _, secret := range []string{indoors.VIN, "48.8594", "odometer", "fuel"} {
		if strings.Contains(view, secret) {
			h.t.Errorf("the page tells %q: %s", secret, view)
		}
	}
	return view
}

// shows waits until the stop's page is that screen and has all of these texts.
func (h *house) shows(lang string, wanted courier.Screen, texts ...string) string {
	h.t.Helper()
	limit := time.After(indoors.Patience)
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for {
		view := h.stop(lang)
		if screen(h.t, view) == string(wanted) && lacks(view, texts) == "" {
			return view
		}
		select {
		case <-tick.C:
		case <-limit:
			h.t.Fatalf("the page is %q and lacks %q: %s", screen(h.t, view), lacks(view, texts), view)
		}
	}
}

func lacks(view string, texts []string) string {
	for _, text := range texts {
		if !strings.Contains(view, text) {
			return text
		}
	}
	return ""
}

// without is an error where a page shows which car it is.
func without(t *testing.T, when, view string) {
	t.Helper()
	for _, secret := range []string{indoors.Plate, indoors.Model, indoors.Colour, indoors.Spot, "car/picture"} {
		if strings.Contains(view, secret) {
			t.Errorf("%s: the page tells %q: %s", when, secret, view)
		}
	}
}

// A car's visit, page by page: which car it is, near it alone; the handle that is free for a while; and away only when
// the car itself says that it is closed and locked.
func TestACarsVisit(t *testing.T) {
	t.Parallel()
	h := newDriveway(t)
	b := h.Assigned(h.home, h.anna)
	without(t, "before", h.shows("en", courier.Go, "12 rue des Lilas", "may stand a few minutes on foot"))
	v := h.anna.Approach(b)
	if code := h.FoundFor(v); code != "" {
		t.Fatalf("found as %s", code)
	}
	without(t, "far", h.shows("en", courier.Go, "appear once you are within", "Arrived: when you are at the car", "unlocks the whole car"))
	h.anna.Walk(v, 900)
	without(t, "still far", h.shows("fr", courier.Go, "à moins de"))

	h.anna.Walk(v, 0)
	near := h.shows("en", courier.Go, indoors.Plate, "A B 1 2 3 C V", indoors.Model, indoors.Colour, indoors.Spot, "121\u00a0m to the north", "Flash lights", "Honk")
	if strings.Contains(near, `data-act="arrive"`) {
		t.Errorf("arrived 120 metres off: %s", near)
	}
	h.shows("fr", courier.Go, "121\u00a0m vers le nord", "Faire clignoter", "déverrouille toute la voiture")
	h.anna.Walk(v, indoors.Parked-5)
	h.shows("en", courier.Go, "You are at the car", `data-act="arrive"`)
	if a := h.anna.Act(v, "arrive", api.ArriveRequest{Position: indoors.At(indoors.Parked)}); a.Refused != nil {
		t.Fatalf("refused: %+v", a.Refused)
	}
	h.shows("en", courier.Arrive, indoors.Plate, "Flash lights", "found, locked and closed", "Does not fit")

	h.anna.FreeHandle(v, b)
	h.shows("en", courier.Opening, "Open the trunk now", "The handle is free for", indoors.Plate, `data-act="deposit"`)
	if err := h.home.Car.PullHandle(); err != nil {
		t.Fatal(err)
	}
	h.shows("en", courier.Inside, "The parcels are down", "Car trunk open", "Doors and trunk", "the car", indoors.Plate, "Leave: when the car says", "Look at every door")
	h.anna.Act(v, "deposit", nil)
	h.shows("fr", courier.Inside, "Fermez le coffre et tirez pour vérifier")
	h.anna.CloseCar(v, h.home)
	h.shows("en", courier.Secured, "Closed and locked")
	h.anna.Leave(v)
	without(t, "afterwards", h.stop("en"))
	if done := h.home.Car.Done(); done.UnlockCommands != 1 {
		t.Errorf("%d commands to open", done.UnlockCommands)
	}
}

// What does not fit goes to plan B, and a car that is being looked for says so.
func TestAParcelThatDoesNotFit(t *testing.T) {
	t.Parallel()
	h := newDriveway(t)
	b := h.Assigned(h.home, h.anna)
	v := h.anna.Approach(b)
	h.FoundFor(v)
	if a := h.anna.Act(v, "too-large", api.TooLargeRequest{Delivery: b.ID}); a.Refused != nil {
		t.Fatalf("refused: %+v", a.Refused)
	}
	view := h.shows("en", courier.Refusal, "Parcel too large", "Plan B")
	without(t, "not there any more", view)
	if list := h.view("en", "stops"); !strings.Contains(list, "does not fit: plan B") {
		t.Errorf("the list: %s", list)
	}
}

// A car that stands too far off is not shown, and why is.
func TestACarThatIsTooFar(t *testing.T) {
	t.Parallel()
	h := newDriveway(t)
	b := h.Assigned(h.home, h.anna)
	h.home.Car.Park(indoors.Latitude+0.01, indoors.Longitude, time.Now(), false)
	v := h.anna.Approach(b)
	if code := h.FoundFor(v); code != event.CarTooFar {
		t.Fatalf("found as %q", code)
	}
	h.anna.Walk(v, 1100)
	view := h.shows("en", courier.Go, "Car too far away", "Go to plan B")
	without(t, "too far", view)
	_, actions, _ := strings.Cut(view, `class="actions"`)
	if !strings.Contains(actions, "/plan-b") || strings.Contains(actions, "when you are at the car") {
		t.Errorf("what to do now is not plan B: %s", actions)
	}
	without(t, "too far", h.shows("fr", courier.Go, "Voiture trop loin"))
	h.lead("en", "In person, at the reference address", "12 rue des Lilas", "Directions", "Handed over in person", "Nobody answers", "Back to the depot")
	h.lead("fr", "En main propre", "12 rue des Lilas", "Itinéraire", "Remis en main propre", "Personne ne répond")
	path := "/v1/courier/deliveries/" + string(b.ID) + "/plan-b"
	var a api.Answer
	h.call(h.anna.Caller, "POST", path, api.PlanBRequest{Position: indoors.At(1100)}, &a)
	if a.Refused == nil || a.Refused.Code != event.WrongPlace || strings.Contains(a.Refused.Text, "car") {
		t.Errorf("far from the address: %+v", a.Refused)
	}
	h.call(h.anna.Caller, "POST", path, api.PlanBRequest{Nobody: true, Position: indoors.At(5)}, nil)
	if view := h.lead("en", "Back to the depot"); strings.Contains(view, "Directions") || strings.Contains(view, "Handed over") {
		t.Errorf("nobody answered, and the page says %s", view)
	}
}

// lead is the page of plan B, with all of these texts.
func (h *house) lead(lang string, texts ...string) string {
	h.t.Helper()
	view := h.view(lang, "stop/"+string(h.home.AccessPoint)+"/plan-b")
	if text := lacks(view, texts); text != "" || screen(h.t, view) != string(courier.PlanB) {
		h.t.Errorf("the page lacks %q: %s", text, view)
	}
	return view
}

// Of a car that does not lock the page raises the alarm, and says at once what to do, step by step.
func TestACarThatWillNotLock(t *testing.T) {
	h := newDriveway(t)
	h.call(h.home.Caller, "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 4, ClimbSeconds: 60}, nil)
	b := h.Assigned(h.home, h.anna)
	v := h.anna.Approach(b)
	if code := h.FoundFor(v); code != "" {
		t.Fatalf("found as %s", code)
	}
	h.anna.Walk(v, indoors.Parked)
	h.anna.FreeHandle(v, b)
	if err := h.home.Car.PullHandle(); err != nil {
		t.Fatal(err)
	}
	h.shows("en", courier.Inside, "Car trunk open")
	h.home.Car.Behave(fakecloud.Quirks{Jam: true})
	h.anna.Act(v, "deposit", nil)
	h.home.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	h.anna.Act(v, "close", nil)
	if a := h.anna.Act(v, "leave", nil); a.Refused == nil || a.Refused.Code != event.NotSecured {
		t.Fatalf("leaving a car that is not locked: %+v", a)
	}
	for lang, texts := range map[string][]string{
		"en": {`class="band"`, "data-alarming", "Car closed, not proven locked", "The car doesn&#39;t close or lock", "Open the trunk wide", "Look at every door", "stay with it and call"},
		"fr": {`class="band"`, "data-alarming", "Voiture fermée, verrouillage pas prouvé", "Ouvrez grand le coffre", "Regardez chaque porte", "restez près d&#39;elle et appelez"},
	} {
		view := h.shows(lang, courier.Inside, texts...)
		if !strings.Contains(view, `<details class="help" id="car-stuck" open>`) {
			t.Errorf("%s: what to do is hidden: %s", lang, view)
		}
	}
	h.home.Car.Behave(fakecloud.Quirks{})
	view := h.shows("en", courier.Secured, "Closed and locked")
	if strings.Contains(view, "data-alarming") {
		t.Errorf("locked, and the alarm stands: %s", view)
	}
	h.anna.Leave(v)
}
