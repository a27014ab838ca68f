package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

// Ready says, before anything is opened, what of the devices would stand against it now. What else is asked for, such
// as the parcels and the place, is left to the answer to the scan.
type Ready struct {
	Ready    bool           `json:"ready" doc:"Nothing of the devices stands against opening now"`
	Barriers []BarrierReady `json:"barriers" doc:"From the street inwards"`
	Camera   *CameraReady   `json:"camera,omitempty" doc:"Absent where no picture is asked for"`
}

// BarrierReady is one barrier of the way in.
type BarrierReady struct {
	Barrier event.BarrierID `json:"barrier"`
	Ready   bool            `json:"ready"`
	Reach   event.Reach     `json:"reach,omitempty" doc:"Whether its device can be reached; absent when nobody knows"`
}

// CameraReady is the picture without which nothing is opened.
type CameraReady struct {
	Ready bool `json:"ready" doc:"Its picture is proven live"`
}

// VisitPlace is where a visit takes place, and what its household says of it.
type VisitPlace struct {
	Address  string  `json:"address,omitempty"`
	Name     string  `json:"name,omitempty"`
	Note     string  `json:"note,omitempty"`
	Position *Centre `json:"position,omitempty"`
	Radius   int     `json:"radius" doc:"Within so many metres the courier is there"`
}

// PlanBStep is one step of plan B.
type PlanBStep struct {
	PlanB
	Tried bool `json:"tried,omitempty" doc:"Nobody was there"`
	Next  bool `json:"next,omitempty" doc:"It is the one that comes next"`
}

// onTheWay is a barrier of a way in. Of another site's, while it is not borrowed, it is known what it is and whether
// its device can be reached, if that site lends it; never how it stands.
func (a *API) onTheWay(ctx context.Context, s site.State, id event.BarrierID) (site.Barrier, error) {
	b, ours := s.Barrier(id)
	if ours || event.SiteOf(id) == s.Site {
		return b, nil
	}
	lender, err := a.Dispatch.Load(ctx, event.SiteOf(id))
	if err != nil {
		return b, err
	}
	if !slices.Contains(lender.Lending, site.Lending{Barrier: id, Borrower: s.Site}) {
		return b, nil
	}
	b, _ = lender.Barrier(id)
	return site.Barrier{ID: id, Is: b.Is, Spec: b.Spec, Enrolled: b.Enrolled}, nil
}

// kindsOf are the kinds of barriers of the way in to an access point.
func (a *API) kindsOf(ctx context.Context, s site.State, ap site.AccessPoint) ([]event.BarrierKind, error) {
	kinds := []event.BarrierKind{}
	for _, step := range ap.WayIn {
		b, err := a.onTheWay(ctx, s, step.Barrier)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, b.Is)
	}
	return kinds, nil
}

// readyShown looks at the barriers of a way in, and at the picture of a visit that is to be filmed.
func (a *API) readyShown(s site.State, way []site.Barrier, picture *Picture) *Ready {
	shown := &Ready{Ready: true, Barriers: []BarrierReady{}}
	for _, b := range way {
		reach := a.Dispatch.Reach(b.Spec.Device)
		one := BarrierReady{Barrier: b.ID, Reach: reach, Ready: b.Enrolled && reach == event.ReachOnline}
		shown.Ready = shown.Ready && one.Ready
		shown.Barriers = append(shown.Barriers, one)
	}
	if s.Rules.Camera {
		shown.Camera = &CameraReady{Ready: picture != nil && picture.Live}
		shown.Ready = shown.Ready && shown.Camera.Ready
	}
	return shown
}

// fillPlace shows where a visit goes, while it is assigned to its courier.
func (a *API) fillPlace(ctx context.Context, s site.State, v site.Visit, shown *Visit) error {
	if v.Courier == "" || len(v.Deliveries) == 0 && !opened(v) {
		return nil
	}
	address, _, err := unseal[string](ctx, a, s.Site, addressName)
	if err != nil {
		return err
	}
	where, known, err := unseal[spot](ctx, a, s.Site, spotName(v.AccessPoint))
	if err != nil {
		return err
	}
	ap, _ := s.AccessPoint(v.AccessPoint)
	shown.Place = &VisitPlace{Address: cmp.Or(where.Address, address), Name: where.Name, Note: where.Note, Radius: ap.Radius}
	if known {
		shown.Place.Position = &Centre{where.Position.Latitude, where.Position.Longitude}
	}
	return nil
}

func questionsOf(lang phrase.Lang, d site.Delivery) (shown []Question) {
	for _, q := range d.Asked {
		words := lang.Question(q.Question)
		shown = append(shown, Question{Question: q.Question, Round: q.Round, Answered: q.Answered, Yes: q.Yes, At: q.At,
			Title: words.Title, Text: words.Text()})
	}
	return shown
}

// fallbacks are the steps of plan B in order, up to the depot.
func (a *API) fallbacks(ctx context.Context, s site.State, d site.Delivery) (shown []PlanBStep, err error) {
	_, next := s.PlanB(d)
	for i, f := range s.Fallbacks(d) {
		step, err := a.fallback(ctx, s, d.ID, f)
		if err != nil {
			return nil, err
		}
		shown = append(shown, PlanBStep{PlanB: *step, Tried: i < d.PlanB, Next: i == next})
		if f.Kind == event.FallbackDepot {
			break // the household may have said so itself
		}
	}
	return shown, nil
}
