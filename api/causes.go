package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Cause is what an alarm came from, as the operator's staff found afterwards.
type Cause string

// Causes of alarms.
const (
	CauseNotPulled Cause = "not-pulled"
	CauseStuck     Cause = "stuck"
	CauseReopened  Cause = "opened-again"
	CauseSilent    Cause = "device-silent"
	CauseWrong     Cause = "device-wrong"
	CauseCamera    Cause = "camera"
	CauseDanger    Cause = "danger"
	CauseHousehold Cause = "household"
	CauseExercise  Cause = "exercise"
	CauseOther     Cause = "other"
)

// CauseRequest closes the file of an alarm that is over.
type CauseRequest struct {
	Cause Cause  `json:"cause" enum:"not-pulled,stuck,opened-again,device-silent,device-wrong,camera,danger,household,exercise,other" doc:"not-pulled: the door was not pulled shut. stuck: it could not be. device-silent: lock or sensor did not answer. device-wrong: they said what was not so. household: it was the household's doing"`
	Note  string `json:"note,omitempty" maxLength:"200" doc:"Sealed, and erased after 90 days"`
}

// AlarmCause is what an alarm came from.
type AlarmCause struct {
	Visit event.VisitID `json:"visit"`
	Cause Cause         `json:"cause"`
	Note  string        `json:"note,omitempty" doc:"Absent once it was erased"`
	By    string        `json:"by" doc:"The identity of whoever said so"`
	At    event.Instant `json:"at" format:"date-time"`
}

// AlarmCauseOutput is an AlarmCause.
type AlarmCauseOutput struct{ Body AlarmCause }

// CloseAlarmInput is what CloseAlarm takes.
type CloseAlarmInput struct {
	Idempotent
	VisitPath
	Body CauseRequest
}

// AlarmOfDay is an alarm that was raised on a day and has ended.
type AlarmOfDay struct {
	Visit        event.VisitID     `json:"visit"`
	Site         event.SiteID      `json:"site"`
	Reason       event.AlarmReason `json:"reason"`
	Title        string            `json:"title"`
	Barrier      event.BarrierID   `json:"barrier,omitempty"`
	Level        event.AlarmLevel  `json:"level" doc:"The highest that it climbed to"`
	Raised       event.Instant     `json:"raised" format:"date-time"`
	Ended        event.Instant     `json:"ended" format:"date-time"`
	Acknowledged *Acknowledged     `json:"acknowledged,omitempty"`
	Cause        Cause             `json:"cause,omitempty" doc:"Absent while its file is open. One for all alarms of a visit"`
	Zone         string            `json:"zone" doc:"The site's time zone"`
}

// AlarmsOfDay is a page of alarms.
type AlarmsOfDay struct {
	Alarms []AlarmOfDay `json:"alarms" doc:"In the order in which they were raised"`
	Next   string       `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

// ListAlarmsInput says which alarms are wanted.
type ListAlarmsInput struct {
	Cursor string       `query:"cursor" maxLength:"200" doc:"The next of the page before"`
	Day    dispatch.Day `query:"day" required:"true" minLength:"10" maxLength:"10" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"In UTC" example:"2027-03-01"`
}

func (a *API) registerCauses() {
	forClient(a, route{method: http.MethodGet, path: "/v1/alarms", id: "listAlarms", summary: "List the alarms of a day",
		about: "For operators: those that were raised on it and have ended. A page may have fewer than asked for though more follow.",
		tag:   "Alarms", scope: auth.JournalsRead}, a.ListAlarms)
	forClient(a, route{method: http.MethodPost, path: "/v1/alarms/{visit}/cause", id: "closeAlarm", summary: "Say what an alarm came from",
		about: "For operators, once it is over; again, to correct it.", tag: "Alarms", scope: auth.AlarmsWrite}, a.CloseAlarm)
	forClient(a, route{method: http.MethodGet, path: "/v1/alarms/{visit}/cause", id: "getAlarmCause", summary: "Read what an alarm came from",
		about: "For operators. Looking is recorded.", tag: "Alarms", scope: auth.StoriesRead}, a.GetAlarmCause)
}

// causesPartition holds what alarms came from, by visit, without the notes.
const causesPartition = "alarm-causes"

// noteKept is how long a note is kept.
const noteKept = 90 * event.Day

func noteName(v event.VisitID) string { return "alarm-note/" + string(v) }

// CloseAlarm is the operation closeAlarm: say what an alarm came from.
func (a *API) CloseAlarm(ctx context.Context, c auth.Client, in *CloseAlarmInput) (*AlarmCauseOutput, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if err := a.alarmOver(ctx, in.Visit); err != nil {
		return nil, err
	}
	at := event.SiteOf(in.Visit)
	said := AlarmCause{Visit: in.Visit, Cause: in.Body.Cause, By: c.Identity(), At: event.InstantOf(a.Now())}
	keep := func(dispatch.Result) (more dispatch.Attachments, err error) {
		data, err := json.Marshal(said)
		if err != nil {
			return more, fmt.Errorf("api: a cause: %w", err)
		}
		more.Rows = []store.Row{{Partition: causesPartition, Key: string(in.Visit), Data: data}}
		note := store.Value{Name: noteName(in.Visit)}
		if in.Body.Note != "" {
			if note, err = seal(ctx, a, at, note.Name, in.Body.Note, said.At.Add(noteKept)); err != nil {
				return more, err
			}
		}
		more.Values = []store.Value{note}
		return more, nil
	}
	o := order{by: scoped(c), site: at, do: site.Tick{}, facts: site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}}
	closed, err := decide(ctx, a, o.attach(keep), func(context.Context, dispatch.Result) (AlarmCause, error) {
		shown := said
		shown.Note = in.Body.Note
		return shown, nil
	})
	return &AlarmCauseOutput{closed}, err
}

// alarmOver is nil for a visit that had an alarm, and has none any more.
func (a *API) alarmOver(ctx context.Context, id event.VisitID) error {
	if event.CheckID(id, 'v') != nil {
		return notFound("visit")
	}
	s, err := a.known(ctx, event.SiteOf(id))
	if err != nil {
		return err
	}
	if v, _ := s.Visit(id); v.Alarm.Level != 0 {
		return problem(http.StatusConflict, "conflict", "The alarm still stands. Nothing was done. It ends on evidence; say then what it came from.")
	}
	raised := false
	err = a.eachEvent(ctx, s.Site, event.SeqOf(id)-1, func(e event.Event) (more bool) {
		b, is := e.Body.(event.AlarmRaised)
		over, ends := e.Body.(event.VisitEnded)
		raised = raised || is && b.Visit == id
		return !raised && !(ends && over.Visit == id)
	})
	if err == nil && !raised {
		err = notFound("alarm")
	}
	return err
}

// causeOf returns what a visit's alarm came from, without its note; known is false while nobody said.
func (a *API) causeOf(ctx context.Context, id event.VisitID) (c AlarmCause, known bool, err error) {
	row, err := a.Store.Row(ctx, causesPartition, string(id))
	if errors.Is(err, store.ErrNotFound) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	return c, true, decodeRow(row, &c)
}

// GetAlarmCause is the operation getAlarmCause: read what an alarm came from.
func (a *API) GetAlarmCause(ctx context.Context, c auth.Client, in *VisitPath) (*AlarmCauseOutput, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	said, known, err := a.causeOf(ctx, in.Visit)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, notFound("cause")
	}
	if err := a.look(ctx, c, event.SiteOf(in.Visit), "the note on the alarm of visit "+string(in.Visit)); err != nil {
		return nil, err
	}
	said.Note, _, err = unseal[string](ctx, a, event.SiteOf(in.Visit), noteName(in.Visit))
	return &AlarmCauseOutput{said}, err
}

// ListAlarms is the operation listAlarms: list the alarms of a day.
func (a *API) ListAlarms(ctx context.Context, c auth.Client, in *ListAlarmsInput) (*struct{ Body AlarmsOfDay }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	after, err := Page{Cursor: in.Cursor}.key()
	if err != nil {
		return nil, err
	}
	facts, next, err := a.Dispatch.Facts(ctx, in.Day, after, factsAtOnce)
	if err != nil {
		return nil, err
	}
	shown, states := AlarmsOfDay{Alarms: []AlarmOfDay{}}, stateCache{api: a, known: map[event.SiteID]site.State{}}
	if next != "" {
		shown.Next = cursor(next)
	}
	for _, f := range facts {
		if f.Alarm == nil {
			continue
		}
		one, err := a.alarmOfDay(ctx, &states, f)
		if err != nil {
			return nil, err
		}
		shown.Alarms = append(shown.Alarms, one)
	}
	return &struct{ Body AlarmsOfDay }{shown}, nil
}

// factsAtOnce is how many facts of a day are looked through for one page.
const factsAtOnce = 1000

func (a *API) alarmOfDay(ctx context.Context, states *stateCache, f dispatch.Fact) (AlarmOfDay, error) {
	state, err := states.of(ctx, f.Site)
	if err != nil {
		return AlarmOfDay{}, err
	}
	said, _, err := a.causeOf(ctx, f.Visit)
	return AlarmOfDay{Visit: f.Visit, Site: f.Site, Reason: f.Alarm.Reason, Title: callOf(ctx).lang.AlarmAt(f.Alarm.Is, f.Alarm.Reason, nil).Title,
		Barrier: f.Alarm.Barrier, Level: f.Alarm.Level, Raised: f.Alarm.Raised, Ended: f.Alarm.Ended,
		Acknowledged: acknowledgedBy(f.Alarm.Owner, f.Alarm.Owned), Cause: said.Cause, Zone: state.Zone}, err
}
