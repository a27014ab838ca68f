package courier

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // stops lie in any zone, and not every machine has them all

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// How often a view is made anew without being woken. What a device only repeats is written in no journal.
const (
	lookOpen  = 3 * time.Second
	lookReady = 3 * time.Second
	lookQuiet = 15 * time.Second
)

// slowLock is after how long a screen says that the lock takes its time.
const slowLock = 5 * time.Second

// at is a stop as its pages show it: everything that they know, and nothing that they remember.
type at struct {
	stop  *api.Stop
	visit *api.Visit
	// card is which car it is that the visit goes to, near it alone.
	card api.CarCard
	// screen is which of the pages.
	screen Screen
	place  string
	lang   phrase.Lang
	now    time.Time
	zone   *time.Location
	phone  string
	apple  bool
	// then is the stop that comes after this one, as its last screen says it; "" when none does.
	then string
	// scanner is the addresses of what the scan page loads.
	scanner string
}

// stop is the view of one stop, with the visit that is under way there.
func (a *app) stop(ctx context.Context, who asking, r *http.Request) (view, *api.Problem) {
	s, problem := a.look(ctx, who, event.AccessPointID(r.PathValue("accessPoint")))
	if notFound(problem) {
		return a.over(ctx, who, event.AccessPointID(r.PathValue("accessPoint")))
	}
	if problem == nil && s.screen == Secured {
		s.then, problem = a.after(ctx, who, s.stop.AccessPoint)
	}
	if problem != nil {
		return view{}, problem
	}
	return s.view(), nil
}

// look asks for a stop and its visit.
func (a *app) look(ctx context.Context, who asking, ap event.AccessPointID) (at, *api.Problem) {
	stop, problem := api.Ask(ctx, a.API, who.call, who.who, a.API.ShowStop, &api.AccessPointPath{AccessPoint: ap})
	if problem != nil {
		return at{}, problem
	}
	s := at{stop: &stop.Body, place: who.place, lang: who.call.Lang, now: a.Now(), zone: zoneOf(stop.Body.Zone), phone: a.Phone, apple: who.apple,
		scanner: a.scanner()}
	if stop.Body.Visit != "" {
		visit, problem := api.Ask(ctx, a.API, who.call, who.who, a.API.GetVisit, &api.VisitPath{Visit: stop.Body.Visit})
		if problem != nil && !notFound(problem) {
			return at{}, problem
		}
		if visit != nil {
			s.visit = &visit.Body
		}
	}
	s.screen = ScreenOf(s.stop, s.visit)
	problem = a.findCar(ctx, who, &s)
	return s, problem
}

// zoneOf loads a zone; one that this program does not know is UTC.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// view renders the stop's screen.
func (s at) view() view {
	v := view{screen: s.screen, where: s.number(), sites: []event.SiteID{s.stop.Site}, next: lookQuiet, open: s.underway()}
	switch {
	case v.open:
		v.next = lookOpen
	case s.screen == Arrive || s.screen == Scan || s.screen == Opening:
		v.next = lookReady
	}
	s.dress(&v)
	if alarm := s.alarm(); alarm != nil {
		v.alarm = alarm.Title + ". " + alarm.Text
	}
	return v
}

// dress gives a view its words and its page.
func (s at) dress(v *view) {
	switch s.screen {
	case Go:
		v.main, v.title = goPage(s), s.t("go.title")
	case Arrive, Scan:
		v.main, v.title, v.say = arrivePage(s), s.t("arrive.title"), s.readySaid()
	case Opening:
		o := s.opening()
		v.main, v.title, v.say = openingPage(s, o), o.title, o.say
	case Inside:
		v.main, v.title, v.say = insidePage(s), s.inside().said, s.inside().said
	case Secured:
		v.main, v.title, v.say = securedPage(s), s.closed().said, s.closedSaid()
	case Refusal:
		r := s.refusal()
		v.main, v.title, v.alarm = refusalPage(s, r), r.title, r.title+". "+r.text
	case Code:
		v.main, v.title, v.say = codePage(s), s.t("code.title", "name", s.codeStep().Name), s.codeSaid()
	case Fled:
		v.main, v.title, v.say = fledPage(s), s.t("fled.title"), s.t("fled.say")
	case TakenOver:
		v.main, v.title, v.say = endedPage(s), s.t("taken-over.title"), s.t("taken-over.say")
	case Done:
		v.main, v.title, v.say = endedPage(s), s.visit.Ended.Title, s.visit.Ended.Title
	case PlanB:
		v.main, v.title = planBPage(s), s.t("plan-b.title")
	case Stops: // the list is not a stop
	}
}

func (s at) t(key string, pairs ...string) string { return words.In(s.lang, key, pairs...) }

// number is "Stop 3 of 9".
func (s at) number() string {
	return s.t("stop.of", "n", strconv.Itoa(s.stop.Number), "of", strconv.Itoa(s.stop.Of))
}

// href is the stop's own page.
func (s at) href() string { return stopHref(s.stop.AccessPoint) }

func stopHref(ap event.AccessPointID) string { return "/courier/stop/" + string(ap) }

func (s at) visitID() event.VisitID {
	if s.visit == nil {
		return ""
	}
	return s.visit.ID
}

// act is the address of something that the courier does in the visit.
func (s at) act(name string) string { return "/v1/courier/visits/" + string(s.visitID()) + "/" + name }

func (s at) alarm() *api.Alarm {
	if s.visit == nil {
		return nil
	}
	return s.visit.Alarm
}

// underway says whether something is open, or was ordered to be.
func (s at) underway() bool {
	return s.visit != nil && s.visit.Ended == nil && furthestIn(s.visit) >= 0
}

// spot is where the stop is, as far as the courier may know now.
func (s at) spot() api.VisitPlace {
	if s.visit != nil && s.visit.Place != nil {
		return *s.visit.Place
	}
	return api.VisitPlace{Address: s.stop.Address, Name: s.stop.Name, Note: s.stop.Note, Position: s.stop.Position, Radius: s.stop.Radius}
}

func (s at) deliveries() []api.VisitDelivery {
	if s.visit != nil {
		return s.visit.Deliveries
	}
	return deliveriesOf(s.stop)
}

func (s at) parcels() []api.Parcel { return parcelsOf(s.deliveries()) }

// window is the time in which all of the stop's deliveries may be left.
func (s at) window() (from, to time.Time) { return windowOf(s.stop) }

func windowOf(stop *api.Stop) (from, to time.Time) {
	for i, d := range stop.Deliveries {
		f, t := d.Window.From.Time(), d.Window.To.Time()
		if i == 0 || f.After(from) {
			from = f
		}
		if i == 0 || t.Before(to) {
			to = t
		}
	}
	return from, to
}

// windowText is "14:00–18:00".
func windowText(ctx context.Context, stop *api.Stop) string {
	from, to := windowOf(stop)
	return ui.Window(ctx, from, to, zoneOf(stop.Zone))
}

// steps are the steps of the visit that were opened, or may have been.
func (s at) liveSteps() []api.Step {
	return slices.DeleteFunc(slices.Clone(s.visit.Steps), func(p api.Step) bool { return !live(p) })
}

// shown is a step's barrier as people see it. A code that nobody was shown yet has opened nothing.
func (s at) shown(p api.Step) ui.Shown {
	if p.By == event.PermitCode && p.Asked != nil && p.Asked.Shown == 0 {
		p.Asked, p.Recorded = nil, nil
	}
	return ui.StateOf(s.lang, ui.SightOfStep(p), s.now, s.zone)
}

// clock is a time of day at the stop, with seconds.
func (s at) clock(ctx context.Context, i event.Instant) string {
	return ui.ClockSeconds(ctx, i.Time(), s.zone)
}

// age is how long ago something was.
func (s at) age(i event.Instant) time.Duration { return max(0, s.now.Sub(i.Time())) }

// left is how long it is until then; 0 when it is over.
func (s at) left(i event.Instant) time.Duration { return max(0, i.Time().Sub(s.now)) }

// planB is what comes next if the parcels can't be left here; nil when nothing is left.
func (s at) planB() *api.PlanB {
	for _, d := range s.deliveries() {
		if d.PlanB != nil {
			return d.PlanB
		}
	}
	return nil
}
