package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// dayLasts is how far back a courier's day goes: longer than any shift, and shorter than until the next.
const dayLasts = 16 * event.Hour

// round is a courier's stops, ended ones included, as the projections know them: it numbers them and decides nothing.
type round struct {
	order []event.AccessPointID
	ended []dispatch.Summary
}

func (a *API) roundOf(ctx context.Context, courier event.CourierID) (round, error) {
	var r round
	err := a.endedSince(ctx, courier, event.InstantOf(a.Now()).Add(-dayLasts), func(s dispatch.Summary) { r.ended = append(r.ended, s) })
	if err != nil {
		return round{}, err
	}
	all := slices.Clone(r.ended)
	err = a.eachOfCourier(ctx, courier, func(s dispatch.Summary) error {
		all = append(all, s)
		return nil
	})
	slices.SortFunc(all, func(x, y dispatch.Summary) int {
		return cmp.Or(cmp.Compare(x.Window.From, y.Window.From), cmp.Compare(x.AccessPoint, y.AccessPoint))
	})
	for _, s := range all {
		if !slices.Contains(r.order, s.AccessPoint) {
			r.order = append(r.order, s.AccessPoint)
		}
	}
	return r, err
}

// number is a stop's place in the day, counted from 1.
func (r round) number(at event.AccessPointID) int { return slices.Index(r.order, at) + 1 }

func (r round) stops() int { return len(r.order) }

// stopsBefore is how many stops a courier is planned to make before that of a delivery. It is nil where nobody can know:
// without a courier, once a visit is under way, long before the window, where another stop's window begins with it, and
// while the courier is at a stop that was planned for later.
func (a *API) stopsBefore(ctx context.Context, d site.Delivery) (*int, error) {
	if d.Courier == "" || d.Visit != "" || d.Blocked || d.Window.From.Add(-near) > event.InstantOf(a.Now()) {
		return nil, nil
	}
	first := map[event.AccessPointID]event.Instant{d.AccessPoint: d.Window.From}
	var underway []event.AccessPointID
	err := a.eachOfCourier(ctx, d.Courier, func(s dispatch.Summary) error {
		if s.Status == dispatch.StatusVisiting {
			underway = append(underway, s.AccessPoint)
		}
		if from, met := first[s.AccessPoint]; !met || s.Window.From < from {
			first[s.AccessPoint] = s.Window.From
		}
		return nil
	})
	ours, before := first[d.AccessPoint], 0
	if slices.ContainsFunc(underway, func(at event.AccessPointID) bool { return first[at] > ours }) {
		return nil, err
	}
	delete(first, d.AccessPoint)
	for _, from := range first {
		switch {
		case from == ours:
			return nil, err
		case from < ours:
			before++
		}
	}
	return &before, err
}

func (a *API) endedSince(ctx context.Context, courier event.CourierID, since event.Instant, visit func(dispatch.Summary)) error {
	for after := dispatch.EndedAfter(since); ; {
		rows, err := a.Store.Rows(ctx, dispatch.CourierEnded(courier), after, 200)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.Key
			s, err := summaryOf(row)
			if err != nil {
				return err
			}
			visit(s)
		}
	}
}

func (a *API) endedShown(ctx context.Context, r round) ([]EndedDelivery, error) {
	shown := make([]EndedDelivery, 0, len(r.ended))
	for _, s := range r.ended {
		state, err := a.Dispatch.Load(ctx, s.Site)
		if err != nil {
			return nil, err
		}
		one := EndedDelivery{Delivery: s.Delivery, AccessPoint: s.AccessPoint, Number: r.number(s.AccessPoint), Status: s.Status, How: s.How, At: s.At,
			Zone: state.Zone}
		if s.Status == dispatch.StatusReturned {
			kept, _, err := unseal[codes](ctx, a, s.Site, parcelsName(s.Delivery))
			if err != nil {
				return nil, err
			}
			for _, p := range kept {
				one.Parcels = append(one.Parcels, kept.lastFour(p.Parcel))
			}
		}
		shown = append(shown, one)
	}
	return shown, nil
}
