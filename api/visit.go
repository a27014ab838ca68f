package api

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

// Visit is a courier at an access point, as the courier and the household see it.
type Visit struct {
	ID          event.VisitID       `json:"id"`
	Site        event.SiteID        `json:"site"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	CourierName string              `json:"courierName,omitempty"`
	// Rehearsal is the member who tries the way in.
	Rehearsal  event.MemberID  `json:"rehearsal,omitempty"`
	Begun      event.Instant   `json:"begun" format:"date-time"`
	ETA        event.Instant   `json:"eta,omitempty" format:"date-time"`
	Arrived    event.Instant   `json:"arrived,omitempty" format:"date-time"`
	Deliveries []VisitDelivery `json:"deliveries"`
	Steps      []Step          `json:"steps" doc:"The way in, from the street inwards"`
	Deposited  bool            `json:"deposited,omitempty" doc:"The courier said that the parcels were put down"`
	Closing    bool            `json:"closing,omitempty" doc:"The courier is out: everything is to be shut"`
	Suspended  bool            `json:"suspended,omitempty"`
	Danger     bool            `json:"danger,omitempty" doc:"The courier left in danger"`
	// TakenOver is the present member who took charge.
	TakenOver event.MemberID `json:"takenOver,omitempty"`
	Alarm     *Alarm         `json:"alarm,omitempty"`
	// Filmed from the approach until everything is secured.
	Filmed  bool      `json:"filmed,omitempty" doc:"The visit is filmed from the approach until everything is secured"`
	Picture *Picture  `json:"picture,omitempty" doc:"What its camera shows now"`
	Ended   *VisitEnd `json:"ended,omitempty" doc:"How the visit ended; absent while it is under way"`
	Zone    string    `json:"zone,omitempty" doc:"The site's time zone"`
	// Now is what the ages of everything here are to be counted from: no phone's clock is right.
	Now   event.Instant `json:"now,omitempty" format:"date-time" doc:"The server's time of this answer"`
	Ready *Ready        `json:"ready,omitempty" doc:"Whether the way in could be opened now, as far as its devices go; absent once something was opened"`
	// MayLeave is what a request to leave would be answered if it were made now.
	MayLeave bool `json:"mayLeave,omitempty" doc:"The courier may go: everything is secured, or nothing was opened"`
	// Car of the visit, if it goes to one.
	Car   *VisitCar   `json:"car,omitempty" doc:"The car, if the visit goes to one; what tells it from others is shown by getVisitCar alone"`
	Place *VisitPlace `json:"place,omitempty" doc:"Where it is; while the visit is under way for a delivery"`
	Where *Where      `json:"where,omitempty" doc:"Where the courier is; until the arrival, for the household"`
}

// VisitDelivery is one delivery of a visit.
type VisitDelivery struct {
	Delivery  event.DeliveryID `json:"delivery"`
	Parcels   []Parcel         `json:"parcels"`
	DoNotRing bool             `json:"doNotRing,omitempty"`
	KeepCold  bool             `json:"keepCold,omitempty"`
	Whole     bool             `json:"whole,omitempty"`
	Blocked   bool             `json:"blocked,omitempty"`
	TooLarge  bool             `json:"tooLarge,omitempty" doc:"It does not fit there, and is not left there"`
	PlanB     *PlanB           `json:"planB,omitempty" doc:"What comes next, if it can't be left as planned"`
	// Steps of plan B, in the household's order; the depot is always the last.
	Fallbacks []PlanBStep `json:"fallbacks,omitempty" doc:"All of plan B, in order"`
	Questions []Question  `json:"questions,omitempty" doc:"What the household was asked, and answered"`
}

// Step is one barrier of the way in: what was asked of it, what was recorded of that, and what its device said.
type Step struct {
	Barrier  event.BarrierID   `json:"barrier"`
	Is       event.BarrierKind `json:"is,omitempty"`
	Name     string            `json:"name,omitempty" doc:"The kind of barrier, in the reader's language"`
	By       event.PermitType  `json:"by" doc:"remote: Loquet opens it. code: a one-time code does"`
	Asked    *Asked            `json:"asked,omitempty" doc:"The order to open; absent while there is none"`
	Recorded *Recorded         `json:"recorded,omitempty" doc:"What became of that order; absent while nobody knows"`
	Seen     Seen              `json:"seen" doc:"What the device said last"`
	// Secured is since when the closure predicate holds on fresh evidence; absent while it does not.
	Secured  event.Instant `json:"secured,omitempty" format:"date-time"`
	Provable bool          `json:"provable" doc:"Whether anything can prove it shut"`
	Ajar     bool          `json:"ajar,omitempty" doc:"The bolt is out, and the door is not shut"`
	Secures  bool          `json:"secures,omitempty" doc:"It can be shut by order"`
	// FreeUntil is when a trunk's handle that was freed is locked again.
	FreeUntil event.Instant `json:"freeUntil,omitempty" format:"date-time" doc:"Until when the trunk's handle is free; absent while it is not, and once the trunk was opened"`
	ShutBy    event.Instant `json:"shutBy,omitempty" format:"date-time" doc:"When it will have stood open for too long, or has; absent while it is shut"`
}

// Asked is the one order to open a barrier.
type Asked struct {
	At       event.Instant `json:"at" format:"date-time"`
	Deadline event.Instant `json:"deadline" format:"date-time" doc:"When the command or the code becomes void"`
	// Recovery reopens a barrier that stood ajar.
	Recovery bool `json:"recovery,omitempty"`
	// Shown is when a one-time code was first shown; Over that the device is to forget it.
	Shown event.Instant `json:"shown,omitempty" format:"date-time"`
	Over  bool          `json:"over,omitempty"`
}

// Recorded is what became of an order to open.
type Recorded struct {
	Outcome event.Outcome `json:"outcome" doc:"done, not-done, or unknown: it may have happened"`
	Opened  event.Instant `json:"opened,omitempty" format:"date-time" doc:"When it is known to have been opened"`
}

// Seen is what a barrier's device said last.
type Seen struct {
	Bolt      event.Bolt    `json:"bolt,omitempty"`
	BoltAt    event.Instant `json:"boltAt,omitempty" format:"date-time" doc:"Absent when it is a stored copy of unknown age"`
	Contact   event.Contact `json:"contact,omitempty"`
	ContactAt event.Instant `json:"contactAt,omitempty" format:"date-time" doc:"Absent when it is a stored copy of unknown age"`
	// BoltOwn and ContactOwn are by the device's clock, which may be wrong.
	BoltOwn    event.Instant `json:"boltOwn,omitempty" format:"date-time" doc:"The device's own time of what its bolt says; absent when it gave none"`
	ContactOwn event.Instant `json:"contactOwn,omitempty" format:"date-time" doc:"The device's own time of what its contact says; absent when it gave none"`
	Reach      event.Reach   `json:"reach,omitempty"`
	ReachedAt  event.Instant `json:"reachedAt,omitempty" format:"date-time" doc:"When the device last proved reachable"`
	Grade      event.Grade   `json:"grade,omitempty" doc:"proven: from the device itself. reported: through something that could forge it"`
	// Closure is which parts must be seen, fresh, before it counts as shut, and FreshFor how long each stays so.
	Closure  event.Closure `json:"closure" doc:"Which parts prove it shut"`
	FreshFor event.Millis  `json:"freshFor" doc:"How long what was seen stays fresh after reachedAt, in milliseconds. What is no longer fresh is unknown"`
	Text     string        `json:"text,omitempty"`
}

// Alarm is what is wrong in a visit.
type Alarm struct {
	Reason  event.AlarmReason `json:"reason"`
	Barrier event.BarrierID   `json:"barrier,omitempty"`
	Level   event.AlarmLevel  `json:"level" doc:"1: the courier is told. 2: the household too. 3: the operator too"`
	Since   event.Instant     `json:"since" format:"date-time" doc:"When the alarm began"`
	// LevelSince is when it climbed to this level.
	LevelSince   event.Instant `json:"levelSince" format:"date-time" doc:"When it reached this level"`
	Acknowledged *Acknowledged `json:"acknowledged,omitempty" doc:"Who has it in hand; absent while nobody has. It is not solved by that"`
	Title        string        `json:"title"`
	Text         string        `json:"text"`
}

// VisitEnd is how a visit ended.
type VisitEnd struct {
	How   event.VisitEnd `json:"how"`
	At    event.Instant  `json:"at" format:"date-time"`
	Title string         `json:"title"`
	Text  string         `json:"text"`
}

// visitShown shows a visit that is under way.
func (a *API) visitShown(ctx context.Context, s site.State, v site.Visit) (*Visit, error) {
	lang, now := callOf(ctx).lang, event.InstantOf(a.Now())
	shown := &Visit{ID: v.ID, Site: s.Site, AccessPoint: v.AccessPoint, Courier: v.Courier, Rehearsal: v.Member, Begun: v.Begun, ETA: v.ETA,
		Arrived: v.Arrived, Deliveries: []VisitDelivery{}, Steps: []Step{}, Deposited: v.Deposited, Closing: v.Closing, Suspended: v.Suspended,
		Danger: v.Danger, TakenOver: v.TakenOver, Alarm: alarmOf(lang, s, v.Alarm), Filmed: v.Camera != "", Zone: s.Zone, Now: now,
		MayLeave: s.Releasable(v, now), Car: a.carOfVisit(ctx, s, v), Where: a.positions.of(v, now)}
	if v.Camera != "" && a.Film != nil {
		picture := pictureShown(lang, a.Film.Studio.Picture(v.Camera), now)
		shown.Picture = &picture
	}
	for _, fill := range []func(context.Context, site.State, site.Visit, *Visit) error{a.fillVisitDeliveries, a.fillSteps, a.fillPlace} {
		if err := fill(ctx, s, v, shown); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func (a *API) fillVisitDeliveries(ctx context.Context, s site.State, v site.Visit, shown *Visit) error {
	for _, id := range v.Deliveries {
		d, ok := s.Delivery(id)
		if !ok {
			continue
		}
		one, err := a.visitDelivery(ctx, s, d)
		if err != nil {
			return err
		}
		shown.Deliveries = append(shown.Deliveries, one)
	}
	return nil
}

func (a *API) fillSteps(ctx context.Context, s site.State, v site.Visit, shown *Visit) error {
	way := make([]site.Barrier, len(v.Steps))
	for i, p := range v.Steps {
		b, err := a.onTheWay(ctx, s, p.Barrier)
		if err != nil {
			return err
		}
		way[i] = b
		shown.Steps = append(shown.Steps, a.stepOf(callOf(ctx).lang, s, p, b))
	}
	if !opened(v) {
		shown.Ready = a.readyShown(s, way, shown.Picture)
	}
	return nil
}

func (a *API) visitDelivery(ctx context.Context, s site.State, d site.Delivery) (VisitDelivery, error) {
	shown := VisitDelivery{Delivery: d.ID, DoNotRing: d.DoNotRing, KeepCold: d.KeepCold, Whole: d.Whole, Blocked: d.Blocked,
		TooLarge: d.TooLarge, Questions: questionsOf(callOf(ctx).lang, d)}
	kept, _, err := unseal[codes](ctx, a, s.Site, parcelsName(d.ID))
	if err != nil {
		return shown, err
	}
	shown.Parcels = parcelsOf(d, kept)
	if shown.PlanB, err = a.planB(ctx, s, d); err != nil {
		return shown, err
	}
	shown.Fallbacks, err = a.fallbacks(ctx, s, d)
	return shown, err
}

func parcelsOf(d site.Delivery, kept codes) []Parcel {
	shown := make([]Parcel, 0, len(d.Parcels))
	for _, p := range d.Parcels {
		shown = append(shown, Parcel{Parcel: p.Code, LastFour: kept.lastFour(p.Code), Size: p.Size, Scanned: p.Scanned, Missing: p.Missing})
	}
	return shown
}

func alarmOf(lang phrase.Lang, s site.State, a site.Alarm) *Alarm {
	if a.Level == 0 {
		return nil
	}
	b, _ := s.Barrier(a.Barrier)
	words := lang.AlarmAt(b.Is, a.Reason, nil)
	return &Alarm{Reason: a.Reason, Barrier: a.Barrier, Level: a.Level, Since: a.Raised, LevelSince: a.At, Acknowledged: acknowledgedBy(a.Owner, a.Owned),
		Title: words.Title, Text: words.Text()}
}

func (a *API) stepOf(lang phrase.Lang, s site.State, p site.Step, b site.Barrier) Step {
	shown := Step{Barrier: p.Barrier, Is: b.Is, Name: lang.Barrier(b.Is), By: p.By, Seen: a.seenOf(lang, b), Secured: p.Secured,
		Provable: b.Spec.Closure.Provable(), Ajar: b.Bolt == event.BoltLocked && b.Contact == event.ContactOpen, Secures: b.Spec.Secures,
		ShutBy: s.ShutBy(p)}
	shown.Seen.ownSince(p.Intended)
	if p.Intended != 0 {
		shown.Asked = &Asked{At: p.Intended, Deadline: p.Permit.Deadline, Recovery: p.Permit.Recovery, Shown: p.Shown, Over: p.Removing}
	}
	if p.Freed != 0 && p.Opened == 0 {
		shown.FreeUntil = p.Freed.Add(b.Spec.Window)
	}
	if p.Outcome != "" {
		shown.Recorded = &Recorded{Outcome: p.Outcome, Opened: p.Opened}
	}
	return shown
}

// ownSince leaves out what a device said of a time before the order to open: how a car stood then is its household's own.
func (s *Seen) ownSince(order event.Instant) {
	if order == 0 || s.BoltOwn < order {
		s.BoltOwn = 0
	}
	if order == 0 || s.ContactOwn < order {
		s.ContactOwn = 0
	}
}

func (a *API) seenOf(lang phrase.Lang, b site.Barrier) Seen {
	b = a.Dispatch.Fresher(b)
	words := lang.Observed(b.Is, event.Observation{Bolt: b.Bolt, Contact: b.Contact, Reach: b.Reach})
	return Seen{Bolt: b.Bolt, BoltAt: b.BoltAt, Contact: b.Contact, ContactAt: b.ContactAt, BoltOwn: b.BoltOwn,
		ContactOwn: b.ContactOwn, Reach: b.Reach, ReachedAt: b.ReachedAt, Grade: b.Spec.Grade, Closure: b.Spec.Closure, FreshFor: b.Spec.Horizon, Text: sentences(words)}
}

// sentences makes a text of lines that have no full stop.
func sentences(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, ". ") + "."
}

// visitAnswer answers a request about a visit, made from a place if there was one.
func (a *API) visitAnswer(id event.VisitID, place *event.Place) func(context.Context, dispatch.Result) (Answer, error) {
	return func(ctx context.Context, r dispatch.Result) (Answer, error) {
		answer, err := a.answerFrom(ctx, r, place)
		if err != nil || answer.Refused != nil && strange(answer.Refused.Code) {
			return answer, err
		}
		answer.Visit, err = a.visitAfter(ctx, r, id)
		return answer, err
	}
}

// visitAfter shows a visit as a decision left it, which may have ended it.
func (a *API) visitAfter(ctx context.Context, r dispatch.Result, id event.VisitID) (*Visit, error) {
	if v, ok := r.State.Visit(id); ok {
		return a.visitShown(ctx, r.State, v)
	}
	for _, e := range r.Events {
		if b, ok := e.Body.(event.VisitEnded); ok && b.Visit == id {
			return &Visit{ID: id, Site: r.State.Site, Deliveries: []VisitDelivery{}, Steps: []Step{}, Ended: endOf(callOf(ctx).lang, e, b)}, nil
		}
	}
	return nil, nil
}

func endOf(lang phrase.Lang, e event.Event, b event.VisitEnded) *VisitEnd {
	words := lang.End(b.How)
	return &VisitEnd{How: b.How, At: e.At, Title: words.Title, Text: words.Text()}
}

// endedVisit reads from the journal how a visit ended that is no longer in the site's state.
func (a *API) endedVisit(ctx context.Context, id event.VisitID) (*Visit, error) {
	after, err := sequenceOf(id)
	if err != nil {
		return nil, notFound("visit")
	}
	at := event.SiteOf(id)
	shown := &Visit{ID: id, Site: at, Deliveries: []VisitDelivery{}, Steps: []Step{}}
	for after--; ; {
		events, err := a.Dispatch.Events(ctx, at, after, 500)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			after = e.Seq
			if shown.read(callOf(ctx).lang, e); shown.Begun == 0 {
				return nil, notFound("visit")
			}
			if shown.Ended != nil {
				return shown, nil
			}
		}
		if len(events) == 0 {
			return nil, notFound("visit")
		}
	}
}

// read takes what an event says of the visit as a whole.
func (v *Visit) read(lang phrase.Lang, e event.Event) {
	switch b := e.Body.(type) {
	case event.VisitBegun:
		if b.Visit == v.ID {
			v.AccessPoint, v.Courier, v.Rehearsal, v.Begun, v.ETA = b.AccessPoint, b.Courier, b.Member, e.At, b.ETA
			for _, d := range b.Deliveries {
				v.Deliveries = append(v.Deliveries, VisitDelivery{Delivery: d, Parcels: []Parcel{}})
			}
		}
	case event.VisitArrived:
		if b.Visit == v.ID {
			v.Arrived = e.At
		}
	case event.DepositRecorded:
		v.Deposited = v.Deposited || b.Visit == v.ID
	case event.VisitEnded:
		if b.Visit == v.ID {
			v.Ended = endOf(lang, e, b)
		}
	}
}

// sequenceOf is the sequence of the event that created what the identifier names.
func sequenceOf[T ~string](id T) (uint64, error) {
	_, rest, _ := strings.Cut(string(id), "-")
	if len(rest) < 2 {
		return 0, errors.New("no sequence")
	}
	return strconv.ParseUint(rest[1:], 10, 63)
}
