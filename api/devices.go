package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
)

// DeviceRequest reserves a device for a site. A member then enrols it there as a barrier.
type DeviceRequest struct {
	ID        event.DeviceID  `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"letters, digits and ._:-" doc:"Your name for it, for good"`
	Site      event.SiteID    `json:"site" maxLength:"32"`
	Connector string          `json:"connector" maxLength:"32" doc:"Which connector speaks to it" example:"mqtt"`
	Config    json.RawMessage `json:"config" doc:"What the connector needs to reach it; never shown again"`
}

// Device is a device that is reserved for a site. Its configuration is never shown: it may hold secrets.
type Device struct {
	ID        event.DeviceID `json:"id"`
	Site      event.SiteID   `json:"site"`
	Connector string         `json:"connector"`
	Spec      event.Spec     `json:"spec" doc:"What it truly can do. Times are in milliseconds"`
	Reach     event.Reach    `json:"reach,omitempty" doc:"Whether it can be reached now, as far as that is known"`
	Provable  bool           `json:"provable" doc:"Whether anything can prove it shut"`
	Text      string         `json:"text" doc:"What it can't do, in words"`
}

// DiscoverRequest listens for devices that announce themselves.
type DiscoverRequest struct {
	Seconds int `json:"seconds,omitempty" minimum:"1" maximum:"30" doc:"How long to listen; 5 when absent"`
}

// Discovered are the devices that announced themselves.
type Discovered struct {
	Devices []Found `json:"devices"`
}

// DeviceOutput is a device.
type DeviceOutput struct{ Body Device }

func (a *API) registerDevices() {
	forClient(a, route{method: http.MethodPost, path: "/v1/devices", id: "reserveDevice", summary: "Reserve a device for a site",
		about: "Repeating it with the same content changes nothing. Reports of a device reach its own site only.",
		tag:   "Devices", status: http.StatusCreated, scope: auth.DevicesWrite}, a.ReserveDevice)
	forClient(a, route{method: http.MethodGet, path: "/v1/devices/{device}", id: "getDevice", summary: "Look at a device", tag: "Devices",
		scope: auth.DevicesWrite}, a.GetDevice)
	forClient(a, route{method: http.MethodPost, path: "/v1/devices/discover", id: "discoverDevices", summary: "Find devices that announce themselves",
		about: "For operators. What it finds can be reserved as it is.", tag: "Devices", scope: auth.DevicesWrite}, a.DiscoverDevices)
}

// ReserveDeviceInput is what ReserveDevice takes.
type ReserveDeviceInput struct {
	Body DeviceRequest
}

// ReserveDevice is the operation reserveDevice: reserve a device for a site.
func (a *API) ReserveDevice(ctx context.Context, c auth.Client, in *ReserveDeviceInput) (*DeviceOutput, error) {
	state, err := a.owned(ctx, c, in.Body.Site)
	if err != nil {
		return nil, err
	}
	if !state.Open {
		return nil, notFound("site")
	}
	rec := fleet.Record{ID: in.Body.ID, Site: in.Body.Site, Connector: in.Body.Connector, Config: compact(in.Body.Config)}
	dev, err := a.Fleet.Add(context.WithoutCancel(ctx), rec)
	if errors.Is(err, fleet.ErrTaken) {
		return a.reserved(rec, err)
	}
	if err != nil {
		return nil, err
	}
	return &DeviceOutput{deviceOf(rec, dev)}, nil
}

// compact gives one configuration one spelling, as far as spaces go.
func compact(config json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, config); err != nil {
		return config
	}
	return b.Bytes()
}

// reserved answers a repetition as the first time.
func (a *API) reserved(want fleet.Record, taken error) (*DeviceOutput, error) {
	rec, running := a.Fleet.Record(want.ID)
	dev, _ := a.Fleet.Device(want.ID)
	if !running || rec.Site != want.Site || rec.Connector != want.Connector || !bytes.Equal(compact(rec.Config), want.Config) {
		return nil, taken
	}
	return &DeviceOutput{deviceOf(rec, dev)}, nil
}

// GetDeviceInput is what GetDevice takes.
type GetDeviceInput struct {
	Device event.DeviceID `path:"device" maxLength:"64"`
}

// GetDevice is the operation getDevice: look at a device.
func (a *API) GetDevice(ctx context.Context, c auth.Client, in *GetDeviceInput) (*DeviceOutput, error) {
	rec, ok := a.Fleet.Record(in.Device)
	dev, running := a.Fleet.Device(in.Device)
	if !ok || !running {
		return nil, notFound("device")
	}
	if _, err := a.owned(ctx, c, rec.Site); err != nil {
		return nil, notFound("device")
	}
	return &DeviceOutput{deviceOf(rec, dev)}, nil
}

func deviceOf(r fleet.Record, dev device.Device) Device {
	spec := dev.Spec()
	return Device{ID: r.ID, Site: r.Site, Connector: r.Connector, Spec: spec, Reach: dev.Reach(), Provable: spec.Closure.Provable(),
		Text: limitsOf(spec)}
}

// limitsOf says in words what a device can't do: whoever enrols it is told.
func limitsOf(s event.Spec) string {
	var said string
	switch c := s.Closure; {
	case c.Bolt && c.Contact:
		said = "It proves itself shut: bolt locked and contact closed."
	case c.Bolt:
		said = "It reports its bolt only: a bolt that is out says nothing of a door that stands open."
	case c.Contact:
		said = "It reports its contact only: closed, not locked."
	default:
		said = "Nothing can prove it shut. Its owner must accept that, and its visits end as closed, unproven."
	}
	if s.Grade != event.GradeProven {
		said += " Its reports pass through something that could forge them."
	}
	if s.Lateness == event.UnboundedLateness {
		said += " A command may still reach it at any later time."
	}
	if !s.Reads {
		said += " It can't be asked for its state."
	}
	if !s.Secures {
		said += " It can't be shut from here."
	}
	return said
}

// listening is how long to listen.
func listening(r DiscoverRequest) time.Duration {
	if r.Seconds == 0 {
		return 5 * time.Second
	}
	return time.Duration(r.Seconds) * time.Second
}

// DiscoverDevicesInput is what DiscoverDevices takes.
type DiscoverDevicesInput struct {
	Body *DiscoverRequest
}

// DiscoverDevices is the operation discoverDevices: find devices that announce themselves.
func (a *API) DiscoverDevices(ctx context.Context, c auth.Client, in *DiscoverDevicesInput) (*struct{ Body Discovered }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	found, err := a.discovered(ctx, orZero(in.Body))
	if err != nil {
		return nil, err
	}
	return &struct{ Body Discovered }{Discovered{found}}, nil
}

// discovered listens for devices, and returns none or more.
func (a *API) discovered(ctx context.Context, r DiscoverRequest) ([]Found, error) {
	if a.Discover == nil {
		return nil, problem(http.StatusConflict, "no-discovery", "This installation has no connector that finds devices. Reserve them by hand.")
	}
	found, err := a.Discover(ctx, listening(r))
	if err != nil {
		return nil, listeningFailed(err)
	}
	if found == nil {
		found = []Found{}
	}
	return found, nil
}

func listeningFailed(err error) *Problem {
	return problem(http.StatusServiceUnavailable, "no-discovery", "Listening for devices did not work now. Nothing was changed. Try again later.").
		because(err).with("Retry-After", "10")
}
