package phrase

import (
	"strings"

	"github.com/loquet/loquet/event"
)

// subject finds the line for an event about a kind of barrier, and what stands in the line's {title}. Most kinds of events
// have one line; those that can mean different things have one for each.
func (l Lang) subject(is event.BarrierKind, body event.Body) (key, about string) {
	kind := string(body.Kind())
	switch b := body.(type) {
	case event.Refused:
		return kind, l.RefusalAt(is, b.Code, nil).Title
	case event.LeaseRefused:
		return kind, l.Refusal(b.Code, nil).Title
	case event.LeaseDenied:
		return kind, l.Refusal(b.Code, nil).Title
	case event.BlockAnswered:
		return kind, l.BlockAt(is, b.Verdict, nil).Title
	case event.LendingEnded:
		return kind, l.Block(b.Verdict, nil).Title
	case event.AlarmRaised:
		return kind, l.AlarmAt(is, b.Reason, nil).Title
	case event.VisitEnded:
		return kind, l.End(b.How).Title
	case event.PictureLost:
		return kind, l.Picture(b.Seen.Fault).Title
	case event.QuestionAsked:
		return kind, l.Question(b.Question).Title
	case event.DeliveryDiverted:
		return kind, l.Fallback(b.To.Kind)
	case event.BarrierObserved:
		return kind, l.reported(is, b.Observation)
	case event.ForeignOpening:
		return kind, l.reported(is, b.Observation)
	}
	return l.variant(kind, body)
}

// variant finds the line of an event whose own fields decide between several.
func (l Lang) variant(kind string, body event.Body) (key, about string) {
	switch b := body.(type) {
	case event.QuestionAnswered:
		return kind + pick(b.Yes, "/yes", "/no"), l.Question(b.Question).Title
	case event.PlanBFollowed:
		return kind + pick(b.Nobody, "/nobody", ""), l.Fallback(b.Fallback.Kind)
	case event.DeliveryDelivered:
		return kind + pick(b.Confirmed, "/confirmed", ""), ""
	case event.VisitBegun:
		return kind + pick(b.Member != "", "/rehearsal", ""), ""
	case event.ParcelScanned:
		return kind + pick(b.Offline, "/offline", ""), ""
	case event.OpeningIntended:
		return kind + intent(b.Permit), ""
	case event.OpeningResolved:
		return kind + outcome(b), ""
	case event.CodeRemoved:
		return kind + pick(b.Confirmed, "/confirmed", ""), ""
	case event.BarrierSecured:
		return kind + seen(b), ""
	case event.VehicleFound:
		if b.Code != "" {
			return kind + "/not", l.Refusal(b.Code, nil).Title
		}
	case event.FilmingEnded:
		return kind + pick(b.Kept, "/clip", ""), ""
	case event.ClipFinished:
		return kind + pick(len(b.Files) == 0, "/nothing", ""), ""
	case event.PictureWatched:
		return kind + pick(b.Clip != "", "/clip", ""), ""
	}
	return kind, ""
}

func pick(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

// outcome: whatever is neither done nor certainly not done is unknown.
func outcome(r event.OpeningResolved) string {
	switch {
	case r.Outcome == event.Done && (r.By == event.BySight || r.By == event.BySigns):
		return "/" + string(event.Done) + "/" + string(r.By)
	case r.Outcome == event.Done, r.Outcome == event.NotDone:
		return "/" + string(r.Outcome)
	default:
		return "/" + string(event.Unknown)
	}
}

func intent(p event.Permit) string {
	switch {
	case p.Type == event.PermitCode:
		return "/code"
	case p.Recovery:
		return "/recovery"
	default:
		return ""
	}
}

// seen says which parts stood for the closure; "locked" alone never means shut.
func seen(b event.BarrierSecured) string {
	switch {
	case b.ContactAt == 0:
		return "/bolt"
	case b.BoltAt == 0:
		return "/contact"
	default:
		return "/both"
	}
}

// reported is what a device said, in one line.
func (l Lang) reported(is event.BarrierKind, o event.Observation) string {
	lines := l.Observed(is, o)
	for i, line := range lines {
		lines[i] = lowerFirst(line)
	}
	return strings.Join(lines, ", ")
}
