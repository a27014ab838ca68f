package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// workSeek has a car woken, located and read.
const workSeek = "seek"

// wakeWithin is how long a car may take to wake: a Tesla takes up to 60 s, and is called again after 35. seekWithin leaves
// the time to ask it then, and ends before the site stops waiting.
const (
	wakeWithin = 75 * time.Second
	seekWithin = 115 * time.Second
)

// seeking is the trade of looking for cars, which sleep longer than other work takes.
func (d *Dispatcher) seeking() trade {
	return trade{do: d.seek, wake: make(chan struct{}, 1), atOnce: workAtOnce, takes: seekWithin}
}

// seekWork is what looking for a car needs to know: whose question it is, and of when.
type seekWork struct {
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Delivery    event.DeliveryID    `json:"delivery,omitempty"`
	Visit       event.VisitID       `json:"visit,omitempty"`
	At          event.Instant       `json:"at"`
}

func seekOf(e event.Event) (seekWork, bool) {
	b, ok := e.Body.(event.VehicleSought)
	return seekWork{AccessPoint: b.AccessPoint, Delivery: b.Delivery, Visit: b.Visit, At: e.At}, ok
}

// seek looks for a car and reports what was found: no answer is an answer. Whoever asked waits no longer if another
// question has taken this one's place.
func (d *Dispatcher) seek(ctx context.Context, w store.Work) error {
	var asked seekWork
	if err := json.Unmarshal(w.Data, &asked); err != nil {
		return fmt.Errorf("dispatch: %w", err)
	}
	state, err := d.Load(ctx, w.Site)
	if err != nil {
		return err
	}
	ap, ok := state.AccessPoint(asked.AccessPoint)
	if look := lookOf(state, asked); !ok || !ap.IsVehicle() || !look.Pending || look.Sought != asked.At {
		return nil
	}
	b, _ := state.Barrier(ap.WayIn[0].Barrier)
	looking, cancel := context.WithTimeout(ctx, seekWithin-putAway)
	defer cancel()
	found := d.lookFor(looking, w.Site, b.Spec.Device, asked)
	return d.report(ctx, w.Site, asked, found)
}

func lookOf(s site.State, asked seekWork) site.Look {
	if asked.Visit != "" {
		v, _ := s.Visit(asked.Visit)
		return v.Look
	}
	if asked.Delivery != "" {
		d, _ := s.Delivery(asked.Delivery)
		return d.Look
	}
	ap, _ := s.AccessPoint(asked.AccessPoint)
	return ap.Car.Look
}

// finding is what was found of a car: where it stands, and what else there is to say.
type finding struct {
	seen    event.Sighting
	located device.Located
}

// lookFor wakes a car where that is possible, and asks it for its position and its state. What it says of its locks is
// heard like anything that it says.
func (d *Dispatcher) lookFor(ctx context.Context, at event.SiteID, id event.DeviceID, asked seekWork) finding {
	f := finding{seen: event.Sighting{AskedAt: max(event.InstantOf(d.now()), asked.At), FromSpot: event.SpotUnknown, Age: event.AgeUnknown}}
	dev, _ := d.devices.Device(id)
	if asked.Visit != "" {
		ctx = device.For(ctx, device.Seeking)
	}
	if err := d.askCar(ctx, at, dev, &f); err != nil {
		d.log.WarnContext(ctx, "a car was looked for in vain", slog.Any("device", id), slog.Any("error", err))
		f.seen.Fault, f.seen.RetryAt = faultOf(err)
	}
	return f
}

func (d *Dispatcher) askCar(ctx context.Context, at event.SiteID, dev device.Device, f *finding) error {
	locator, locates := dev.(device.Locator)
	reader, reads := dev.(device.Reader)
	if !locates || !reads {
		return errors.New("no such car, or it can't be asked where it stands")
	}
	if err := awaken(ctx, dev); err != nil {
		return err
	}
	located, err := locator.Locate(ctx)
	if err != nil {
		return err
	}
	o, err := reader.Read(ctx)
	if err != nil {
		return err
	}
	if err := d.Heard(ctx, at, o); err != nil {
		return err
	}
	f.located = located
	f.seen.Motion, f.seen.Bolt, f.seen.Contact = located.Motion, o.Bolt, o.Contact
	if !located.At.IsZero() {
		f.seen.Age = event.Millis(max(0, located.ReceivedAt.Sub(located.At)).Milliseconds())
	}
	return nil
}

// Locate asks a car where it stands, outside any visit; what else it says is not asked, and nothing of it is kept.
func (d *Dispatcher) Locate(ctx context.Context, id event.DeviceID) (device.Located, error) {
	dev, _ := d.devices.Device(id)
	locator, ok := dev.(device.Locator)
	if !ok {
		return device.Located{}, errors.New("no such car, or it can't be asked where it stands")
	}
	if err := awaken(ctx, dev); err != nil {
		return device.Located{}, err
	}
	return locator.Locate(ctx)
}

func awaken(ctx context.Context, dev device.Device) error {
	w, wakes := dev.(device.Waker)
	if !wakes {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wakeWithin)
	defer cancel()
	return w.Wake(ctx)
}

// faultOf sorts why a car was not found. What is of no known kind is no answer.
func faultOf(err error) (event.VehicleFault, event.Instant) {
	if busy, ok := errors.AsType[*device.BusyError](err); ok {
		return event.VehicleBusy, max(0, event.InstantOf(busy.RetryAt))
	}
	switch {
	case errors.Is(err, device.ErrRevoked):
		return event.VehicleRevoked, 0
	case errors.Is(err, device.ErrAsleep):
		return event.VehicleAsleep, 0
	default:
		return event.VehicleUnreached, 0
	}
}

// report measures what was found, and has the site decide upon it. The position itself goes no further than the sealed
// values of the site: a visit's until it ends, a described spot's until nothing is due there, or for three days. The
// household may have said anew where the car stands, or taken the place away, while it was being looked for.
func (d *Dispatcher) report(ctx context.Context, at event.SiteID, asked seekWork, f finding) error {
	state, err := d.Load(ctx, at)
	if err != nil {
		return err
	}
	ap, ok := state.AccessPoint(asked.AccessPoint)
	if !ok {
		return nil
	}
	here := Position{Latitude: f.located.Latitude, Longitude: f.located.Longitude, At: f.located.At}
	parked, err := d.measure(ctx, at, ap, here, &f.seen)
	if err != nil {
		return err
	}
	keep := func(r Result) (Attachments, error) {
		heard := slices.ContainsFunc(r.Events, func(e event.Event) bool { return e.Body.Kind() == event.VehicleFound{}.Kind() })
		if !heard || f.seen.Fault != "" {
			return Attachments{}, nil
		}
		return d.keepStanding(ctx, at, r.State, asked, Standing{Position: here}, parked)
	}
	return d.tell(ctx, at, site.Sight{AccessPoint: ap.ID, Delivery: asked.Delivery, Visit: asked.Visit, Seen: f.seen}, keep)
}

// measure fills in the distances, and says of which description it is known where the car stood then; 0 for none. A car
// whose reference address nobody knows is nowhere near it.
func (d *Dispatcher) measure(ctx context.Context, at event.SiteID, ap site.AccessPoint, here Position, s *event.Sighting) (event.Instant, error) {
	if s.Fault != "" {
		return 0, nil
	}
	reference, placed, err := d.places.Reference(ctx, at, ap.ID)
	if err != nil {
		return 0, err
	}
	s.Distance = farthest
	if placed {
		s.Distance = metresBetween(here, reference)
	}
	parked, known, err := d.places.Open(ctx, at, parkedName(ap.ID))
	if known && parked.Described == ap.Car.Described {
		s.FromSpot = metresBetween(here, parked.Position)
	}
	return parked.Described, err
}

// keepStanding keeps where the car stands for its visit, and for its spot if that was described since it was last found,
// and before it was asked now. parked is the description of which it is known already.
func (d *Dispatcher) keepStanding(ctx context.Context, at event.SiteID, s site.State, asked seekWork, here Standing, parked event.Instant) (a Attachments, err error) {
	add := func(name string, k Standing, eraseAt event.Instant) {
		if err == nil {
			var v store.Value
			v, err = d.places.Seal(ctx, at, name, k, eraseAt)
			a.Values = append(a.Values, v)
		}
	}
	if _, visiting := s.Visit(asked.Visit); visiting {
		add(CarName(asked.Visit), here, s.At.Add(mostStanding))
	}
	ap, _ := s.AccessPoint(asked.AccessPoint)
	switch {
	case ap.Car.Described == 0:
		a.Values = append(a.Values, store.Value{Name: parkedName(ap.ID)}, store.Value{Name: SpotName(ap.ID)})
	case ap.Car.Anchored && parked != ap.Car.Described:
		here.Described = ap.Car.Described
		add(parkedName(ap.ID), here, s.At.Add(mostParked))
	}
	return a, err
}

// ConsentLost tells the site of a device that its maker's consent was withdrawn, as soon as a connector knows: the
// household hears of it once.
func (d *Dispatcher) ConsentLost(ctx context.Context, at event.SiteID, id event.DeviceID) error {
	state, err := d.Load(ctx, at)
	if err != nil {
		return err
	}
	for _, ap := range state.AccessPoints {
		b, _ := state.Barrier(ap.WayIn[0].Barrier)
		if !ap.IsVehicle() || b.Spec.Device != id {
			continue
		}
		seen := event.Sighting{AskedAt: event.InstantOf(d.now()), Fault: event.VehicleRevoked, FromSpot: event.SpotUnknown, Age: event.AgeUnknown}
		if err := d.tell(ctx, at, site.Sight{AccessPoint: ap.ID, Seen: seen}); err != nil {
			return err
		}
	}
	return nil
}

// ConsentGiven tells the site of devices whose maker's consent was given again: what was not found for want of it is
// looked for.
func (d *Dispatcher) ConsentGiven(ctx context.Context, at event.SiteID, ids []event.DeviceID) error {
	return d.tell(ctx, at, site.RegainCars{Devices: ids})
}

// CarsParted tells the site that its household takes devices out: no visit needs one of them, and none opens it from then
// on. It may be repeated. Errors: site.ErrVisited, and nothing has changed.
func (d *Dispatcher) CarsParted(ctx context.Context, at event.SiteID, ids []event.DeviceID) error {
	return d.tell(ctx, at, site.PartCars{Devices: ids})
}

// tell has a site decide upon what concerns one of its cars. One that is retired, or whose site has moved out, concerns
// nobody any more.
func (d *Dispatcher) tell(ctx context.Context, at event.SiteID, do site.Request, attach ...Attach) error {
	_, err := d.Do(ctx, at, site.Command{Facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}, Do: do}, attach...)
	if gone(err) && !errors.Is(err, site.ErrVisited) {
		return nil
	}
	return err
}
