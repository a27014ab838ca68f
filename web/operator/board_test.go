package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestAQuietBoard(t *testing.T) {
	t.Parallel()
	o := open(t)
	ana := o.staff("Ana", auth.Viewer)
	ana.shows("/operator/", "No alarm.", "No visit now.")
}

// The row of a visit speaks of the barrier that its alarm is about, else of the innermost that may stand open, else of
// the next to be opened.
func TestTheBarrierThatMatters(t *testing.T) {
	asked, done, not := &api.Asked{At: 1}, &api.Recorded{Outcome: event.Done}, &api.Recorded{Outcome: event.NotDone}
	step := func(id event.BarrierID, asked *api.Asked, recorded *api.Recorded, secured event.Instant) api.Step {
		return api.Step{Barrier: id, By: event.PermitRemote, Asked: asked, Recorded: recorded, Secured: secured}
	}
	code := api.Step{Barrier: "flat", By: event.PermitCode, Asked: asked}
	for what, c := range map[string]struct {
		steps []api.Step
		alarm *api.Alarm
		want  event.BarrierID
	}{
		"nothing is opened":                        {[]api.Step{step("lobby", nil, nil, 0), step("flat", nil, nil, 0)}, nil, "lobby"},
		"the lobby is open":                        {[]api.Step{step("lobby", asked, done, 0), step("flat", nil, nil, 0)}, nil, "lobby"},
		"both are open":                            {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, done, 0)}, nil, "flat"},
		"both are open, the lobby is ajar":         {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, done, 0)}, &api.Alarm{Barrier: "lobby"}, "lobby"},
		"the flat is shut, the lobby not":          {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, done, 9)}, nil, "lobby"},
		"the flat's order did nothing":             {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, not, 0)}, nil, "lobby"},
		"the flat's code was shown to nobody":      {[]api.Step{step("lobby", asked, done, 0), code}, nil, "lobby"},
		"the lobby is shut, nothing else opened":   {[]api.Step{step("lobby", asked, done, 9), step("flat", nil, nil, 0)}, nil, "flat"},
		"an alarm of no barrier, both are open":    {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, done, 0)}, &api.Alarm{}, "flat"},
		"everything is shut":                       {[]api.Step{step("lobby", asked, done, 9), step("flat", asked, done, 9)}, nil, "flat"},
		"what became of the order nobody knows":    {[]api.Step{step("lobby", asked, done, 0), step("flat", asked, nil, 0)}, nil, "flat"},
		"the only order did nothing: it is next":   {[]api.Step{step("lobby", asked, not, 0), step("flat", nil, nil, 0)}, nil, "lobby"},
		"a code that was not removed, all is shut": {[]api.Step{step("lobby", asked, done, 9), step("flat", asked, done, 9)}, &api.Alarm{Barrier: "lobby"}, "lobby"},
	} {
		if got := operator.FocusOf(api.Visit{Steps: c.steps, Alarm: c.alarm}); got == nil || got.Barrier != c.want {
			t.Errorf("%s: %+v, not the %s", what, got, c.want)
		}
	}
	if got := operator.FocusOf(api.Visit{}); got != nil {
		t.Errorf("no way in: %+v", got)
	}
}

// An alarm that ended because its cause did, with the door still open, leaves nothing green behind.
func TestAnAlarmIsOverAndTheDoorIsOpen(t *testing.T) {
	t.Parallel()
	o := open(t)
	h, anna := o.Household("Camille"), o.Courier("anna")
	vera := o.staff("Vera", auth.Viewer)
	v := anna.Enter(o.Assigned(h, anna))
	h.Door.HandLock() // the bolt is out, and the door is open
	indoors.AwaitWhere(o.Installation, h.Site, func(a event.AlarmRaised) bool { return a.Reason == event.AlarmAjar })
	h.Door.Hand()
	indoors.AwaitWhere(o.Installation, h.Site, func(a event.AlarmEnded) bool { return a.Visit == v })
	body := vera.shows(visitAt(v), "Nothing alarms any more")
	if strings.Contains(body, `data-state="secured"`) {
		t.Error("the visit is green, with the door open")
	}
	board := vera.shows("/operator/", "over since")
	if row := uitest.ID(uitest.Parse(t, board), "closed-"+string(v)); strings.Contains(uitest.Text(row), "evidence") {
		t.Errorf("the row says %q", uitest.Text(row))
	}
	if strings.Contains(board, "state-secured") || strings.Contains(board, `data-state="secured"`) {
		t.Error("the board is green, with the door open")
	}
}

// Times are those of the place, wherever the office is.
func TestTimesAreOfThePlace(t *testing.T) {
	t.Parallel()
	o := open(t)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	must(t, err)
	o.deps.Zone = tokyo
	o.reopen()
	h, anna := o.Household("Camille"), o.Courier("anna")
	vera := o.staff("Vera", auth.Viewer)
	v := anna.Enter(o.Assigned(h, anna))
	h.Door.HandLock()
	indoors.AwaitWhere(o.Installation, h.Site, func(a event.AlarmRaised) bool { return a.Reason == event.AlarmAjar })
	if a := anna.Act(v, "leave", nil); a.Refused == nil {
		t.Fatal("nobody is refused")
	}
	h.Door.Hand()
	indoors.AwaitWhere(o.Installation, h.Site, func(a event.AlarmEnded) bool { return a.Visit == v })
	clock := func(at event.Instant) string { return at.Time().In(paris(t)).Format("15:04") }
	for _, e := range o.Journal(h.Site) {
		switch b := e.Body.(type) {
		case event.DeliveryBooked:
			vera.shows("/operator/search?q="+string(h.Site), clock(b.Window.From)) // what follows it names the day where a window ends after midnight
		case event.AlarmRaised:
			vera.shows("/operator/alarms", clock(e.At)+" Door ajar", "Last one: "+clock(e.At))
		case event.AlarmEnded:
			vera.shows("/operator/", "over since "+clock(e.At))
		case event.Refused:
			vera.shows("/operator/couriers", clock(e.At))
			vera.shows("/operator/couriers/anna", clock(e.At))
		}
	}
}

// A place on the map has the drawing of its alarm or of its barrier, and a name, without a word that the table has not;
// who may not see where it is finds nothing of it.
func TestPlacesOnTheMapAreToldApart(t *testing.T) {
	t.Parallel()
	b := busyOffice(t)
	doc := uitest.Parse(t, b.dispatcher.page("/operator/"))
	for visit, want := range map[event.VisitID]string{b.alarm: "#state-alarm", b.coming: "#door"} {
		row := uitest.ID(doc, "visit-"+string(visit))
		short, _ := uitest.Attr(row, "data-short")
		icon, _ := uitest.Attr(row, "data-icon")
		if short != "12 rue des Lilas, Paris" || !strings.HasSuffix(icon, want) {
			t.Errorf("%s: %q, drawn as %q", visit, short, icon)
		}
	}
	b.viewer.hides("/operator/", "data-short", "data-lat")
}
