package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Board is what an operator's staff look at all day: what alarms, what is under way, what comes next, and how the day
// goes.
type Board struct {
	Now event.Instant `json:"now" format:"date-time" doc:"The server's time of this answer; ages are counted from it"`
	// Visits under way, the one that has stood open for longest first, then those that have not opened anything.
	Visits []BoardVisit `json:"visits"`
	// Closed are the alarms that ended in the last minute.
	Closed []ClosedAlarm `json:"closed" doc:"Alarms that ended within the last minute"`
	// Next are the deliveries of the next hour that no visit serves yet.
	Next []Upcoming `json:"next" doc:"Deliveries whose window begins within the hour, or has begun, and that no visit serves yet"`
	// NextAt is when the first window after that begins, if one does within a day.
	NextAt event.Instant `json:"nextAt,omitempty" format:"date-time"`
	Today  Numbers       `json:"today"`
}

// BoardVisit is a visit under way, as an operator sees it.
type BoardVisit struct {
	Visit
	// Opened is since when something may stand open because of it; absent before, and once everything is secured.
	Opened event.Instant `json:"opened,omitempty" format:"date-time" doc:"Since when something may stand open; absent while nothing does"`
	Phase  Phase         `json:"phase" doc:"How far it is"`
	// Watchable says that its live picture may be looked at now.
	Watchable bool `json:"watchable,omitempty" doc:"Its live picture may be looked at now: the household allows it, and an alarm stands. Looking is recorded"`
}

// Phase is how far a visit is.
type Phase string

// Phases of a visit.
const (
	PhaseComing    Phase = "coming"
	PhaseArrived   Phase = "arrived"
	PhaseOpening   Phase = "opening"
	PhaseInside    Phase = "inside"
	PhaseLeaving   Phase = "leaving"
	PhaseSecured   Phase = "secured"
	PhaseTakenOver Phase = "taken-over"
	PhaseDanger    Phase = "danger"
)

// ClosedAlarm is an alarm that ended.
type ClosedAlarm struct {
	Visit   event.VisitID     `json:"visit"`
	Site    event.SiteID      `json:"site"`
	Reason  event.AlarmReason `json:"reason"`
	Title   string            `json:"title"`
	Level   event.AlarmLevel  `json:"level" doc:"The highest that it climbed to"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Raised  event.Instant     `json:"raised" format:"date-time"`
	Ended   event.Instant     `json:"ended" format:"date-time" doc:"When nothing alarmed any more; what is known of the doors stands with the visit"`
	// Acknowledged says who had it in hand.
	Acknowledged *Acknowledged `json:"acknowledged,omitempty"`
	Zone         string        `json:"zone,omitempty" doc:"The site's time zone; absent in getDay, which has its own"`
}

// Risk is why a delivery will be refused unless something changes.
type Risk string

// Risks of deliveries to come.
const (
	RiskCourier    Risk = "no-courier"
	RiskConsent    Risk = "no-consent"
	RiskOffline    Risk = "device-offline"
	RiskBattery    Risk = "battery-low"
	RiskUnenrolled Risk = "not-enrolled"
	RiskCamera     Risk = "no-camera"
	RiskJammed     Risk = "jammed"
	RiskPhone      Risk = "other-phone"
	RiskSuspended  Risk = "courier-suspended"
)

// Upcoming is a delivery that comes next, and what stands against it.
type Upcoming struct {
	Delivery event.DeliveryID `json:"delivery"`
	Site     event.SiteID     `json:"site"`
	Zone     string           `json:"zone"`
	Window   Span             `json:"window"`
	Carrier  event.CarrierID  `json:"carrier"`
	Courier  event.CourierID  `json:"courier,omitempty"`
	// Kinds of barriers on the way in.
	Kinds []event.BarrierKind `json:"kinds" doc:"The barriers of the way in, from the street inwards"`
	Risks []UpcomingRisk      `json:"risks"`
}

// UpcomingRisk is one thing that stands against a delivery.
type UpcomingRisk struct {
	Risk    Risk              `json:"risk"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Is      event.BarrierKind `json:"is,omitempty"`
	Device  event.DeviceID    `json:"device,omitempty"`
}

// closedStays is how long an alarm that ended stays on the board; soon how far the board looks ahead.
const (
	closedStays = event.Minute
	soon        = event.Hour
	// boardAtOnce is how many rows are read at once.
	boardAtOnce = 200
)

func (a *API) registerBoard() {
	forClient(a, route{method: http.MethodGet, path: "/v1/board", id: "getBoard", summary: "What is under way",
		about: "For operators. Addresses are for keys with `sites:read`, and each reading of them is recorded and shown to the household.",
		tag:   "Board", scope: auth.DeliveriesRead}, a.GetBoard)
}

// GetBoardInput is what GetBoard takes.
type GetBoardInput struct {
	Zone string `query:"zone" maxLength:"64" doc:"Whose midnight the numbers of today begin at; UTC when absent" example:"Europe/Paris"`
}

// GetBoard is the operation getBoard: what is under way.
func (a *API) GetBoard(ctx context.Context, c auth.Client, in *GetBoardInput) (*struct{ Body Board }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	zone, err := zoneNamed("query.zone", in.Zone)
	if err != nil {
		return nil, err
	}
	b := Board{Now: event.InstantOf(a.Now()), Closed: []ClosedAlarm{}, Next: []Upcoming{}}
	states := stateCache{api: a, known: map[event.SiteID]site.State{}}
	if b.Visits, err = a.boardVisits(ctx, c, &states); err != nil {
		return nil, err
	}
	from, to := dayAround(b.Now, zone)
	facts, err := a.factsSince(ctx, from, b.Now)
	if err != nil {
		return nil, err
	}
	if b.Today, err = a.numbersOf(ctx, facts, from, to); err != nil {
		return nil, err
	}
	if b.Closed, err = a.closedAlarms(ctx, &states, facts, b.Now); err != nil {
		return nil, err
	}
	if err := a.nextHour(ctx, &states, &b); err != nil {
		return nil, err
	}
	return &struct{ Body Board }{b}, nil
}

// zoneNamed reads the name of a time zone; UTC without one.
func zoneNamed(field, name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, invalid(field, "not a time zone of the IANA database, such as Europe/Paris")
	}
	return zone, nil
}

// dayAround is when the day of an instant begins and ends in a zone; with daylight saving that is not always 24 hours.
func dayAround(at event.Instant, zone *time.Location) (from, to event.Instant) {
	t := at.Time().In(zone)
	return midnight(t.Year(), t.Month(), t.Day(), zone), midnight(t.Year(), t.Month(), t.Day()+1, zone)
}

func midnight(year int, month time.Month, day int, zone *time.Location) event.Instant {
	return event.InstantOf(time.Date(year, month, day, 0, 0, 0, 0, zone))
}

// boardVisits are the visits under way, as their sites' own states say; the list only finds them.
func (a *API) boardVisits(ctx context.Context, c auth.Client, states *stateCache) ([]BoardVisit, error) {
	shown := []BoardVisit{}
	for after := ""; ; {
		rows, next, err := a.Dispatch.Underway(ctx, after, boardAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			state, err := states.of(ctx, row.Site)
			if err != nil {
				return nil, err
			}
			v, ok := state.Visit(row.Visit)
			if !ok {
				continue
			}
			one, err := a.boardVisit(ctx, c, state, v)
			if err != nil {
				return nil, err
			}
			shown = append(shown, *one)
		}
		if after = next; next == "" {
			break
		}
	}
	slices.SortFunc(shown, func(x, y BoardVisit) int {
		return cmp.Or(cmp.Compare(x.openKey(), y.openKey()), cmp.Compare(x.Begun, y.Begun), cmp.Compare(x.ID, y.ID))
	})
	return shown, nil
}

// openKey sorts by how long something has stood open, and then what has opened nothing.
func (v BoardVisit) openKey() event.Instant {
	if v.Opened == 0 {
		return 1 << 60
	}
	return v.Opened
}

// boardVisit shows a visit without what is only between the household and its courier. Where it is, is shown as far as
// the key reaches, and only if that look can be recorded.
func (a *API) boardVisit(ctx context.Context, c auth.Client, s site.State, v site.Visit) (*BoardVisit, error) {
	full, err := a.visitShown(ctx, s, v)
	if err != nil {
		return nil, err
	}
	shown := &BoardVisit{Visit: *full, Opened: openedSince(v), Phase: phaseOf(v)}
	shown.Watchable = c.Require(auth.PicturesRead) == nil && site.WatchableByOperator(s, v)
	for i := range shown.Deliveries {
		d := &shown.Deliveries[i]
		d.PlanB, d.Fallbacks, d.Questions = nil, nil, nil
	}
	if shown.Place != nil {
		shown.Place.Note = ""
	}
	if shown.Place != nil && !a.maySeePlace(ctx, c, s.Site) {
		shown.Place, shown.Where = nil, nil
	}
	if namesTo(c) {
		rec, _, err := a.courierRecord(ctx, v.Courier)
		if err != nil {
			return nil, err
		}
		if shown.CourierName, err = a.courierName(ctx, v.Courier, rec); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// maySeePlace says whether a client is shown where a visit is.
func (a *API) maySeePlace(ctx context.Context, c auth.Client, at event.SiteID) bool {
	if c.Require(auth.SitesRead) != nil {
		return false
	}
	if err := a.lookOnce(ctx, c, at, "address and position of a visit under way"); err != nil {
		a.Log.WarnContext(ctx, "a look could not be recorded, and nothing was shown", "site", at, "error", err)
		return false
	}
	return true
}

// openedSince is since when something may stand open because of a visit; 0 while nothing does.
func openedSince(v site.Visit) event.Instant {
	var since event.Instant
	for _, p := range v.Steps {
		if p.Intended == 0 || p.Outcome == event.NotDone || p.Secured != 0 || p.By == event.PermitCode && p.Shown == 0 {
			continue
		}
		if began := max(p.Began, p.Shown); since == 0 || began < since {
			since = began
		}
	}
	return since
}

func phaseOf(v site.Visit) Phase {
	switch {
	case v.Danger && v.TakenOver == "":
		return PhaseDanger
	case v.TakenOver != "":
		return PhaseTakenOver
	case !opened(v) && v.Arrived == 0 && v.Scanned == 0:
		return PhaseComing
	case !opened(v):
		return PhaseArrived
	case openedSince(v) == 0:
		return PhaseSecured
	case v.Closing || v.Deposited:
		return PhaseLeaving
	case slices.ContainsFunc(v.Steps, func(p site.Step) bool { return p.Opened != 0 }):
		return PhaseInside
	default:
		return PhaseOpening
	}
}

// factsSince are what happened between two instants, in order.
func (a *API) factsSince(ctx context.Context, from, to event.Instant) ([]dispatch.Fact, error) {
	var all []dispatch.Fact
	for day := from; dispatch.DayOf(day) <= dispatch.DayOf(to); day = day.Add(event.Day) {
		for after := ""; ; {
			facts, next, err := a.Dispatch.Facts(ctx, dispatch.DayOf(day), after, 500)
			if err != nil {
				return nil, err
			}
			for _, f := range facts {
				if f.At >= from && f.At <= to {
					all = append(all, f)
				}
			}
			if after = next; next == "" {
				break
			}
		}
	}
	return all, nil
}

// closedAlarms are those that ended a moment ago.
func (a *API) closedAlarms(ctx context.Context, states *stateCache, facts []dispatch.Fact, now event.Instant) ([]ClosedAlarm, error) {
	closed := []ClosedAlarm{}
	for _, f := range slices.Backward(facts) {
		if f.Alarm == nil || now.Since(f.Alarm.Ended) >= closedStays {
			continue
		}
		state, err := states.of(ctx, f.Site)
		if err != nil {
			return nil, err
		}
		one := closedAlarm(ctx, f)
		one.Zone = state.Zone
		closed = append(closed, one)
	}
	return closed, nil
}

func closedAlarm(ctx context.Context, f dispatch.Fact) ClosedAlarm {
	alarm := f.Alarm
	return ClosedAlarm{Visit: f.Visit, Site: f.Site, Reason: alarm.Reason, Title: callOf(ctx).lang.AlarmAt(alarm.Is, alarm.Reason, nil).Title, Level: alarm.Level,
		Barrier: alarm.Barrier, Raised: alarm.Raised, Ended: alarm.Ended, Acknowledged: acknowledgedBy(alarm.Owner, alarm.Owned)}
}

// nextHour finds the deliveries of the next hour, those whose window has begun, and when the next one after that begins.
func (a *API) nextHour(ctx context.Context, states *stateCache, b *Board) error {
	// A window is at most a week long.
	var failed error
	err := a.eachOn(ctx, b.Now.Add(-7*event.Day), b.Now.Add(event.Day), func(s dispatch.Summary) bool {
		failed = a.considerNext(ctx, states, b, s)
		return failed == nil && b.NextAt == 0
	})
	if failed != nil {
		return failed
	}
	return err
}

func (a *API) considerNext(ctx context.Context, states *stateCache, b *Board, s dispatch.Summary) error {
	if ended(s.Status) || s.Status == dispatch.StatusVisiting || s.Status == dispatch.StatusBlocked || s.Window.To <= b.Now {
		return nil
	}
	if s.Window.From > b.Now.Add(soon) {
		b.NextAt = s.Window.From
		return nil
	}
	state, err := states.of(ctx, s.Site)
	if err != nil {
		return err
	}
	d, stands := state.Delivery(s.Delivery)
	if !stands {
		return nil
	}
	up, err := a.upcoming(ctx, state, d)
	if err == nil {
		b.Next = append(b.Next, up)
	}
	return err
}

// ended says whether a delivery has come to its end.
func ended(s dispatch.Status) bool {
	switch s {
	case dispatch.StatusDelivered, dispatch.StatusDiverted, dispatch.StatusReturned, dispatch.StatusCancelled, dispatch.StatusExpired:
		return true
	default:
		return false
	}
}

func (a *API) upcoming(ctx context.Context, s site.State, d site.Delivery) (Upcoming, error) {
	up := Upcoming{Delivery: d.ID, Site: s.Site, Zone: s.Zone, Window: spanShown(d.Window), Carrier: d.Carrier, Courier: d.Courier,
		Kinds: []event.BarrierKind{}, Risks: []UpcomingRisk{}}
	if err := a.courierRisks(ctx, d, &up); err != nil {
		return up, err
	}
	if !d.Consented {
		up.Risks = append(up.Risks, UpcomingRisk{Risk: RiskConsent})
	}
	ap, _ := s.AccessPoint(d.AccessPoint)
	for _, ref := range ap.WayIn {
		b, err := a.onTheWay(ctx, s, ref.Barrier)
		if err != nil {
			return up, err
		}
		up.Kinds = append(up.Kinds, b.Is)
		up.Risks = append(up.Risks, a.barrierRisks(b)...)
	}
	if s.Rules.Camera && !s.Filmed(d.AccessPoint) {
		up.Risks = append(up.Risks, UpcomingRisk{Risk: RiskCamera})
	}
	return up, nil
}

func (a *API) courierRisks(ctx context.Context, d site.Delivery, up *Upcoming) error {
	if d.Courier == "" {
		up.Risks = append(up.Risks, UpcomingRisk{Risk: RiskCourier})
		return nil
	}
	rec, _, err := a.courierRecord(ctx, d.Courier)
	if err != nil {
		return err
	}
	if rec.SuspendedAt != 0 {
		up.Risks = append(up.Risks, UpcomingRisk{Risk: RiskSuspended})
		return nil
	}
	b, err := a.Couriers.Binding(ctx, d.Courier)
	if err == nil && (b.Key != d.Key || b.RevokedAt != 0) {
		up.Risks = append(up.Risks, UpcomingRisk{Risk: RiskPhone})
	}
	return err
}

// barrierRisks says what stands against opening a barrier. One that another site lends tells only whether it can be
// reached.
func (a *API) barrierRisks(b site.Barrier) (risks []UpcomingRisk) {
	say := func(r Risk) {
		risks = append(risks, UpcomingRisk{Risk: r, Barrier: b.ID, Is: b.Is, Device: b.Spec.Device})
	}
	switch {
	case !b.Enrolled:
		say(RiskUnenrolled)
	case a.Dispatch.Reach(b.Spec.Device) == event.ReachOffline:
		say(RiskOffline)
	case b.Bolt == event.BoltJammed:
		say(RiskJammed)
	}
	if b.LowBattery {
		say(RiskBattery)
	}
	return risks
}

// GetBoardVisitInput is what GetBoardVisit takes.
type GetBoardVisitInput struct {
	Visit event.VisitID `path:"visit" maxLength:"64"`
}

// GetBoardVisit is the operation getBoardVisit: one visit, as the board shows it, ended or not.
func (a *API) GetBoardVisit(ctx context.Context, c auth.Client, in *GetBoardVisitInput) (*struct{ Body BoardVisit }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	s, err := a.Dispatch.Load(ctx, event.SiteOf(in.Visit))
	if err != nil {
		return nil, err
	}
	if v, ok := s.Visit(in.Visit); ok {
		shown, err := a.boardVisit(ctx, c, s, v)
		if err != nil {
			return nil, err
		}
		return &struct{ Body BoardVisit }{*shown}, nil
	}
	over, err := a.endedVisit(ctx, in.Visit)
	if err != nil {
		return nil, err
	}
	over.Zone, over.Now = s.Zone, event.InstantOf(a.Now())
	return &struct{ Body BoardVisit }{BoardVisit{Visit: *over}}, nil
}
