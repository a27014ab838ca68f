package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// BarrierReading is a barrier after its device was asked how it stands.
type BarrierReading struct {
	Barrier  Barrier       `json:"barrier"`
	Answered bool          `json:"answered" doc:"False when its device can't be asked, did not answer, or was asked just before"`
	Now      event.Instant `json:"now" format:"date-time" doc:"The server's time of this answer"`
}

func (a *API) registerReading() {
	forMember(a, route{method: http.MethodPost, path: "/v1/home/barriers/{barrier}/read", id: "readBarrier", summary: "Ask a barrier how it stands",
		about: "It is only read. What its device answers goes to the journal as any report does: what repeats what is known is written nowhere.",
		tag:   "Home"}, a.ReadBarrier)
}

// ReadBarrier is the operation readBarrier: ask a barrier how it stands.
func (a *API) ReadBarrier(ctx context.Context, m auth.Member, in *BarrierPath) (*struct{ Body BarrierReading }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	b, ok := s.Barrier(in.Barrier)
	if !ok || b.Borrowed != "" {
		return nil, notFound("barrier")
	}
	answered := false
	if s.Listens(b.ID, event.InstantOf(a.Now())) { // what a resting car answers is heard by nobody
		answered, err = a.askNow(ctx, b.Spec.Device)
	}
	if err != nil {
		return nil, err
	}
	if s, err = a.household(ctx, m); err != nil {
		return nil, err
	}
	b, _ = s.Barrier(in.Barrier)
	return &struct{ Body BarrierReading }{BarrierReading{a.barrierShown(callOf(ctx).lang, s, b), answered, event.InstantOf(a.Now())}}, nil
}

// askNow asks a device for its state, unless it can't be asked or was just before.
func (a *API) askNow(ctx context.Context, id event.DeviceID) (answered bool, err error) {
	rec, _ := a.Fleet.Record(id)
	dev, running := a.Fleet.Device(id)
	reader, reads := dev.(device.Reader)
	if !running || !reads || a.limits.readings.Allow(string(id)) != nil {
		return false, nil
	}
	if _, asked := a.readings.LoadOrStore(id, true); asked {
		return false, nil
	}
	defer a.readings.Delete(id)
	_, err = a.readNow(ctx, rec, reader)
	var silent *Problem
	if errors.As(err, &silent) && silent.Status == http.StatusGatewayTimeout {
		return false, nil
	}
	return err == nil, err
}
