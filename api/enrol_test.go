package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// ofTheirOwn lets members find and reserve devices, of which the network has two.
func ofTheirOwn(d *api.Deps) {
	d.MembersReserve = true
	d.Discover = func(context.Context, time.Duration) ([]api.Found, error) {
		return []api.Found{
			{Connector: "fake", Name: "Front door", Config: json.RawMessage(`{"secret": "front"}`)},
			{Connector: "fake", Name: "Garage", Config: json.RawMessage(`{"secret": "garage"}`)},
			{Connector: "fake", Name: "Heater", Refused: "it opens nothing"},
		}, nil
	}
	d.FindCameras = func(_ context.Context, _ time.Duration, user, password string) ([]api.FoundCamera, error) {
		if user != "me" || password != "open" {
			return nil, errors.New("no camera for nobody")
		}
		return []api.FoundCamera{{Name: "Hall", Host: "192.0.2.7"}}, nil
	}
}

func TestAMemberFindsAndReservesADevice(t *testing.T) {
	w := newWorld(t, ofTheirOwn)
	h := w.empty(w.merchant("grocer"))
	var found api.Discovered
	h.post("/v1/home/devices/discover", api.DiscoverRequest{Seconds: 1}, &found)
	if len(found.Devices) != 3 || found.Devices[0].Name != "Front door" || found.Devices[2].Refused == "" {
		t.Fatalf("found %+v", found)
	}
	var first, again api.Device
	asked := api.HomeDeviceRequest{Connector: "fake", Config: found.Devices[0].Config}
	h.post("/v1/home/devices", asked, &first)
	h.post("/v1/home/devices", asked, &again)
	if first.ID == "" || first.ID != again.ID || first.Site != h.site || !first.Provable {
		t.Fatalf("reserved as %+v, then as %+v", first, again)
	}
	var mine api.HomeDevices
	h.get("/v1/home/devices", &mine)
	if !mine.MayReserve || len(mine.Devices) != 1 || mine.Devices[0].ID != first.ID || mine.Devices[0].Barrier != "" {
		t.Fatalf("the household's devices: %+v", mine)
	}
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: first.ID, Is: event.FrontDoor}, &b)
	h.get("/v1/home/devices", &mine)
	if mine.Devices[0].Barrier != b.ID {
		t.Errorf("the device stands as %q, not %q", mine.Devices[0].Barrier, b.ID)
	}
}

// What one household reserved is neither shown to another, nor given to it.
func TestAReservedDeviceIsNobodyElses(t *testing.T) {
	w := newWorld(t, ofTheirOwn)
	h, other := w.empty(w.merchant("grocer")), w.empty(w.merchant("butcher"))
	asked := api.HomeDeviceRequest{Connector: "fake", Config: json.RawMessage(`{"secret":"front"}`)}
	h.post("/v1/home/devices", asked, nil)
	var found api.Discovered
	other.post("/v1/home/devices/discover", nil, &found)
	if len(found.Devices) != 2 || found.Devices[0].Name != "Garage" {
		t.Errorf("another household finds %+v", found)
	}
	asked.Config = json.RawMessage(`{ "secret" : "front" }`)
	other.send("POST", "/v1/home/devices", asked).problem(409, "taken")
	var theirs api.HomeDevices
	other.get("/v1/home/devices", &theirs)
	if len(theirs.Devices) != 0 {
		t.Errorf("another household has %+v", theirs)
	}
}

// Without the operator's leave members look around on no network, and reserve nothing.
func TestMembersReserveNothingByThemselves(t *testing.T) {
	w := newWorld(t, ofTheirOwn, func(d *api.Deps) { d.MembersReserve = false })
	h := w.empty(w.merchant("grocer"))
	h.send("POST", "/v1/home/devices/discover", nil).problem(403, "operator-reserves")
	h.send("POST", "/v1/home/cameras/discover", nil).problem(403, "operator-reserves")
	h.send("POST", "/v1/home/devices", api.HomeDeviceRequest{Connector: "fake", Config: json.RawMessage("{}")}).problem(403, "operator-reserves")
	var mine api.HomeDevices
	h.get("/v1/home/devices", &mine)
	if mine.MayReserve || len(mine.Devices) != 0 {
		t.Errorf("the household's devices: %+v", mine)
	}
}

// An operator may refuse what nothing can prove shut; what can be proven is taken.
func TestTheOperatorRefusesWhatCantBeProven(t *testing.T) {
	w := newWorld(t, ofTheirOwn, func(d *api.Deps) { d.ProvableOnly = true })
	h := w.empty(w.merchant("grocer"))
	var blind, door api.HomeDevice
	h.post("/v1/home/devices", api.HomeDeviceRequest{Connector: "fake", Config: json.RawMessage(`{"unprovable":true}`)}, &blind)
	h.post("/v1/home/devices", api.HomeDeviceRequest{Connector: "fake", Config: json.RawMessage("{}")}, &door)
	h.send("POST", "/v1/home/barriers", api.BarrierRequest{Device: blind.ID, Is: event.Garage, AcceptUnprovable: true}).problem(403, "unprovable")
	h.send("POST", "/v1/home/barriers", api.BarrierRequest{Device: door.ID, Is: event.FrontDoor}).want(201, nil)
	var mine api.HomeDevices
	h.get("/v1/home/devices", &mine)
	if !mine.ProvableOnly || mine.Devices[0].Barrier != "" && mine.Devices[1].Barrier != "" {
		t.Errorf("the household's devices: %+v", mine)
	}
}

func TestAMemberFindsCameras(t *testing.T) {
	w := newWorld(t, ofTheirOwn)
	h := w.empty(w.merchant("grocer"))
	var found struct{ Cameras []api.FoundCamera }
	h.post("/v1/home/cameras/discover", api.FindCamerasRequest{User: "me", Password: "open"}, &found)
	if len(found.Cameras) != 1 || found.Cameras[0].Name != "Hall" || found.Cameras[0].Streams == nil {
		t.Errorf("found %+v", found)
	}
	h.send("POST", "/v1/home/cameras/discover", api.FindCamerasRequest{Seconds: 1}).problem(503, "no-discovery")
	w = newWorld(t, func(d *api.Deps) { d.MembersReserve = true })
	h = w.empty(w.merchant("grocer"))
	h.send("POST", "/v1/home/cameras/discover", nil).problem(409, "no-discovery")
	h.send("POST", "/v1/home/devices/discover", nil).problem(409, "no-discovery")
}
