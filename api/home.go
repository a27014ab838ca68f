package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

// Home is a site as its members see it: everything that stands there now.
type Home struct {
	Seq          uint64         `json:"seq" doc:"The last event of the journal that is in here"`
	Site         event.SiteID   `json:"site"`
	Zone         string         `json:"zone"`
	Address      string         `json:"address,omitempty"`
	Rules        Rules          `json:"rules"`
	Members      []Member       `json:"members"`
	Barriers     []Barrier      `json:"barriers"`
	AccessPoints []AccessPoint  `json:"accessPoints"`
	Consents     []Consent      `json:"consents"`
	Lending      []Lending      `json:"lending"`
	Deliveries   []HomeDelivery `json:"deliveries"`
	Visits       []Visit        `json:"visits"`
	Cameras      []Camera       `json:"cameras"`
	// Now is what the ages of everything here are to be counted from: no phone's clock is right.
	Now event.Instant `json:"now" format:"date-time" doc:"The server's time of this answer"`
}

// Barrier is one thing to be opened.
type Barrier struct {
	ID     event.BarrierID   `json:"barrier"`
	Is     event.BarrierKind `json:"is"`
	Name   string            `json:"name" doc:"The kind of barrier, in the reader's language"`
	Device event.DeviceID    `json:"device"`
	// Enrolled once somebody worked it by hand when asked, and its device said so.
	Enrolled         bool `json:"enrolled" doc:"False until it was opened and shut by hand"`
	Worked           bool `json:"worked,omitempty" doc:"It was seen to be opened by hand; shut again, it is enrolled"`
	Provable         bool `json:"provable" doc:"Whether anything can prove it shut"`
	AcceptUnprovable bool `json:"acceptUnprovable,omitempty"`
	Seen             Seen `json:"seen"`
	// Resting is a car to which nobody listens.
	Resting    bool          `json:"resting,omitempty" doc:"A car to which nobody listens between visits: what it said last says nothing of now, and is not shown"`
	LowBattery bool          `json:"lowBattery,omitempty"`
	Battery    int           `json:"battery,omitempty" doc:"Charge in percent; absent where it was not said since the server started"`
	BatteryAt  event.Instant `json:"batteryAt,omitempty" format:"date-time" doc:"When that was said"`
	Reads      bool          `json:"reads,omitempty" doc:"It can be asked how it stands"`
	Holder     event.VisitID `json:"holder,omitempty" doc:"The visit that opened it, and has not secured it yet"`
	// Lent to a visit of another site, or borrowed from one.
	Lent     event.SiteID `json:"lent,omitempty" doc:"In the hands of that site's visit"`
	Borrowed bool         `json:"borrowed,omitempty" doc:"Another site's barrier"`
	Text     string       `json:"text" doc:"What its device can't do, in words"`
}

// AccessPoint is a place where a parcel may be left.
type AccessPoint struct {
	ID       event.AccessPointID `json:"accessPoint"`
	Name     string              `json:"name,omitempty"`
	Address  string              `json:"address,omitempty" doc:"Postal address, where it is not that of the site"`
	Note     string              `json:"note,omitempty"`
	Position *Centre             `json:"position,omitempty"`
	Radius   int                 `json:"radius" doc:"Within so many metres a courier is there"`
	WayIn    []event.BarrierRef  `json:"wayIn" doc:"From the street inwards"`
	// Car is what it is, unless it is a place that stays where it is.
	Car *HomeCar `json:"car,omitempty" doc:"The car that it is, if it is one; its position is then the reference address"`
}

// HomeDelivery is a delivery as the household sees it.
type HomeDelivery struct {
	Delivery
	DoNotRing bool            `json:"doNotRing,omitempty"`
	KeepCold  bool            `json:"keepCold,omitempty"`
	Whole     bool            `json:"whole,omitempty"`
	Consented bool            `json:"consented"`
	Consent   event.ConsentID `json:"consent,omitempty" doc:"The standing consent that allows it; absent for a member's word"`
	Allowed   []Span          `json:"allowed,omitempty" doc:"When it may take place"`
	Blocked   bool            `json:"blocked,omitempty"`
	TooLarge  bool            `json:"tooLarge,omitempty" doc:"It did not fit: plan B comes next"`
	Car       *CarLooked      `json:"car,omitempty" doc:"What came of looking for the car the day before, if it goes to one and that was done"`
	Questions []Question      `json:"questions,omitempty"`
	PlanB     *PlanB          `json:"planB,omitempty"`
	// StopsBefore is how many stops the courier goes to first, as the windows tell.
	StopsBefore *int `json:"stopsBefore,omitempty" doc:"How many stops of the courier are planned before; absent where the windows do not tell, and once a visit is under way"`
}

// Question is what the household was asked before a visit.
type Question struct {
	Question event.Question `json:"question"`
	Round    event.Round    `json:"round"`
	Answered bool           `json:"answered"`
	Yes      bool           `json:"yes,omitempty"`
	At       event.Instant  `json:"at,omitempty" format:"date-time" doc:"When it was answered"`
	Title    string         `json:"title"`
	Text     string         `json:"text"`
}

// HomeEvent is one event of the journal, as the household sees it.
type HomeEvent struct {
	JournalEvent
	Text string `json:"text,omitempty" doc:"What happened, in the reader's language"`
}

// HomeJournal is a page of the household's journal.
type HomeJournal struct {
	Events []HomeEvent `json:"events" doc:"In order; the page after begins after the last one's seq"`
}

// Looks is a page of who looked.
type Looks struct {
	Looks []Look `json:"looks"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

func (a *API) registerHome() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home", id: "getHome", summary: "Look at the home", tag: "Home"}, a.GetHome)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/journal", id: "getHomeJournal", summary: "Read the journal", tag: "Home"}, a.GetHomeJournal)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/events", id: "followHome", summary: "Follow the journal",
		about: "Server-sent events; Last-Event-ID goes on where a stream broke off.", tag: "Home", media: eventStream}, a.FollowHome)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/looks", id: "listLooks", summary: "Who looked",
		about: "Each reading of the home's address and names with an API key.", tag: "Home"}, a.ListLooks)
}

// household returns the member's own site, if it stands and the member still decides there.
func (a *API) household(ctx context.Context, m auth.Member) (site.State, error) {
	state, err := a.Dispatch.Load(ctx, m.Site())
	if err != nil {
		return state, err
	}
	if !state.Open || !state.Member(m.ID()) {
		return state, auth.ErrSession
	}
	return state, nil
}

// GetHome is the operation getHome: look at the home.
func (a *API) GetHome(ctx context.Context, m auth.Member, _ *struct{}) (*struct{ Body Home }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	home := Home{Cameras: a.camerasOf(callOf(ctx).lang, s), Seq: s.Seq, Site: s.Site, Zone: s.Zone, Barriers: a.barriersOf(callOf(ctx).lang, s), Consents: consentsOf(s), Lending: []Lending{},
		Now: event.InstantOf(a.Now())}
	for _, l := range s.Lending {
		home.Lending = append(home.Lending, Lending(l))
	}
	for _, fill := range []func(context.Context, site.State, *Home) error{a.fillPeople, a.fillPlaces, a.fillDeliveries, a.fillVisits} {
		if err := fill(ctx, s, &home); err != nil {
			return nil, err
		}
	}
	for i := range home.Members {
		home.Members[i].You = home.Members[i].ID == m.ID()
	}
	return &struct{ Body Home }{home}, nil
}

func (a *API) fillPeople(ctx context.Context, s site.State, home *Home) (err error) {
	home.Members = []Member{}
	for _, m := range s.Members {
		name, _, err := unseal[string](ctx, a, s.Site, memberName(m.ID))
		if err != nil {
			return err
		}
		home.Members = append(home.Members, Member{ID: m.ID, Name: name})
	}
	home.Rules, err = a.rulesShown(ctx, s)
	return err
}

func (a *API) fillPlaces(ctx context.Context, s site.State, home *Home) (err error) {
	home.AccessPoints = []AccessPoint{}
	for _, ap := range s.AccessPoints {
		shown, err := a.accessPointShown(ctx, s, ap)
		if err != nil {
			return err
		}
		home.AccessPoints = append(home.AccessPoints, shown)
	}
	home.Address, _, err = unseal[string](ctx, a, s.Site, addressName)
	return err
}

func (a *API) fillDeliveries(ctx context.Context, s site.State, home *Home) error {
	home.Deliveries = []HomeDelivery{}
	for _, d := range s.Deliveries {
		shown, err := a.homeDelivery(ctx, s, d)
		if err != nil {
			return err
		}
		home.Deliveries = append(home.Deliveries, shown)
	}
	return nil
}

func (a *API) fillVisits(ctx context.Context, s site.State, home *Home) error {
	home.Visits = []Visit{}
	for _, v := range s.Visits {
		shown, err := a.visitShown(ctx, s, v)
		if err != nil {
			return err
		}
		rec, _, err := a.courierRecord(ctx, v.Courier)
		if err != nil {
			return err
		}
		if shown.CourierName, err = a.courierName(ctx, v.Courier, rec); err != nil {
			return err
		}
		home.Visits = append(home.Visits, *shown)
	}
	return nil
}

func (a *API) barriersOf(lang phrase.Lang, s site.State) []Barrier {
	shown := []Barrier{}
	for _, b := range s.Barriers {
		shown = append(shown, a.barrierShown(lang, s, b))
	}
	return shown
}

func (a *API) barrierShown(lang phrase.Lang, s site.State, b site.Barrier) Barrier {
	battery, batteryAt := a.Dispatch.Battery(b.ID)
	shown := Barrier{ID: b.ID, Is: b.Is, Name: lang.Barrier(b.Is), Device: b.Spec.Device, Enrolled: b.Enrolled, Worked: b.Worked && !b.Enrolled,
		Provable: b.Spec.Closure.Provable(), AcceptUnprovable: b.AcceptUnprovable, Seen: a.seenOf(lang, b), LowBattery: b.LowBattery,
		Battery: battery, BatteryAt: batteryAt, Reads: b.Spec.Reads,
		Holder: b.Holder, Lent: event.SiteOf(b.Lent.Lease), Borrowed: b.Borrowed != "", Text: limitsOf(b.Spec)}
	if !s.Listens(b.ID, event.InstantOf(a.Now())) {
		shown.Resting, shown.Seen = true, Seen{Grade: b.Spec.Grade, Closure: b.Spec.Closure, FreshFor: b.Spec.Horizon}
	}
	return shown
}

func (a *API) accessPointShown(ctx context.Context, s site.State, ap site.AccessPoint) (AccessPoint, error) {
	where, known, err := unseal[spot](ctx, a, s.Site, spotName(ap.ID))
	if err != nil {
		return AccessPoint{}, err
	}
	shown := AccessPoint{ID: ap.ID, Name: where.Name, Address: where.Address, Note: where.Note, Radius: ap.Radius, WayIn: ap.WayIn}
	if known {
		shown.Position = &Centre{where.Position.Latitude, where.Position.Longitude}
	}
	shown.Car, err = a.carShown(ctx, s, ap)
	return shown, err
}

func (a *API) homeDelivery(ctx context.Context, s site.State, d site.Delivery) (HomeDelivery, error) {
	kept, _, err := unseal[codes](ctx, a, s.Site, parcelsName(d.ID))
	if err != nil {
		return HomeDelivery{}, err
	}
	shown := HomeDelivery{Delivery: deliveryOf(d, 0, kept), DoNotRing: d.DoNotRing, KeepCold: d.KeepCold, Whole: d.Whole,
		Consented: d.Consented, Consent: d.Consent, Blocked: d.Blocked, TooLarge: d.TooLarge}
	if d.Look.Sought != 0 {
		looked := a.lookedShown(ctx, d.Look)
		shown.Car = &looked
	}
	for _, span := range d.Allowed {
		shown.Allowed = append(shown.Allowed, spanShown(span))
	}
	shown.Questions = questionsOf(callOf(ctx).lang, d)
	if shown.StopsBefore, err = a.stopsBefore(ctx, d); err != nil {
		return HomeDelivery{}, err
	}
	shown.PlanB, err = a.planB(ctx, s, d)
	return shown, err
}

// GetHomeJournalInput is what GetHomeJournal takes.
type GetHomeJournalInput struct {
	After
}

// GetHomeJournal is the operation getHomeJournal: read the journal.
func (a *API) GetHomeJournal(ctx context.Context, m auth.Member, in *GetHomeJournalInput) (*struct{ Body HomeJournal }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	events, err := a.Dispatch.Events(ctx, s.Site, in.After.After, in.Limit)
	if err != nil {
		return nil, err
	}
	shown, err := a.eventsShown(ctx, s, events)
	return &struct{ Body HomeJournal }{HomeJournal{Events: shown}}, err
}

// eventsShown shows events of a site's journal, in the language of the call.
func (a *API) eventsShown(ctx context.Context, s site.State, events []event.Event) ([]HomeEvent, error) {
	shown, known := make([]HomeEvent, len(events)), a.kindsIn(s)
	for i, e := range events {
		var err error
		if shown[i], err = known.homeEvent(ctx, callOf(ctx).lang, e); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func (k *kinds) homeEvent(ctx context.Context, lang phrase.Lang, e event.Event) (HomeEvent, error) {
	stored, err := storedEvent(e)
	if err != nil {
		return HomeEvent{}, err
	}
	is, err := k.of(ctx, e.Body)
	return HomeEvent{JournalEvent: stored, Text: lang.Line(is, e.Body, lineValues(k.site.Zone, e.Body))}, err
}

// lineValues fills in what an event's line may say of it.
func lineValues(zone string, body event.Body) phrase.Values {
	switch b := body.(type) {
	case event.VisitEstimated:
		return localTime(zone, b.ETA)
	case event.VisitArrived:
		return placeValues(&b.Place)
	}
	return nil
}

// localTime gives an instant in a site's own time, for sentences; none for 0.
func localTime(zone string, at event.Instant) phrase.Values {
	v := phrase.Values{}
	if loc, err := time.LoadLocation(zone); err == nil && zone != "" && at != 0 {
		v[phrase.Time] = at.Time().In(loc).Format("15:04")
	}
	return v
}

// ListLooksInput is what ListLooks takes.
type ListLooksInput struct {
	Page
}

// ListLooks is the operation listLooks: who looked.
func (a *API) ListLooks(ctx context.Context, m auth.Member, in *ListLooksInput) (*struct{ Body Looks }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	rows, err := a.Store.Rows(ctx, looksAt(s.Site), after, in.size())
	if err != nil {
		return nil, err
	}
	page := Looks{Looks: make([]Look, len(rows))}
	for i, row := range rows {
		if err := decodeRow(row, &page.Looks[i]); err != nil {
			return nil, err
		}
	}
	if len(rows) == in.size() {
		page.Next = cursor(rows[len(rows)-1].Key)
	}
	return &struct{ Body Looks }{page}, nil
}
