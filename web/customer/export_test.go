package customer

import (
	"context"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// Words are the catalogue, for its test.
func Words() ui.Words { return words }

// Patterns are all addresses of the app.
func Patterns() []string { return slices.Sorted(maps.Keys(pages)) }

// Parts that are tested by themselves.
var (
	Estimate      = estimate
	PositionTyped = positionTyped
	MinutesTyped  = minutesTyped
	HoursSaid     = hoursSaid
	VTTText       = vttText
	Offset        = offset
	NewSealed     = newSealed
)

// Told are the kinds of what a delivery's story takes from a journal, and whether it still belongs to a visit.
func Told(d event.DeliveryID, journal ...event.Body) (kinds []event.Kind, visited bool) {
	s := storyOf(d)
	for i, body := range journal {
		s.fold(event.Event{Seq: uint64(i + 1), At: event.Instant(i + 1), Body: body}, "")
	}
	for _, m := range s.moments {
		kinds = append(kinds, m.Kind)
	}
	return kinds, s.visit != ""
}

// Mentions says whether a story takes an event for one that speaks of a delivery or a visit.
func Mentions(body event.Body) bool { return mentioned(body) != (mention{}) }

func householdOf(home api.Home, now time.Time) *household {
	return &household{Home: home, zone: time.UTC, now: now, lang: phrase.English}
}

// Standing is what the first page says of a whole home, and for how long.
func Standing(home api.Home, now time.Time) (ui.State, string, time.Duration) {
	s := householdOf(home, now).standing()
	return s.State, words.In(phrase.English, s.Key), s.Left
}

// Followed is what a delivery's page says of one that was booked and then joined to a visit.
type Followed struct {
	Stage, Title, Sentence string
	// Page is the whole of it.
	Page string
	// Left is how long it says so, and Next when it looks again.
	Left, Next time.Duration
}

// Follow tells of a delivery as it stands in a home. ended is how it ended; nil before.
func Follow(ctx context.Context, home api.Home, d event.DeliveryID, v event.VisitID, ended event.Body, now time.Time) Followed {
	told := storyOf(d)
	told.visit, told.known = v, true
	if ended != nil {
		told.ends(event.Event{At: event.InstantOf(now), Body: ended})
	}
	f := householdOf(home, now).following(told)
	var page strings.Builder
	if err := deliveryPage(f).Render(ctx, &page); err != nil {
		panic(err)
	}
	return Followed{string(f.stage()), f.title(ctx), f.sentence(ctx), page.String(), f.stageLeft(), f.nextLook()}
}

// Hand is the page on which a barrier of a home is worked by hand.
func Hand(ctx context.Context, b api.Barrier) string {
	var page strings.Builder
	v := &enrolView{household: householdOf(api.Home{Barriers: []api.Barrier{b}}, time.Now()), is: b.Is, barrier: b}
	if err := handPage(v).Render(ctx, &page); err != nil {
		panic(err)
	}
	return page.String()
}

// SeenShut is what a story says of barriers that were secured at some time.
func SeenShut(ctx context.Context, at event.Instant, secured ...event.BarrierSecured) string {
	told := storyOf("")
	for _, b := range secured {
		told.keepOpening(event.Event{At: at, Body: b})
	}
	return told.seenShut(ctx, householdOf(api.Home{}, at.Time()))
}

// StillAnswered says whether the answer to a block still stands once another visit has begun for its delivery.
func StillAnswered(verdict event.BlockVerdict, d event.DeliveryID) bool {
	told := storyOf(d)
	told.block = &answered{BlockAnswered: event.BlockAnswered{Delivery: d, Verdict: verdict}}
	told.join(event.Event{Body: event.VisitBegun{Visit: "another", Deliveries: []event.DeliveryID{d}}})
	return told.block != nil
}

// Ajar says whether a rehearsal under way calls the first door of the first place ajar.
func Ajar(ctx context.Context, home api.Home, now time.Time) bool {
	place := home.AccessPoints[0]
	told := visitStory("")
	told.opened[place.WayIn[0].Barrier] = opening{Ordered: event.InstantOf(now)}
	return (&rehearsalView{household: householdOf(home, now), place: place, told: told}).trials(ctx)[0].ajar
}

// BreakExports has exports of so many other members break off.
func (a *App) BreakExports(n int) {
	a.exports.mu.Lock()
	defer a.exports.mu.Unlock()
	for i := range n {
		a.exports.all[event.MemberID(strconv.Itoa(i))] = &export{stage: exportFailed}
	}
}

// BrokenExport has an export break off, in a bubble of synctest, and returns how many are known then and a day later.
func BrokenExport(log *slog.Logger) (then, later int) {
	ctx, end := context.WithCancel(context.Background())
	end()
	x := &exports{app: &App{Deps: Deps{Log: log, Now: time.Now}}, ctx: ctx, turn: make(chan struct{}), all: map[event.MemberID]*export{}}
	one := &export{stage: exportRunning}
	x.all[one.member.ID()] = one
	x.make(one, exportAsk{})
	then = x.known()
	<-time.After(exportKept + time.Second)
	synctest.Wait()
	return then, x.known()
}

func (x *exports) known() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.all)
}

// TurnOf has an export wait so long for its turn, in a bubble of synctest, and returns how long after it was asked for it began.
func TurnOf(wait time.Duration, folder string, log *slog.Logger) time.Duration {
	x := &exports{app: &App{Deps: Deps{Log: log, Now: time.Now, Folder: folder}}, ctx: context.Background(), turn: make(chan struct{}, 1),
		all: map[event.MemberID]*export{}}
	asked := time.Now()
	one := &export{stage: exportRunning, began: asked}
	x.turn <- struct{}{}
	x.under.Go(func() { x.make(one, exportAsk{}) })
	<-time.After(wait)
	<-x.turn
	x.under.Wait()
	return one.began.Sub(asked)
}

// Nothing is what an empty list of openings says of a search, with what follows it.
func Nothing(ctx context.Context, asked url.Values, next string) string {
	return (&historyView{asked: asked, next: next}).nothing(ctx)
}

// Unfit is what a place's page says of what does not fit into it: plan B, the cabin, and where that leads; false for a place
// of a house.
func Unfit(ctx context.Context, home api.Home, place event.AccessPointID, makers ...api.CarMaker) (steps, said, href string, ok bool) {
	h := householdOf(home, time.Now())
	ap, _ := h.place(place)
	u := h.unfitOf(ctx, ap, makers)
	if u == nil {
		return "", "", "", false
	}
	return u.steps, u.said, u.href, true
}
