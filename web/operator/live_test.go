package operator

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// A page that every site wakes is woken at once, and then at most every so often; nothing is left of it in the end.
func TestWakesAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		wakes := make(chan struct{}, 1)
		woken := spaced(ctx, wakes, settled)
		began := time.Now()
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		go func() {
			for range 100 {
				select {
				case wakes <- struct{}{}:
				default:
				}
				<-every.C
			}
		}()
		var at []time.Duration
		for time.Since(began) < 2*time.Second {
			select {
			case <-woken:
				at = append(at, time.Since(began))
			case <-time.After(time.Second):
			}
		}
		if len(at) < 4 || len(at) > 6 || at[0] != 0 {
			t.Errorf("woken at %v by a second of wakes", at)
		}
		for i := 1; i < len(at); i++ {
			if at[i]-at[i-1] < settled {
				t.Errorf("woken at %v", at)
			}
		}
		end()
	})
}

// What is read out is the newest alarm; one that is left when it has ended is no news.
func TestOnlyNewAlarmsAreReadOut(t *testing.T) {
	ctx := uitest.Context(t, phrase.English)
	row := func(title string, since event.Instant) visitRow {
		return visitRow{BoardVisit: api.BoardVisit{Visit: api.Visit{Site: "home", Alarm: &api.Alarm{Title: title, Since: since}}}, zone: time.UTC}
	}
	old, young := row("Old", 1000), row("Young", 2000)
	var h herald
	for i, c := range []struct {
		rows []visitRow
		want string
	}{{nil, ""}, {[]visitRow{old}, "Old"}, {[]visitRow{young, old}, "Young"}, {[]visitRow{old, young}, "Young"}, {[]visitRow{old}, ""}, {nil, ""}} {
		if said := h.says(ctx, c.rows); c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%d: %q", i, said)
		}
	}
}

// The alarms of the last days are read again when one has ended, or after a minute: reading them anew at every wake would
// spend what the person may ask, acknowledging included. Nobody is asked here: without a person it would panic.
func TestPastAlarmsAreNotReadAtEveryWake(t *testing.T) {
	past := pastAlarms{rows: []pastAlarm{{owner: "Ben"}}, read: 1000, ended: []event.Instant{900}}
	still := api.Board{Now: event.Instant(1000).Add(event.Minute - 1), Closed: []api.ClosedAlarm{{Ended: 900}}}
	if problem := past.refresh(nil, still); problem != nil || len(past.rows) != 1 {
		t.Errorf("%+v, %+v", past, problem)
	}
	for what, b := range map[string]api.Board{"a minute later": {Now: event.Instant(1000).Add(event.Minute), Closed: still.Closed},
		"one has ended": {Now: 1001, Closed: []api.ClosedAlarm{{Ended: 1001}, {Ended: 900}}}} {
		if !asks(func() { past.refresh(nil, b) }) {
			t.Errorf("%s: they are not read again", what)
		}
	}
}

// asks says whether the API would have been asked, for which there is nobody.
func asks(f func()) (asked bool) {
	defer func() { asked = recover() != nil }()
	f()
	return false
}

// What the story says of a visit stands under that visit, though it comes after the visit's end.
func TestLinesStandUnderTheirVisit(t *testing.T) {
	var events []api.HomeEvent
	for i, body := range []event.Body{event.DeliveryBooked{Delivery: "home-d1"}, event.VisitBegun{Visit: "home-v2"}, event.VisitEnded{Visit: "home-v2"},
		event.FilmingEnded{Visit: "home-v2"}, event.DeliveryCancelled{Delivery: "home-d1"}} {
		events = append(events, api.HomeEvent{JournalEvent: stored(t, event.Event{Site: "home", Seq: uint64(i + 1), At: 1, Body: body})})
	}
	want := []event.VisitID{"", "home-v2", "home-v2", "home-v2", ""}
	for i, line := range linesOf(events) {
		if line.visit != want[i] {
			t.Errorf("%s stands under %q", line.Kind, line.visit)
		}
	}
}

// stored is an event as the API shows it.
func stored(t *testing.T, e event.Event) (shown api.JournalEvent) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &shown); err != nil {
		t.Fatal(err)
	}
	return shown
}

// The day's drawings are read as they are: no "most" among equals, and ticks where the clocks stand on the days on which
// they change.
func TestTheDayIsReadAsItIs(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	ctx := uitest.Context(t, phrase.English)
	long := time.Date(2026, 10, 25, 0, 0, 0, 0, zone) // 25 hours
	v := &metricsView{person: &person{Console: &Console{Deps: Deps{Zone: zone}}}, day: long,
		DayShown: api.DayShown{From: event.InstantOf(long), To: event.InstantOf(long.AddDate(0, 0, 1))}}
	ticks := v.ticks(4)
	if got := ticks[1].At; got != 5.0/25 || ticks[0].At != 0 || ticks[6].At != 1 {
		t.Errorf("4 o'clock is at %v of a day of 25 hours: %+v", got, ticks)
	}
	refused := func(title string) api.DayRefusal {
		return api.DayRefusal{Title: title, By: event.ActorCourier, Visit: "home-v1"}
	}
	v.Refusals = []api.DayRefusal{refused("Blocked"), refused("Too early")}
	if said := v.refusalsByReason(ctx).reading; said != "2 refusals, 1 at most for one reason." {
		t.Errorf("a tie: %s", said)
	}
	v.Refusals = append(v.Refusals, refused("Blocked"))
	if said := v.refusalsByReason(ctx).reading; said != "3 refusals, most often “Blocked” (2)." {
		t.Errorf("no tie: %s", said)
	}
	at := func(h int) api.DayVisit {
		return api.DayVisit{Visit: "home-v1", Begun: event.InstantOf(long.Add(time.Duration(h) * time.Hour))}
	}
	v.Visits = []api.DayVisit{at(10), at(12)}
	if said := v.byHour(ctx).reading; said != "2 visits, 1 at most in one hour." {
		t.Errorf("a tie: %s", said)
	}
	v.Visits = append(v.Visits, at(12))
	if said := v.byHour(ctx).reading; said != "3 visits, the most at 11:00–12:00 (2)." {
		t.Errorf("no tie: %s", said)
	}
	for d, want := range map[event.Millis]string{0: "<\u00a00.1\u00a0s", 99: "<\u00a00.1\u00a0s", 100: "0.1\u00a0s", 1100: "1.1\u00a0s"} {
		if got := seconds(ctx, d); got != want {
			t.Errorf("%d ms: %q", d, got)
		}
	}
}
