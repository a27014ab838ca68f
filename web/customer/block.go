package customer

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// askBlock is the delivery's page with the question unfolded, where a message's button leads. Nothing is asked yet.
func (p *person) askBlock() {
	p.deliveryWith(http.StatusOK, func(v *deliveryView) { v.asking = true })
}

// block asks for the block of U3. Its answer stands in the journal, and the page says it from there; without one the
// page keeps the request, to be sent again as the same.
func (p *person) block() {
	id, ok := p.deliveryID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	_, problem := do(p, p.API.BlockAtHome, &api.HomeDeliveryInput{DeliveryPath: api.DeliveryPath{Delivery: id}})
	switch {
	case problem == nil:
		http.Redirect(p.w, p.r, deliveryPath(id), http.StatusSeeOther)
	case problem.Status >= http.StatusInternalServerError || problem.Status == http.StatusTooManyRequests:
		p.deliveryWith(http.StatusServiceUnavailable, func(v *deliveryView) { v.unconfirmed = p.r.PostFormValue("key") })
	default:
		p.undone(deliveryPath(id), problem)
	}
}

// blockShown says whether the answer still speaks of now: that it came too late does so until the visit is over, and
// that there was nothing left to block, from then on.
func (v *deliveryView) blockShown() bool {
	return v.block != nil && (v.under != nil || blockLook(v.block.Verdict) != ui.Open)
}

// blockLook is how an answer looks.
func blockLook(v event.BlockVerdict) ui.State {
	switch v {
	case event.BlockWon, event.BlockFromHere, event.BlockAlready:
		return ui.Refused
	case event.BlockTooLate:
		return ui.Open
	default:
		return ui.Neutral
	}
}

// blockTitle names the answer with the time that decided: of the block when it won, of the order when that was first.
func (v *deliveryView) blockTitle(ctx context.Context) string {
	at := v.block.At
	if v.block.Verdict == event.BlockTooLate {
		at = v.block.IntendedAt
	}
	return v.blockWords(phrase.Values{phrase.Time: v.clockSeconds(ctx, at)}).Title
}

func (v *deliveryView) blockText() string { return v.blockWords(nil).Text() }

func (v *deliveryView) blockWords(values phrase.Values) phrase.Words {
	return v.lang.BlockAt(v.leadsTo(v.booked.AccessPoint), v.block.Verdict, values)
}

// blockTimes are both times, as far as there are two.
func (v *deliveryView) blockTimes(ctx context.Context) string {
	if v.block.IntendedAt == 0 {
		return words.T(ctx, "u3.times.block", "block", v.clockSeconds(ctx, v.block.At))
	}
	return words.T(ctx, "u3.times.both", "block", v.clockSeconds(ctx, v.block.At), "order", v.clockSeconds(ctx, v.block.IntendedAt))
}

// stillOpen names what stands open now.
func (v *deliveryView) stillOpen() string {
	if v.under == nil {
		return ""
	}
	var open []string
	for _, s := range v.under.Steps {
		if shown := v.shownStep(s); ordered(s) && shown.State != ui.Secured {
			open = append(open, shown.Name+" – "+shown.Word)
		}
	}
	return strings.Join(open, ". ")
}

// left are the steps that a block could still keep shut: all of them before the visit.
func (v *deliveryView) left() []api.Step {
	if v.under == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.under.Steps), spent)
}

// stoppable says whether a block can still stop anything.
func (v *deliveryView) stoppable() bool {
	return v.coming != nil && !v.coming.Blocked && v.unconfirmed == "" && (v.under == nil || len(v.left()) > 0)
}

// notStoppable says why there is no block any more: while something of the delivery still goes on, or to whoever asks.
func (v *deliveryView) notStoppable(ctx context.Context) string {
	switch {
	case v.asking && v.coming == nil:
		return words.T(ctx, "u3.over")
	case v.asking && v.coming.Blocked:
		return words.T(ctx, "u3.already")
	case v.under == nil || v.coming == nil || v.coming.Blocked || v.unconfirmed != "":
		return ""
	}
	var last event.Instant
	for _, s := range v.under.Steps {
		if ordered(s) {
			last = max(last, s.Asked.At)
		}
	}
	return words.T(ctx, "u3.gone", "time", v.clockSeconds(ctx, last))
}

// blockWord is what the button says: everything, or what of it can still be kept shut.
func (v *deliveryView) blockWord(ctx context.Context) string {
	left := v.left()
	if v.under == nil || len(left) == len(v.under.Steps) {
		return words.T(ctx, "u3.block")
	}
	return words.T(ctx, "u3.block.rest", "left", v.names(left))
}

// blockMeans says what a block would do now.
func (v *deliveryView) blockMeans(ctx context.Context) string {
	left := v.left()
	planB := ""
	if v.coming.PlanB != nil {
		planB = v.coming.PlanB.Text
	}
	if v.under == nil || len(left) == len(v.under.Steps) {
		return words.T(ctx, "u3.means", "planB", planB)
	}
	gone := slices.DeleteFunc(slices.Clone(v.under.Steps), func(s api.Step) bool { return !spent(s) })
	return words.T(ctx, "u3.means.rest", "left", v.names(left), "gone", v.names(gone))
}

func (v *deliveryView) names(steps []api.Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, lower(v.shownStep(s).Name))
	}
	return strings.Join(names, ", ")
}

// lower is a name inside a sentence.
func lower(s string) string {
	if s == "" {
		return ""
	}
	first := []rune(s)
	return strings.ToLower(string(first[0])) + string(first[1:])
}

// orderLine is what was asked of a barrier, and recorded.
func (v *deliveryView) orderLine(ctx context.Context, s api.Step) string {
	switch {
	case s.Asked == nil:
		return ""
	case s.Recorded != nil && s.Recorded.Outcome == event.NotDone:
		return words.T(ctx, "u2.order.not", "time", v.clockSeconds(ctx, s.Asked.At))
	case s.By == event.PermitCode:
		return words.T(ctx, "u2.order.code", "time", v.clockSeconds(ctx, s.Asked.At))
	}
	return words.T(ctx, "u2.order.sent", "time", v.clockSeconds(ctx, s.Asked.At))
}
