package customer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// consentSentence reads a standing consent back: when, who, how large, how far in, until when.
func (h *household) consentSentence(ctx context.Context, c api.Consent) string {
	parts := []string{hoursSaid(ctx, c.Hours), carriersSaid(ctx, c.Carriers), words.T(ctx, "rules.size."+string(c.Largest)), insideSaid(ctx, c.Inside)}
	if len(c.Merchants) > 0 {
		parts = append(parts, words.T(ctx, "rules.merchants", "names", listed(ctx, c.Merchants)))
	}
	if c.Until != 0 {
		parts = append(parts, words.T(ctx, "rules.until", "time", h.clock(ctx, c.Until)))
	}
	return upper(strings.Join(parts, ", ")) + "."
}

func insideSaid(ctx context.Context, inside bool) string {
	if inside {
		return words.T(ctx, "rules.inside")
	}
	return words.T(ctx, "rules.behind")
}

func carriersSaid(ctx context.Context, carriers []event.CarrierID) string {
	if len(carriers) == 0 {
		return words.T(ctx, "rules.anyCarrier")
	}
	return words.T(ctx, "rules.carriers", "names", listed(ctx, carriers))
}

// listed joins names: "a, b and c".
func listed[T ~string](ctx context.Context, names []T) string {
	var all []string
	for _, n := range names {
		all = append(all, string(n))
	}
	return joined(ctx, all)
}

func joined(ctx context.Context, all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " " + words.T(ctx, "and") + " " + all[len(all)-1]
}

// hoursSaid says on which days and hours: "Monday to Friday 9:00–18:00 and Saturday 10:00–12:00".
func hoursSaid(ctx context.Context, hours []event.Hours) string {
	var all []string
	for _, h := range hours {
		said := daysSaid(ctx, h.Days) + " "
		if h.From == 0 && h.To == 24*60 {
			said += words.T(ctx, "rules.anyHour")
		} else {
			said += minutes(h.From) + "–" + minutes(h.To)
		}
		all = append(all, said)
	}
	return joined(ctx, all)
}

// daysSaid names days, runs of three and more as one.
func daysSaid(ctx context.Context, days []int) string {
	if len(days) == 7 {
		return words.T(ctx, "days.all")
	}
	var said []string
	for _, run := range runs(days) {
		if len(run) > 2 {
			said = append(said, words.T(ctx, "days.range", "from", dayName(ctx, run[0]), "to", dayName(ctx, run[len(run)-1])))
			continue
		}
		for _, d := range run {
			said = append(said, words.T(ctx, "days.one", "day", dayName(ctx, d)))
		}
	}
	return joined(ctx, said)
}

// runs cuts sorted days where one is left out.
func runs(days []int) [][]int {
	var all [][]int
	for i, d := range days {
		if i == 0 || d != days[i-1]+1 {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], d)
	}
	return all
}

func dayName(ctx context.Context, day int) string { return words.T(ctx, "day."+strconv.Itoa(day)) }

// minutes is a time of day, of minutes after midnight: "9:00".
func minutes(m int) string { return fmt.Sprintf("%d:%02d", m/60, m%60) }

func upper(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

// planBSentence is what comes in order when a parcel can't be left as planned.
func (h *household) planBSentence(ctx context.Context, car bool) string {
	said := h.planBSteps(ctx, "", car)
	if car {
		return words.T(ctx, "rules.otherwise.car", "steps", said)
	}
	return words.T(ctx, "rules.otherwise", "steps", said)
}

// lastStep is the place of the depot in the order of plan B, counted from 1.
func (h *household) lastStep() int {
	if n := len(h.Rules.PlanB); n > 0 || !h.hasCar() {
		return n + 1
	}
	return 2
}

// forCar says whether a place is a car.
func (h *household) forCar(ap event.AccessPointID) bool {
	place, _ := h.place(ap)
	return place.Car != nil
}

// hasCar says whether one of the household's places is a car.
func (h *household) hasCar() bool {
	return slices.ContainsFunc(h.AccessPoints, func(ap api.AccessPoint) bool { return ap.Car != nil })
}

// endsAtDepot says whether plan B names the depot, after which nothing comes.
func (h *household) endsAtDepot() bool {
	return slices.ContainsFunc(h.Rules.PlanB, func(f api.Fallback) bool { return f.Kind == event.FallbackDepot })
}

// lendingSaid says how many doors are lent.
func (h *household) lendingSaid(ctx context.Context) string {
	if len(h.Lending) == 0 {
		return words.T(ctx, "lend.none")
	}
	return words.T(ctx, "lend.some", "n", count(len(h.Lending)))
}

func (h *household) fallbackSaid(ctx context.Context, f api.Fallback) string {
	switch {
	case f.Kind == event.FallbackNeighbour && f.Who != "":
		return f.Who
	case f.Kind == event.FallbackAccessPoint:
		return h.fallbackPlace(ctx, f.AccessPoint)
	}
	return h.lang.Fallback(f.Kind)
}

// rulesSentences read back everything that is not consent.
func (h *household) rulesSentences(ctx context.Context) []string {
	r := h.Rules
	said := []string{h.deciders(ctx), h.planBSentence(ctx, false)}
	if h.hasCar() {
		said = append(said, h.planBSentence(ctx, true))
	}
	switch {
	case r.AskPets && r.AskAlarm:
		said = append(said, words.T(ctx, "rules.ask.both"))
	case r.AskPets:
		said = append(said, words.T(ctx, "rules.ask.pets"))
	case r.AskAlarm:
		said = append(said, words.T(ctx, "rules.ask.alarm"))
	}
	if r.Camera {
		said = append(said, words.T(ctx, "rules.camera.on"))
	} else {
		said = append(said, words.T(ctx, "rules.camera.off"))
	}
	if r.Operator {
		said = append(said, words.T(ctx, "rules.operator.on"))
	}
	said = append(said, words.T(ctx, "rules.dwell.said", "n", comma(h.lang, decimalOf(r.DwellSeconds/60))))
	if !r.Watch {
		said = append(said, words.T(ctx, "rules.watch.off"))
	}
	switch {
	case r.WatchCars:
		said = append(said, words.T(ctx, "rules.watchCars.on"))
	case h.hasCar():
		said = append(said, words.T(ctx, "rules.watchCars.off"))
	}
	return said
}

// deciders are those whose word counts here: all members, each alone.
func (h *household) deciders(ctx context.Context) string {
	var names []string
	for _, m := range h.Members {
		names = append(names, cmp.Or(m.Name, words.T(ctx, "somebody")))
	}
	if len(names) == 1 {
		return words.T(ctx, "rules.decides", "name", names[0])
	}
	return words.T(ctx, "rules.decide", "names", joined(ctx, names))
}

func decimalOf(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// contradictions are what can't be meant together, each named.
func (h *household) contradictions(ctx context.Context) []string {
	var found []string
	for _, ap := range h.AccessPoints {
		if h.Rules.Camera && !h.seen(ap.ID) {
			found = append(found, words.T(ctx, "rules.unseen", "place", h.placeName(ap.ID)))
		}
	}
	for _, c := range h.Consents {
		if c.Until != 0 && c.Until.Time().Before(h.now) {
			found = append(found, words.T(ctx, "rules.over", "place", h.placeName(c.AccessPoint), "time", h.clock(ctx, c.Until)))
		}
	}
	return found
}

// seen says whether a camera that was found good enough films the place.
func (h *household) seen(ap event.AccessPointID) bool {
	return slices.ContainsFunc(h.Cameras, func(c api.Camera) bool { return c.Proven && slices.Contains(c.Sees, ap) })
}

// memberName is what the household calls a member; "" for one who left.
func (h *household) memberName(id string) string {
	m, _ := found(h.Members, func(m api.Member) bool { return string(m.ID) == id })
	return m.Name
}

// by is who acted, in a sentence.
func (h *household) by(ctx context.Context, a event.Actor) string {
	if name := h.memberName(a.ID); a.Kind == event.ActorMember && name != "" {
		return name
	}
	if a.Kind == event.ActorMember {
		return words.T(ctx, "somebody")
	}
	return h.lang.Actor(a.Kind)
}

// change is who changed something, and when.
type change struct {
	By event.Actor
	At event.Instant
}

// said is "Paul changed this at 13:40".
func (c change) said(ctx context.Context, h *household) string {
	return words.T(ctx, "rules.changed", "who", h.by(ctx, c.By), "time", ui.Clock(ctx, c.At.Time(), h.zone))
}
