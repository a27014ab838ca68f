package operator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// Of a household's car the console says whether it can be reached, and nothing else: not during a visit, and not after.
func TestAHouseholdsCar(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Driveway("Camille")
	dis := o.staff("Dispatch", auth.Dispatcher)
	device := "/operator/devices/" + string(h.Site) + ".trunk"
	page := dis.shows(device, "reached", "Where it stands, and how, is shown to nobody here.", "Car trunk")
	dis.in(phrase.French).shows(device, "jointe", "Où elle se trouve, et comment")
	path := device + "/read"
	a := dis.send("POST", path, form(t, page, path))
	if said := plain(t, a.body); a.status != http.StatusOK || !strings.Contains(said, "How a car stands between visits") || strings.Contains(said, "locked,") {
		t.Errorf("read: %d %s", a.status, said)
	}
	anna := o.Courier("swift-anna")
	b := o.Assigned(h, anna)
	v := anna.Approach(b)
	o.FoundFor(v)
	anna.Walk(v, indoors.Parked-10)
	o.silentOf(t, dis, b, v, device)
	anna.FreeHandle(v, b)
	must(t, h.Car.PullHandle())
	o.silentOf(t, dis, b, v, device)
	anna.CloseCar(v, h)
	anna.Leave(v)
	o.silentOf(t, dis, b, v, device)
	dis.shows("/operator/deliveries/"+string(b.ID), "Car trunk seen shut and locked")
	dis.in(phrase.French).shows("/operator/deliveries/"+string(b.ID), "Coffre de la voiture\u00a0: fermeture et verrouillage constatés")

	h.Car.Behave(fakecloud.Quirks{Offline: true})
	c := o.Assigned(h, anna)
	if code := o.FoundFor(anna.Approach(c)); code != event.CarUnreachable {
		t.Fatalf("found as %q", code)
	}
	dis.shows("/operator/devices?trouble=offline", string(h.Site)+".trunk")
	dis.shows(device, "Car not reachable")
	must(t, h.Call(t.Context(), http.MethodDelete, "/v1/home/barriers/"+string(h.Barrier), nil, nil))
	dis.shows("/operator/deliveries/"+string(b.ID), "Car trunk seen shut and locked")
}

// silentOf reads the console's pages of a car's visit, and finds nothing by which anybody would know the car.
func (o *office) silentOf(t *testing.T, who *visitor, b indoors.Booked, v event.VisitID, device string) {
	t.Helper()
	for _, path := range []string{"/operator/", "/operator/alarms", "/operator/deliveries", "/operator/deliveries/" + string(b.ID), visitAt(v), device,
		"/operator/devices", "/operator/couriers", "/operator/couriers/swift-anna", "/operator/metrics", "/operator/search?q=" + string(b.Home.Site)} {
		a := who.send("GET", path, nil)
		if a.status >= 400 {
			t.Errorf("%s: %d", path, a.status)
		}
		for _, secret := range []string{indoors.Plate, indoors.Model, indoors.Colour, indoors.Spot, indoors.VIN, "48.859", "odometer", "fuel"} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s tells %q: %s", path, secret, plain(t, a.body))
			}
		}
	}
}
