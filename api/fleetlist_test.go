package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// readable is a door that can be asked.
type readable struct{ *door }

func (r readable) Read(ctx context.Context) (event.Observation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.offline {
		<-ctx.Done()
		return event.Observation{}, device.ErrNoAnswer
	}
	now := event.InstantOf(time.Now())
	return event.Observation{Device: r.id, Bolt: r.bolt, Contact: r.contact, Battery: 71, ReceivedAt: now, AskedAt: now, Origin: event.OriginAnswer}, nil
}

// reserve reserves a device of the fake connector for a site.
func (w *world) reserve(at event.SiteID, id event.DeviceID, config string) {
	w.t.Helper()
	w.operator().post("/v1/devices", api.DeviceRequest{ID: id, Site: at, Connector: "fake", Config: json.RawMessage(config)}, nil)
}

func (w *world) devices(query string) api.DeviceStates {
	w.t.Helper()
	var page api.DeviceStates
	w.operator().get("/v1/devices"+query, &page)
	return page
}

func (w *world) deviceState(id event.DeviceID) api.DeviceState {
	w.t.Helper()
	page := w.devices("?device=" + string(id))
	if len(page.Devices) != 1 {
		w.t.Fatalf("%d devices named %s", len(page.Devices), id)
	}
	return page.Devices[0]
}

func TestDevicesAreListedTheWorstFirst(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	front := event.DeviceID(string(h.site) + ".front")
	w.reserve(h.site, "spare", "{}")
	w.reserve(h.site, "blind", `{"unprovable":true}`)
	d := w.book(w.merchant("grocer"), h, 1)
	var heard api.DeviceState
	w.until(t, "the front door was heard", func() bool { heard = w.deviceState(front); return heard.Heard != 0 })
	if heard.Trouble != "" || !heard.Enrolled || heard.Barrier != h.barrier || heard.Needed == nil || heard.Needed.Delivery != d.ID {
		t.Errorf("the front door: %+v", heard)
	}
	h.door.mu.Lock()
	h.door.offline = true
	h.door.mu.Unlock()
	page := w.devices("")
	var ids []event.DeviceID
	for _, d := range page.Devices {
		ids = append(ids, d.ID)
	}
	if want := []event.DeviceID{front, "blind", "spare"}; !slices.Equal(ids, want) || page.Total != 3 {
		t.Errorf("listed as %v, %d in all", ids, page.Total)
	}
	if page.Devices[0].Trouble != api.TroubleOffline || page.Devices[1].Trouble != api.TroubleSilent {
		t.Errorf("%+v", page.Devices)
	}
	if only := w.devices("?trouble=offline"); len(only.Devices) != 1 || only.Devices[0].ID != front {
		t.Errorf("offline: %+v", only)
	}
	if elsewhere := w.devices("?site=elsewhere"); len(elsewhere.Devices) != 0 || elsewhere.Total != 0 {
		t.Errorf("elsewhere: %+v", elsewhere)
	}
	w.operator().send("GET", "/v1/devices?trouble=tired", nil).problem(422, "invalid")
}

// Every order lists every device once, over pages of any size.
func TestPagesOfDevicesMeet(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	for i := range 7 {
		w.reserve(h.site, event.DeviceID(fmt.Sprint("d", i)), "{}")
	}
	for _, order := range []api.DeviceOrder{"", api.OrderWorst, api.OrderName, api.OrderHeard, api.OrderBattery, api.OrderNeeded} {
		seen := map[event.DeviceID]int{}
		for next := ""; ; {
			page := w.devices("?limit=3&order=" + string(order) + "&cursor=" + next)
			for _, d := range page.Devices {
				seen[d.ID]++
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if len(seen) != 8 || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
			t.Errorf("in order %q: %v", order, seen)
		}
	}
	w.operator().send("GET", "/v1/devices?order=sideways", nil).problem(422, "invalid")
}

func TestReadingADeviceOnlyReads(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	w.reserve(h.site, "gate", `{"reads":true}`)
	var r api.DeviceReading
	w.operator().post("/v1/devices/gate/read", nil, &r)
	if r.Bolt != event.BoltLocked || r.Contact != event.ContactClosed || r.Origin != event.OriginAnswer || r.Battery != 71 || r.At == 0 {
		t.Errorf("read %+v", r)
	}
	if d := w.deviceState("gate"); d.Heard != r.At || d.Battery != 71 || len(d.Charges) != 1 {
		t.Errorf("listed as %+v", d)
	}
	if n := w.doors["gate"].openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
	front := "/v1/devices/" + string(h.site) + ".front/read"
	w.operator().send("POST", front, nil).problem(409, "not-readable")
	w.operator().send("POST", "/v1/devices/none/read", nil).problem(404, "not-found")
}

// A device that says what its site does not know yet is heard there, as when it speaks by itself.
func TestAReadingReachesItsSite(t *testing.T) {
	w := newWorld(t)
	h := w.empty(w.merchant("grocer"))
	w.reserve(h.site, "gate", `{"reads":true}`)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: "gate", Is: event.Gate}, &b)
	before := w.kinds(h.site)
	w.operator().post("/v1/devices/gate/read", nil, nil)
	if after := w.kinds(h.site); after == before {
		t.Error("the site heard nothing")
	}
}

func TestADeviceIsAskedOneQuestionAtATime(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	w.reserve(h.site, "gate", `{"reads":true}`)
	gate := w.doors["gate"]
	gate.mu.Lock() // it hangs in the middle of its answer
	answers := make(chan reply, 2)
	operator := w.operator()
	for range 2 {
		go func() { answers <- operator.send("POST", "/v1/devices/gate/read", nil) }()
	}
	refused := <-answers
	gate.mu.Unlock()
	refused.problem(409, "reading")
	(<-answers).want(200, nil)
	for range 10 {
		if r := operator.send("POST", "/v1/devices/gate/read", nil); r.status == 429 {
			return
		}
	}
	t.Error("a device's battery can be asked empty")
}
