package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// HomeVisit is a visit as its household looks back on it, or watches it.
type HomeVisit struct {
	Visit Visit `json:"visit"`
	// Openings are the orders to open that the visit gave.
	Openings []Opening   `json:"openings" doc:"The visit's orders to open, in order"`
	Events   []HomeEvent `json:"events" doc:"Everything that the journal tells of the visit, in order"`
	Clip     *Clip       `json:"clip,omitempty" doc:"What was kept of its pictures; absent when there is none, or no longer"`
	Photo    bool        `json:"photo,omitempty" doc:"A photo of the deposit was taken; it may have been erased since"`
}

// DeliveryStory is everything that a site's journal tells of one delivery.
type DeliveryStory struct {
	Delivery    Delivery    `json:"delivery"`
	Zone        string      `json:"zone"`
	Place       string      `json:"place,omitempty" doc:"The access point's name"`
	CourierName string      `json:"courierName,omitempty"`
	Visits      []VisitLook `json:"visits" doc:"The visits that it was part of, in order"`
	Openings    []Opening   `json:"openings" doc:"Their orders to open, in order"`
	Events      []HomeEvent `json:"events" doc:"In order"`
	// Over says that nothing more is to come but what becomes of pictures.
	Over bool `json:"over" doc:"The delivery has ended"`
	// Pictures says that the household lets the operator see photos and, while an alarm stands, the live picture.
	Pictures bool          `json:"pictures" doc:"The household lets the operator see pictures. Looking is recorded"`
	Now      event.Instant `json:"now" format:"date-time" doc:"The server's time of this answer"`
}

// VisitLook is a visit of a story; Ended is absent while it is under way.
type VisitLook struct {
	Visit   event.VisitID   `json:"visit"`
	Courier event.CourierID `json:"courier,omitempty"`
	Begun   event.Instant   `json:"begun" format:"date-time"`
	Ended   *VisitEnd       `json:"ended,omitempty"`
}

func (a *API) registerStories() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home/visits/{visit}", id: "getHomeVisit", summary: "Look at a visit, ended or not",
		about: "With its whole story.", tag: "Home"}, a.GetHomeVisit)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries/{delivery}/story", id: "getDeliveryStory", summary: "Read a delivery's whole story",
		about: "For operators. With `names` it names the place and the courier, which takes stories:read as well: that look is recorded.",
		tag:   "Deliveries", scope: auth.JournalsRead}, a.GetDeliveryStory)
}

// aftermath is how long after its end events may still belong to a story: as long as pictures may be kept, and a day.
const aftermath = 31 * event.Day

// storyMost bounds how many events a story has.
const storyMost = 5000

// tale follows one visit, or one delivery, through its site's journal.
type tale struct {
	of string
	// names are what the story is about: an event that names one of them belongs to it, and what that event creates
	// becomes one. running are the visits among them that have not ended.
	names, running map[string]bool
	// over is when the visit or the delivery ended, 0 before.
	over   event.Instant
	events []event.Event
}

// take adds an event to the story if it belongs there, and says whether more may come.
func (t *tale) take(e event.Event) (more bool) {
	if t.over != 0 && len(t.running) == 0 && e.At > t.over.Add(aftermath) || len(t.events) >= storyMost {
		return false
	}
	names := event.Names(e.Body)
	if !slices.ContainsFunc(names, func(n string) bool { return t.names[n] }) {
		return true
	}
	t.events = append(t.events, e)
	for _, n := range names {
		if event.SeqOf(n) == e.Seq && event.SiteOf(n) == e.Site {
			t.names[n] = true
		}
	}
	t.turn(e)
	return true
}

// turn follows the beginnings and ends. What happens to a visit's deliveries belongs to it while it lasts.
func (t *tale) turn(e event.Event) {
	switch b := e.Body.(type) {
	case event.VisitBegun:
		t.running[string(b.Visit)] = true
		for _, d := range b.Deliveries {
			t.names[string(d)] = t.names[string(d)] || string(b.Visit) == t.of
		}
	case event.VisitEnded:
		delete(t.running, string(b.Visit))
		if string(b.Visit) == t.of {
			t.over = e.At
			for n := range t.names {
				t.names[n] = t.names[n] && event.CheckID(event.DeliveryID(n), 'd') != nil
			}
		}
	case event.DeliveryDelivered:
		t.ended(b.Delivery, e.At)
	case event.DeliveryCancelled:
		t.ended(b.Delivery, e.At)
	case event.DeliveryExpired:
		t.ended(b.Delivery, e.At)
	case event.DeliveryReturned:
		t.ended(b.Delivery, e.At)
	case event.DeliveryDiverted:
		if b.To.Kind != event.FallbackAccessPoint {
			t.ended(b.Delivery, e.At)
		}
	}
}

func (t *tale) ended(d event.DeliveryID, at event.Instant) {
	if string(d) == t.of {
		t.over = at
	}
}

// taleOf reads the story of a visit or a delivery from the event that made it on.
func (a *API) taleOf(ctx context.Context, of string) (*tale, error) {
	t := &tale{of: of, names: map[string]bool{of: true}, running: map[string]bool{}}
	err := a.eachEvent(ctx, event.SiteOf(of), event.SeqOf(of)-1, t.take)
	return t, err
}

// eachEvent reads a site's journal after a sequence, until it ends or enough was read.
func (a *API) eachEvent(ctx context.Context, at event.SiteID, after uint64, take func(event.Event) (more bool)) error {
	for {
		events, err := a.Dispatch.Events(ctx, at, after, 500)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if after = e.Seq; !take(e) {
				return nil
			}
		}
	}
}

// GetHomeVisit is the operation getHomeVisit: look at a visit, ended or not.
func (a *API) GetHomeVisit(ctx context.Context, m auth.Member, in *VisitPath) (*struct{ Body HomeVisit }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	t, err := a.visitTale(ctx, s, in.Visit)
	if err != nil {
		return nil, err
	}
	shown := HomeVisit{Openings: []Opening{}, Photo: photoSaid(t) != ""}
	visit, err := a.homeVisit(ctx, s, in.Visit)
	if err != nil {
		return nil, err
	}
	shown.Visit = *visit
	if shown.Events, err = a.eventsShown(ctx, s, t.events); err != nil {
		return nil, err
	}
	if shown.Openings, err = a.openingsOf(ctx, s, t.events); err != nil {
		return nil, err
	}
	for _, c := range s.Clips {
		if c.Visit == in.Visit && !c.Erasing {
			clip := clipShown(c)
			shown.Clip = &clip
		}
	}
	return &struct{ Body HomeVisit }{shown}, nil
}

// visitTale is the story of a visit of a site.
func (a *API) visitTale(ctx context.Context, s site.State, id event.VisitID) (*tale, error) {
	if event.CheckID(id, 'v') != nil || event.SiteOf(id) != s.Site {
		return nil, notFound("visit")
	}
	t, err := a.taleOf(ctx, string(id))
	if err != nil {
		return nil, err
	}
	if len(t.events) == 0 || event.Names(t.events[0].Body)[0] != string(id) || t.events[0].Seq != event.SeqOf(id) {
		return nil, notFound("visit")
	}
	return t, nil
}

// homeVisit shows a visit to its household, with its courier's name.
func (a *API) homeVisit(ctx context.Context, s site.State, id event.VisitID) (shown *Visit, err error) {
	if v, under := s.Visit(id); under {
		shown, err = a.visitShown(ctx, s, v)
	} else {
		shown, err = a.endedVisit(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	shown.Zone, shown.Now = s.Zone, event.InstantOf(a.Now())
	shown.CourierName, err = a.nameOf(ctx, shown.Courier)
	return shown, err
}

// nameOf is a courier's name; "" when there is none.
func (a *API) nameOf(ctx context.Context, id event.CourierID) (string, error) {
	rec, _, err := a.courierRecord(ctx, id)
	if err != nil {
		return "", err
	}
	return a.courierName(ctx, id, rec)
}

// GetDeliveryStoryInput is what GetDeliveryStory takes.
type GetDeliveryStoryInput struct {
	DeliveryPath
	Names bool `query:"names" doc:"With the place's and the courier's names"`
}

// GetDeliveryStory is the operation getDeliveryStory: read a delivery's whole story.
func (a *API) GetDeliveryStory(ctx context.Context, c auth.Client, in *GetDeliveryStoryInput) (*struct{ Body DeliveryStory }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if in.Names {
		if err := c.Require(auth.StoriesRead); err != nil {
			return nil, err
		}
	}
	summary, err := a.summary(ctx, c, in.Delivery)
	if err != nil {
		return nil, err
	}
	s, err := a.Dispatch.Load(ctx, summary.Site)
	if err != nil {
		return nil, err
	}
	t, err := a.taleOf(ctx, string(in.Delivery))
	if err != nil {
		return nil, err
	}
	shown, err := a.deliveryStory(ctx, s, summary, t)
	if err == nil && in.Names {
		err = a.withNames(ctx, c, s, &shown)
	}
	return &struct{ Body DeliveryStory }{shown}, err
}

// deliveryStory is a story without a name in it.
func (a *API) deliveryStory(ctx context.Context, s site.State, summary dispatch.Summary, t *tale) (shown DeliveryStory, err error) {
	shown = DeliveryStory{Delivery: summaryShown(summary), Zone: s.Zone, Visits: visitsIn(ctx, t.events), Over: t.over != 0,
		Pictures: s.Rules.OperatorWatches, Now: event.InstantOf(a.Now())}
	if shown.Openings, err = a.openingsOf(ctx, s, t.events); err != nil {
		return shown, err
	}
	for i := range shown.Openings {
		shown.Openings[i].CourierName, shown.Openings[i].MemberName = "", ""
	}
	shown.Events, err = a.eventsShown(ctx, s, t.events)
	return shown, err
}

// withNames puts the names into a story, once that is recorded. A page that lives asks many times: one look lasts.
func (a *API) withNames(ctx context.Context, c auth.Client, s site.State, shown *DeliveryStory) error {
	if err := a.lookOnce(ctx, c, s.Site, "the story of delivery "+string(shown.Delivery.ID)); err != nil {
		return err
	}
	where, _, err := unseal[spot](ctx, a, s.Site, spotName(shown.Delivery.AccessPoint))
	if err != nil {
		return err
	}
	shown.Place = where.Name
	shown.CourierName, err = a.nameOf(ctx, shown.Delivery.Courier)
	return err
}

// visitsIn finds the visits of a story.
func visitsIn(ctx context.Context, events []event.Event) []VisitLook {
	looks := []VisitLook{}
	for _, e := range events {
		switch b := e.Body.(type) {
		case event.VisitBegun:
			looks = append(looks, VisitLook{Visit: b.Visit, Courier: b.Courier, Begun: e.At})
		case event.VisitEnded:
			if i := slices.IndexFunc(looks, func(v VisitLook) bool { return v.Visit == b.Visit }); i >= 0 {
				looks[i].Ended = endOf(callOf(ctx).lang, e, b)
			}
		}
	}
	return looks
}
