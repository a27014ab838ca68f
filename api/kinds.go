package api

import (
	"context"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// kinds finds what kind of barrier the events of a site's journal are about, also of what the site has no more: every
// identifier embeds the event that made what it names. It is for one caller at a time.
type kinds struct {
	api  *API
	site site.State
	made map[uint64]event.Body
}

func (a *API) kindsIn(s site.State) *kinds {
	return &kinds{api: a, site: s, made: map[uint64]event.Body{}}
}

// of is what an event is about; "" where it is about none, and where that is another site's.
func (k *kinds) of(ctx context.Context, body event.Body) (event.BarrierKind, error) {
	switch b := body.(type) {
	case event.BarrierReserved:
		return b.Is, nil
	case event.BarrierEnrolled:
		return k.barrier(ctx, b.Barrier)
	case event.BarrierRetired:
		return k.barrier(ctx, b.Barrier)
	case event.BarrierObserved:
		return k.barrier(ctx, b.Barrier)
	case event.BarrierSecured:
		return k.barrier(ctx, b.Barrier)
	case event.BarrierUnsecured:
		return k.barrier(ctx, b.Barrier)
	case event.ForeignOpening:
		return k.barrier(ctx, b.Barrier)
	case event.AlarmRaised:
		return k.barrier(ctx, b.Barrier)
	case event.BlockAnswered:
		return k.delivery(ctx, b.Delivery)
	case event.Refused:
		return k.refused(ctx, b)
	}
	return "", nil
}

func (k *kinds) refused(ctx context.Context, b event.Refused) (event.BarrierKind, error) {
	switch {
	case b.Barrier != "":
		return k.barrier(ctx, b.Barrier)
	case b.Visit != "":
		begun, err := making[event.VisitBegun](ctx, k, b.Visit)
		if err != nil {
			return "", err
		}
		return k.place(ctx, begun.AccessPoint)
	default:
		return k.delivery(ctx, b.Delivery)
	}
}

// delivery is what stands first where a delivery was to go when it was booked.
func (k *kinds) delivery(ctx context.Context, id event.DeliveryID) (event.BarrierKind, error) {
	if d, ok := k.site.Delivery(id); ok {
		return k.place(ctx, d.AccessPoint)
	}
	booked, err := making[event.DeliveryBooked](ctx, k, id)
	if err != nil {
		return "", err
	}
	return k.place(ctx, booked.AccessPoint)
}

func (k *kinds) place(ctx context.Context, id event.AccessPointID) (event.BarrierKind, error) {
	added, err := making[event.AccessPointAdded](ctx, k, id)
	if err != nil || len(added.WayIn) == 0 {
		return "", err
	}
	return k.barrier(ctx, added.WayIn[0].Barrier)
}

func (k *kinds) barrier(ctx context.Context, id event.BarrierID) (event.BarrierKind, error) {
	if b, ok := k.site.Barrier(id); ok {
		return b.Is, nil
	}
	reserved, err := making[event.BarrierReserved](ctx, k, id)
	return reserved.Is, err
}

// making is the event that made what an identifier names; the zero one where that is none of this site's.
func making[B event.Body, T ~string](ctx context.Context, k *kinds, id T) (made B, err error) {
	seq := event.SeqOf(id)
	if seq == 0 || event.SiteOf(id) != k.site.Site {
		return made, nil
	}
	if _, known := k.made[seq]; !known {
		events, err := k.api.Dispatch.Events(ctx, k.site.Site, seq-1, 1)
		if err != nil || len(events) == 0 {
			return made, err
		}
		k.made[seq] = events[0].Body
	}
	made, _ = k.made[seq].(B)
	return made, nil
}
