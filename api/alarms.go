package api

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Acknowledged says who has an alarm in hand. The alarm is not solved by that.
type Acknowledged struct {
	By string        `json:"by" doc:"The identity of whoever has it, such as an operator's"`
	At event.Instant `json:"at" format:"date-time"`
}

// AlarmOwner is the answer to whoever acknowledges an alarm: it has one owner.
type AlarmOwner struct {
	Visit event.VisitID `json:"visit"`
	Yours bool          `json:"yours" doc:"False when somebody else has it in hand already"`
	Alarm Alarm         `json:"alarm"`
}

// AlarmOwnerOutput is an AlarmOwner.
type AlarmOwnerOutput struct{ Body AlarmOwner }

func (a *API) registerAlarms() {
	forClient(a, route{method: http.MethodPost, path: "/v1/visits/{visit}/acknowledge", id: "acknowledgeAlarm", summary: "Take an alarm in hand",
		about: "For operators. The first to ask owns the alarm, the next is told who has it. It climbs on as before, and ends on evidence alone.",
		tag:   "Alarms", scope: auth.AlarmsWrite}, a.AcknowledgeAlarm)
}

// AcknowledgeAlarm takes the alarm of a visit in hand, or says who has it.
func (a *API) AcknowledgeAlarm(ctx context.Context, c auth.Client, in *NothingInput) (*AlarmOwnerOutput, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	o := byClient(c, event.SiteOf(in.Visit), site.AcknowledgeAlarm{Visit: in.Visit})
	o.natural = true // who owns it is asked anew
	owner, err := decide(ctx, a, o, func(ctx context.Context, r dispatch.Result) (AlarmOwner, error) {
		v, _ := r.State.Visit(in.Visit)
		alarm := alarmOf(callOf(ctx).lang, r.State, v.Alarm)
		if alarm == nil {
			return AlarmOwner{}, site.ErrUnknown
		}
		return AlarmOwner{Visit: v.ID, Yours: v.Alarm.Owner == c.Actor(), Alarm: *alarm}, nil
	})
	return &AlarmOwnerOutput{owner}, err
}

func acknowledgedBy(who event.Actor, at event.Instant) *Acknowledged {
	if at == 0 {
		return nil
	}
	return &Acknowledged{By: who.ID, At: at}
}
