package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/site"
)

// DeviceTrouble is what makes a device likely to fail, the worst of it; "" when nothing does.
type DeviceTrouble string

// Troubles of devices, from the worst to the least.
const (
	// TroubleUnusable: this installation can't make it; its connector is gone or refuses its configuration.
	TroubleUnusable DeviceTrouble = "unusable"
	// TroubleRevoked: the consent at a car's maker was withdrawn.
	TroubleRevoked DeviceTrouble = "consent-withdrawn"
	// TroubleOffline: its connector knows that it can't be reached.
	TroubleOffline DeviceTrouble = "offline"
	// TroubleJammed: its bolt said last that it is jammed.
	TroubleJammed DeviceTrouble = "jammed"
	// TroubleSilent: it has said nothing for a day.
	TroubleSilent DeviceTrouble = "silent"
	// TroubleBattery: its battery is low.
	TroubleBattery DeviceTrouble = "battery-low"
	// TroubleUnenrolled: nobody at its site has worked it by hand yet.
	TroubleUnenrolled DeviceTrouble = "not-enrolled"
	// TroubleUnprovable: nothing can prove it shut.
	TroubleUnprovable DeviceTrouble = "unprovable"
)

var troubles = []DeviceTrouble{TroubleUnusable, TroubleRevoked, TroubleOffline, TroubleJammed, TroubleSilent, TroubleBattery, TroubleUnenrolled, TroubleUnprovable, ""}

const (
	// silentAfter is after how long without a word a device is listed as silent.
	silentAfter = event.Day
	// lowCharge is the charge in percent below which a battery is low, as for the site's people.
	lowCharge = 20
	// readWithin is how long a device may take to answer.
	readWithin = 10 * time.Second
)

// DeviceState is a device as an operator looks for the one that will fail tomorrow. It names no person and no address.
type DeviceState struct {
	ID        event.DeviceID `json:"device"`
	Site      event.SiteID   `json:"site"`
	Connector string         `json:"connector"`
	// Trouble is the worst that is known against it.
	Trouble DeviceTrouble `json:"trouble,omitempty" doc:"The worst that is known against it; absent when nothing is"`
	Reach   event.Reach   `json:"reach,omitempty" doc:"Whether it can be reached now, as far as that is known"`
	Heard   event.Instant `json:"heard,omitempty" format:"date-time" doc:"When it said something last; absent for never"`
	Battery int           `json:"battery,omitempty" doc:"Percent, as told last; absent when it never told"`
	Charges []Charge      `json:"charges" doc:"The last charge of each day, oldest first"`
	// Barrier that it works, once a member made it one.
	Barrier  event.BarrierID   `json:"barrier,omitempty"`
	Is       event.BarrierKind `json:"is,omitempty"`
	Enrolled bool              `json:"enrolled" doc:"Whether somebody at its site has worked it by hand"`
	Bolt     event.Bolt        `json:"bolt,omitempty" doc:"As said last; of a car, while a visit goes to it"`
	Contact  event.Contact     `json:"contact,omitempty" doc:"As said last; of a car, while a visit goes to it"`
	Car      *CarHealth        `json:"car,omitempty" doc:"How a car could be reached when it was looked for last; absent for anything else"`
	Spec     event.Spec        `json:"spec" doc:"What it truly can do. Times are in milliseconds"`
	Holder   event.VisitID     `json:"holder,omitempty" doc:"The visit that opened it, and has not secured it yet"`
	Needed   *Needed           `json:"needed,omitempty" doc:"The next delivery that depends on it"`
	Refused  *DayRefusal       `json:"refused,omitempty" doc:"The last request that was refused because of it"`
}

// CarHealth is whether a car could be reached, and never where it stands, or how.
type CarHealth struct {
	Looked event.Instant `json:"looked,omitempty" format:"date-time" doc:"When it was looked for last; absent for never"`
	// Code is why it could not be reached: no other is an operator's business.
	Code  event.Code `json:"code,omitempty" doc:"car-asleep, car-unreachable, car-busy or car-revoked; absent when it was reached"`
	Title string     `json:"title,omitempty"`
}

// Charge is a battery's charge on one day.
type Charge struct {
	Day     event.Instant `json:"day" format:"date-time" doc:"Midnight in UTC"`
	Percent int           `json:"percent"`
}

// Needed is the next delivery that depends on a device.
type Needed struct {
	Delivery event.DeliveryID `json:"delivery"`
	Window   Span             `json:"window"`
}

// DeviceStates is a page of devices.
type DeviceStates struct {
	Devices []DeviceState `json:"devices"`
	Total   int           `json:"total" doc:"How many there are in all that match"`
	Next    string        `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

// DeviceReading is what a device answered when it was asked.
type DeviceReading struct {
	Device  event.DeviceID `json:"device"`
	Bolt    event.Bolt     `json:"bolt,omitempty"`
	Contact event.Contact  `json:"contact,omitempty"`
	Reach   event.Reach    `json:"reach,omitempty"`
	Battery int            `json:"battery,omitempty"`
	// Origin is answer, or cached when a maker's cloud answered from its memory.
	Origin   event.Origin  `json:"origin" doc:"answer: from the device itself. cached: from a cloud's memory"`
	At       event.Instant `json:"at" format:"date-time" doc:"When the answer came"`
	DeviceAt event.Instant `json:"deviceAt,omitempty" format:"date-time" doc:"The device's own time"`
	Took     event.Millis  `json:"took" doc:"Milliseconds from asking to the answer"`
}

func (a *API) registerFleetList() {
	forClient(a, route{method: http.MethodGet, path: "/v1/devices", id: "listDevices", summary: "List devices, the worst first",
		about: "For operators.", tag: "Devices", scope: auth.DeliveriesRead}, a.ListDevices)
	forClient(a, route{method: http.MethodPost, path: "/v1/devices/{device}/read", id: "readDevice", summary: "Ask a device for its state",
		about: "For operators. It only reads: nothing is opened or shut. At most 10 seconds.", tag: "Devices", scope: auth.AlarmsWrite}, a.ReadDevice)
}

// ListDevicesInput is what ListDevices takes.
type ListDevicesInput struct {
	Page
	Trouble DeviceTrouble  `query:"trouble" doc:"Only those with this trouble" enum:"unusable,consent-withdrawn,offline,jammed,silent,battery-low,not-enrolled,unprovable"`
	Site    event.SiteID   `query:"site" maxLength:"32" doc:"Only those of this site"`
	Device  event.DeviceID `query:"device" maxLength:"64" doc:"Only this one"`
	Order   DeviceOrder    `query:"order" enum:"worst,name,heard,battery,needed" doc:"Which come first; the worst when absent"`
}

// DeviceOrder is an order of the list of devices.
type DeviceOrder string

// Orders of devices.
const (
	OrderWorst   DeviceOrder = "worst"
	OrderName    DeviceOrder = "name"
	OrderHeard   DeviceOrder = "heard"
	OrderBattery DeviceOrder = "battery"
	OrderNeeded  DeviceOrder = "needed"
)

func (in *ListDevicesInput) takes(d DeviceState) bool {
	return (in.Trouble == "" || d.Trouble == in.Trouble) && (in.Site == "" || d.Site == in.Site) && (in.Device == "" || d.ID == in.Device)
}

// ListDevices is the operation listDevices: list devices, the worst first.
func (a *API) ListDevices(ctx context.Context, c auth.Client, in *ListDevicesInput) (*struct{ Body DeviceStates }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	all, err := a.deviceStates(ctx, in)
	if err != nil {
		return nil, err
	}
	keyOf := in.Order.key
	slices.SortFunc(all, func(x, y DeviceState) int { return cmp.Compare(keyOf(x), keyOf(y)) })
	page := DeviceStates{Devices: []DeviceState{}, Total: len(all)}
	for _, d := range all {
		if keyOf(d) <= after {
			continue
		}
		if len(page.Devices) == in.size() {
			page.Next = cursor(keyOf(page.Devices[len(page.Devices)-1]))
			break
		}
		if d.Refused, err = a.lastRefusal(ctx, d.Barrier); err != nil {
			return nil, err
		}
		page.Devices = append(page.Devices, d)
	}
	return &struct{ Body DeviceStates }{page}, nil
}

func (a *API) lastRefusal(ctx context.Context, b event.BarrierID) (*DayRefusal, error) {
	f, known, err := a.Dispatch.LastRefusal(ctx, b)
	if !known || err != nil {
		return nil, err
	}
	shown := refusalShown(ctx, f)
	return &shown, nil
}

// key sorts devices, each different from all others.
func (o DeviceOrder) key(d DeviceState) string {
	var first string
	switch o {
	case OrderName:
	case OrderHeard:
		first = padded(int64(d.Heard))
	case OrderBattery:
		first = padded(int64(d.Battery))
		if d.Battery == 0 {
			first = afterAll
		}
	case OrderNeeded:
		first = neededKey(d)
	default:
		first = strconv.Itoa(slices.Index(troubles, d.Trouble)) + "/" + neededKey(d)
	}
	return first + "/" + string(d.ID)
}

// afterAll sorts behind every number.
const afterAll = "~"

// neededKey sorts by the next delivery, devices without one last.
func neededKey(d DeviceState) string {
	if d.Needed == nil {
		return afterAll
	}
	return padded(int64(d.Needed.Window.From))
}

func padded(n int64) string {
	s := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(0, 16-len(s))) + s
}

// deviceStates looks at every device that the list takes, each site's state once.
func (a *API) deviceStates(ctx context.Context, in *ListDevicesInput) ([]DeviceState, error) {
	states := stateCache{api: a, known: map[event.SiteID]site.State{}}
	var all []DeviceState
	for _, l := range a.Fleet.Records() {
		if in.Site != "" && l.Site != in.Site || in.Device != "" && l.ID != in.Device {
			continue
		}
		d, err := a.deviceState(ctx, &states, l)
		if err != nil {
			return nil, err
		}
		if in.takes(d) {
			all = append(all, d)
		}
	}
	return all, nil
}

// stateCache loads each site once for one answer.
type stateCache struct {
	api   *API
	known map[event.SiteID]site.State
}

func (s *stateCache) of(ctx context.Context, id event.SiteID) (site.State, error) {
	if state, ok := s.known[id]; ok {
		return state, nil
	}
	state, err := s.api.Dispatch.Load(ctx, id)
	if err == nil {
		s.known[id] = state
	}
	return state, err
}

func (a *API) deviceState(ctx context.Context, states *stateCache, l fleet.Listed) (DeviceState, error) {
	health := a.Fleet.Health(l.ID)
	d := DeviceState{ID: l.ID, Site: l.Site, Connector: l.Connector, Heard: health.Heard, Battery: health.Battery, Charges: []Charge{}}
	for _, c := range health.Charges {
		d.Charges = append(d.Charges, Charge(c))
	}
	if dev, running := a.Fleet.Device(l.ID); running {
		d.Reach, d.Spec = dev.Reach(), dev.Spec()
	}
	state, err := states.of(ctx, l.Site)
	if err != nil {
		return d, err
	}
	for _, b := range state.Barriers {
		if b.Spec.Device == l.ID && b.Borrowed == "" {
			d.Barrier, d.Is, d.Enrolled, d.Bolt, d.Contact, d.Holder = b.ID, b.Is, b.Enrolled, b.Bolt, b.Contact, b.Holder
			d.Heard = max(d.Heard, b.ReachedAt)
			a.discreet(ctx, state, b, &d)
			if d.Needed, err = neededOf(ctx, states, state, b.ID, event.InstantOf(a.Now())); err != nil {
				return d, err
			}
		}
	}
	d.Trouble = troubleOf(d, l.Usable, event.InstantOf(a.Now()))
	return d, nil
}

// discreet leaves of a car what is an operator's business: whether it can be reached, and how it stands while a visit goes
// to it. What a household hears of its car at other times is its own.
func (a *API) discreet(ctx context.Context, s site.State, b site.Barrier, d *DeviceState) {
	if !b.Spec.Vehicle() {
		return
	}
	d.Battery, d.Charges, d.Car = 0, []Charge{}, &CarHealth{}
	for _, ap := range s.AccessPoints {
		if passes(s, ap.ID, b.ID) && ap.Car.Found > d.Car.Looked {
			d.Car.Looked, d.Car.Code = ap.Car.Found, unreached(ap.Car.Code)
		}
	}
	if d.Car.Code != "" {
		d.Car.Title = callOf(ctx).lang.Refusal(d.Car.Code, nil).Title
	}
	if d.Heard = d.Car.Looked; !visited(s, b.ID) {
		d.Bolt, d.Contact = "", ""
	}
}

// unreached keeps of why a car may not be opened what says that it could not be reached.
func unreached(c event.Code) event.Code {
	if slices.Contains([]event.Code{event.CarAsleep, event.CarUnreachable, event.CarBusy, event.CarRevoked}, c) {
		return c
	}
	return ""
}

// visited says whether a visit under way has the barrier on its way in.
func visited(s site.State, b event.BarrierID) bool {
	return slices.ContainsFunc(s.Visits, func(v site.Visit) bool {
		return slices.ContainsFunc(v.Steps, func(p site.Step) bool { return p.Barrier == b })
	})
}

func troubleOf(d DeviceState, usable bool, now event.Instant) DeviceTrouble {
	switch {
	case !usable:
		return TroubleUnusable
	case d.Car != nil && d.Car.Code == event.CarRevoked:
		return TroubleRevoked
	case d.Reach == event.ReachOffline, d.Car != nil && d.Car.Code == event.CarUnreachable:
		return TroubleOffline
	case d.Bolt == event.BoltJammed:
		return TroubleJammed
	case d.Car == nil && now.Since(d.Heard) >= silentAfter: // nobody listens to a car between visits
		return TroubleSilent
	case d.Battery > 0 && d.Battery < lowCharge:
		return TroubleBattery
	case !d.Enrolled:
		return TroubleUnenrolled
	case !d.Spec.Closure.Provable():
		return TroubleUnprovable
	}
	return ""
}

// neededOf is the next delivery whose way in passes the barrier: of its own site, or of those that it is lent to.
func neededOf(ctx context.Context, states *stateCache, owner site.State, b event.BarrierID, now event.Instant) (*Needed, error) {
	sites := []site.State{owner}
	for _, l := range owner.Lending {
		if l.Barrier != b {
			continue
		}
		borrower, err := states.of(ctx, l.Borrower)
		if err != nil {
			return nil, err
		}
		sites = append(sites, borrower)
	}
	var next *Needed
	for _, s := range sites {
		for _, d := range s.Deliveries {
			if d.Window.To <= now || d.Blocked || !passes(s, d.AccessPoint, b) {
				continue
			}
			if next == nil || d.Window.From < next.Window.From {
				next = &Needed{Delivery: d.ID, Window: spanShown(d.Window)}
			}
		}
	}
	return next, nil
}

// passes says whether the way in to an access point goes through a barrier.
func passes(s site.State, id event.AccessPointID, b event.BarrierID) bool {
	ap, _ := s.AccessPoint(id)
	return slices.ContainsFunc(ap.WayIn, func(ref event.BarrierRef) bool { return ref.Barrier == b })
}

// ReadDeviceInput is what ReadDevice takes.
type ReadDeviceInput struct {
	Device event.DeviceID `path:"device" maxLength:"64"`
}

// ReadDevice is the operation readDevice: ask a device for its state. What it answers goes to its site as any report
// does.
func (a *API) ReadDevice(ctx context.Context, c auth.Client, in *ReadDeviceInput) (*struct{ Body DeviceReading }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	rec, _ := a.Fleet.Record(in.Device)
	dev, running := a.Fleet.Device(in.Device)
	if !running {
		return nil, notFound("device")
	}
	reader, reads := dev.(device.Reader)
	if !reads {
		return nil, problem(http.StatusConflict, "not-readable", "This device can't be asked for its state: it speaks by itself alone. Nothing was done.")
	}
	if err := a.limits.readings.Allow(string(in.Device)); err != nil {
		return nil, err
	}
	if _, asked := a.readings.LoadOrStore(in.Device, true); asked {
		return nil, problem(http.StatusConflict, "reading", "The device is being asked already. Look again in a few seconds.")
	}
	defer a.readings.Delete(in.Device)
	return a.readNow(ctx, rec, reader)
}

func (a *API) readNow(ctx context.Context, rec fleet.Record, reader device.Reader) (*struct{ Body DeviceReading }, error) {
	began := a.Now()
	asking, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	o, err := reader.Read(asking)
	if err != nil {
		return nil, problem(http.StatusGatewayTimeout, "no-answer", "The device did not answer within 10 seconds. Nothing was done. "+
			"What it said last still stands, with its age.").because(err)
	}
	if dev, ok := reader.(device.Device); ok && dev.Spec().Vehicle() {
		o.Battery = 0 // how far a car is charged is nobody's business
	}
	a.Fleet.Note(ctx, rec.ID, o)
	if err := a.Dispatch.Heard(context.WithoutCancel(ctx), rec.Site, o); err != nil {
		return nil, err
	}
	if o, err = a.readable(ctx, rec, o); err != nil {
		return nil, err
	}
	return &struct{ Body DeviceReading }{DeviceReading{Device: rec.ID, Bolt: o.Bolt, Contact: o.Contact, Reach: o.Reach, Battery: o.Battery,
		Origin: o.Origin, At: o.ReceivedAt, DeviceAt: o.DeviceAt, Took: event.Millis(a.Now().Sub(began).Milliseconds())}}, nil
}

// readable is what an operator may read of a device's answer: of a car between visits, that it came.
func (a *API) readable(ctx context.Context, rec fleet.Record, o event.Observation) (event.Observation, error) {
	dev, running := a.Fleet.Device(rec.ID)
	if !running || !dev.Spec().Vehicle() {
		return o, nil
	}
	s, err := a.Dispatch.Load(ctx, rec.Site)
	if err != nil {
		return o, err
	}
	for _, b := range s.Barriers {
		if b.Spec.Device == rec.ID && visited(s, b.ID) {
			return o, nil
		}
	}
	o.Bolt, o.Contact, o.DeviceAt = "", "", 0
	return o, nil
}
