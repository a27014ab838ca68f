package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
)

// HomeDevice is a device that is reserved for the household.
type HomeDevice struct {
	Device
	// Barrier that it stands as, once a member added it.
	Barrier event.BarrierID `json:"barrier,omitempty" doc:"The barrier that was made of it; absent while none was"`
}

// HomeDevices are the devices of a household.
type HomeDevices struct {
	Devices []HomeDevice `json:"devices"`
	// MayReserve says whether members may find and reserve devices here; else the operator does.
	MayReserve bool `json:"mayReserve" doc:"Whether members may find and reserve devices themselves; else the operator does"`
	// ProvableOnly says whether devices that nothing can prove shut are refused here.
	ProvableOnly bool `json:"provableOnly" doc:"Whether devices that nothing can prove shut are refused here"`
}

// HomeDeviceRequest reserves a device for the household.
type HomeDeviceRequest struct {
	Connector string          `json:"connector" minLength:"1" maxLength:"32" doc:"Which connector speaks to it" example:"mqtt"`
	Config    json.RawMessage `json:"config" doc:"What the connector needs to reach it; never shown again"`
}

// FoundCamera is a camera that answered on the server's network.
type FoundCamera struct {
	Name     string `json:"name,omitempty" doc:"What it calls itself"`
	Hardware string `json:"hardware,omitempty"`
	Host     string `json:"host" doc:"Where it answered"`
	// Streams that it lists to whoever knows its name and password.
	Streams []FoundStream `json:"streams" doc:"None when it does not list them"`
}

// FoundStream is one stream of a camera.
type FoundStream struct {
	Address string `json:"address" doc:"What POST /v1/home/cameras takes, without name and password"`
	Name    string `json:"name,omitempty"`
	Codec   string `json:"codec,omitempty"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
}

// FindCamerasRequest says how to ask cameras for their streams.
type FindCamerasRequest struct {
	Seconds  int    `json:"seconds,omitempty" minimum:"1" maximum:"10" doc:"How long to listen; 3 when absent"`
	User     string `json:"user,omitempty" maxLength:"100" doc:"A name at the cameras"`
	Password string `json:"password,omitempty" maxLength:"200" doc:"Its password; used for this search alone"`
}

func (a *API) registerEnrol() {
	at := func(method, path, id, summary, about string) route {
		return route{method: method, path: "/v1/home/" + path, id: id, summary: summary, about: about, tag: "Home"}
	}
	const only = "Possible only where the operator lets members do it (`mayReserve`)."
	forMember(a, at(http.MethodGet, "devices", "listHomeDevices", "The household's devices", ""), a.ListHomeDevices)
	forMember(a, at(http.MethodPost, "devices/discover", "discoverHomeDevices", "Find devices that announce themselves", only), a.DiscoverHomeDevices)
	reserve := at(http.MethodPost, "devices", "reserveHomeDevice", "Reserve a device for the household",
		only+" Repeating it changes nothing. It opens nothing until a member worked it by hand.")
	reserve.status = http.StatusCreated
	forMember(a, reserve, a.ReserveHomeDevice)
	forMember(a, at(http.MethodPost, "cameras/discover", "discoverHomeCameras", "Find cameras on the server's network", only), a.DiscoverHomeCameras)
}

// ListHomeDevices is the operation listHomeDevices: the household's devices.
func (a *API) ListHomeDevices(ctx context.Context, m auth.Member, _ *struct{}) (*struct{ Body HomeDevices }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	shown := HomeDevices{Devices: []HomeDevice{}, MayReserve: a.MembersReserve, ProvableOnly: a.ProvableOnly}
	for _, rec := range a.Fleet.At(s.Site) {
		dev, running := a.Fleet.Device(rec.ID)
		if !running {
			continue
		}
		one := HomeDevice{Device: deviceOf(rec, dev)}
		for _, b := range s.Barriers {
			if b.Spec.Device == rec.ID && b.Borrowed == "" {
				one.Barrier = b.ID
			}
		}
		shown.Devices = append(shown.Devices, one)
	}
	return &struct{ Body HomeDevices }{shown}, nil
}

// mayReserve is nil for a member who may look around on the server's networks.
func (a *API) mayReserve(ctx context.Context, m auth.Member) error {
	if _, err := a.household(ctx, m); err != nil {
		return err
	}
	if !a.MembersReserve {
		return problem(http.StatusForbidden, "operator-reserves", "Here the operator finds and reserves devices. Nothing was done. "+
			"Ask the operator to reserve yours.")
	}
	return nil
}

// DiscoverHomeDevices is the operation discoverHomeDevices: find devices that announce themselves, but for those that
// stand at another site.
func (a *API) DiscoverHomeDevices(ctx context.Context, m auth.Member, in *DiscoverDevicesInput) (*struct{ Body Discovered }, error) {
	if err := a.mayReserve(ctx, m); err != nil {
		return nil, err
	}
	found, err := a.discovered(ctx, orZero(in.Body))
	if err != nil {
		return nil, err
	}
	shown := []Found{}
	for _, f := range found {
		if rec, taken := a.Fleet.Holds(f.Connector, compact(f.Config)); !taken || rec.Site == m.Site() {
			shown = append(shown, f)
		}
	}
	return &struct{ Body Discovered }{Discovered{shown}}, nil
}

// ReserveHomeDeviceInput is what ReserveHomeDevice takes.
type ReserveHomeDeviceInput struct {
	Body HomeDeviceRequest
}

// ReserveHomeDevice is the operation reserveHomeDevice: reserve a device for the household.
func (a *API) ReserveHomeDevice(ctx context.Context, m auth.Member, in *ReserveHomeDeviceInput) (*DeviceOutput, error) {
	if err := a.mayReserve(ctx, m); err != nil {
		return nil, err
	}
	config := compact(in.Body.Config)
	if rec, taken := a.Fleet.Holds(in.Body.Connector, config); taken {
		return a.reservedHere(m, rec)
	}
	name, err := a.draw(8)
	if err != nil {
		return nil, err
	}
	rec := fleet.Record{ID: event.DeviceID(string(m.Site()) + "." + name), Site: m.Site(), Connector: in.Body.Connector, Config: config}
	dev, err := a.Fleet.Add(context.WithoutCancel(ctx), rec)
	if err != nil {
		return nil, err
	}
	return &DeviceOutput{deviceOf(rec, dev)}, nil
}

// reservedHere answers a repetition as the first time, and another household's device as taken.
func (a *API) reservedHere(m auth.Member, rec fleet.Record) (*DeviceOutput, error) {
	dev, running := a.Fleet.Device(rec.ID)
	if rec.Site != m.Site() || !running {
		return nil, fleet.ErrTaken
	}
	return &DeviceOutput{deviceOf(rec, dev)}, nil
}

// DiscoverHomeCamerasInput is what DiscoverHomeCameras takes.
type DiscoverHomeCamerasInput struct {
	Body *FindCamerasRequest
}

// DiscoverHomeCameras is the operation discoverHomeCameras: find cameras on the server's network.
func (a *API) DiscoverHomeCameras(ctx context.Context, m auth.Member, in *DiscoverHomeCamerasInput) (*struct {
	Body struct {
		Cameras []FoundCamera `json:"cameras"`
	}
}, error) {
	if err := a.mayReserve(ctx, m); err != nil {
		return nil, err
	}
	if a.FindCameras == nil {
		return nil, problem(http.StatusConflict, "no-discovery", "This installation does not look for cameras. Nothing was done. Type the camera's address.")
	}
	req := orZero(in.Body)
	length := 3 * time.Second
	if req.Seconds > 0 {
		length = time.Duration(req.Seconds) * time.Second
	}
	found, err := a.FindCameras(ctx, length, req.User, req.Password)
	if err != nil {
		return nil, listeningFailed(err)
	}
	out := &struct {
		Body struct {
			Cameras []FoundCamera `json:"cameras"`
		}
	}{}
	out.Body.Cameras = []FoundCamera{}
	for _, f := range found {
		if f.Streams == nil {
			f.Streams = []FoundStream{}
		}
		out.Body.Cameras = append(out.Body.Cameras, f)
	}
	return out, nil
}
