package notify

import (
	"strconv"
	"strings"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// text is what is said of one piece of news. Nothing in it is more than its source: what a device said is said by the
// device, what was recorded is said to be recorded.
type text struct{ title, body, action string }

// compose finds the words for a piece of news.
func (v voice) compose(x news) text {
	t := v.course(x.notice)
	if t.title == "" {
		t = v.household(x)
	}
	if t.action == "" {
		t.action = v.say("action.look")
	}
	return t
}

// course speaks of what happens in a visit.
func (v voice) course(n dispatch.Notice) text {
	switch b := n.Event.Body.(type) {
	case event.VisitBegun:
		return v.near(b.ETA)
	case event.VisitEstimated:
		return v.near(b.ETA)
	case event.VisitArrived:
		return text{title: v.say("near.title.there"), body: v.say("near.body.there", "time", v.time(n.Event.At))}
	case event.OpeningResolved:
		return v.opened(n, b)
	case event.DeliveryDelivered:
		return v.delivered(n, b)
	case event.Refused:
		return v.refused(n, b)
	case event.DeliveryDiverted, event.DeliveryReturned, event.DeliveryExpired:
		return v.elsewhere(n)
	case event.BlockAnswered:
		return v.blocked(n, b)
	case event.AlarmRaised:
		return v.alarm(n, b)
	case event.AlarmAcknowledged:
		return text{title: v.say("owned.title", "title", v.stood(n)), body: v.say("owned.body", "time", v.time(n.Event.At))}
	case event.AlarmEnded:
		return v.over(n)
	}
	return text{}
}

func (v voice) near(eta event.Instant) text {
	if eta == 0 {
		return text{title: v.say("near.title.open"), body: v.say("near.body.open")}
	}
	at := v.time(eta)
	return text{title: v.say("near.title", "time", at), body: v.say("near.body", "time", at)}
}

func (v voice) opened(n dispatch.Notice, b event.OpeningResolved) text {
	how := "answer"
	if b.By == event.BySight || b.By == event.BySigns {
		how = string(b.By)
	}
	t := text{title: v.say("opened.title", "barrier", lowerFirst(v.barrier(n.Is))), body: v.say(keyFor(n.Is, "opened.body."+how), "time", v.exact(n.Event.At))}
	if n.Camera {
		t.body, t.action = join(t.body, v.say("live")), v.say("action.live")
	}
	return t
}

func (v voice) delivered(n dispatch.Notice, b event.DeliveryDelivered) text {
	evidence, unconfirmed, film := v.lang.End(b.How).What, "", ""
	if n.Secured != 0 && b.How == event.EndSecured {
		evidence = v.say(keyFor(n.Is, "delivered."+parts(n.Seen)), "seen", v.exact(n.Secured))
	}
	if !b.Confirmed {
		unconfirmed = v.say("delivered.unconfirmed")
	}
	if n.Kept {
		film = v.say("delivered.film")
	}
	return text{title: v.say("delivered.title", "time", v.time(n.Event.At)), body: join(evidence, unconfirmed, film)}
}

// parts names what was seen of a closure; locked alone never means shut.
func parts(c event.Closure) string {
	switch {
	case c.Bolt && c.Contact:
		return "both"
	case c.Bolt:
		return "bolt"
	default:
		return "contact"
	}
}

func (v voice) refused(n dispatch.Notice, b event.Refused) text {
	t := text{title: v.lang.RefusalAt(n.Is, b.Code, nil).Title}
	if !strings.HasPrefix(t.title, "Refus") {
		t.title = v.say("refused.title", "title", lowerFirst(t.title))
	}
	t.body = join(v.say(keyFor(n.Is, "refused."+string(b.Code)), "time", v.time(n.Event.At)), v.say("refused.nothing"))
	if b.Code == event.QuestionOpen {
		t.action = v.say("action.answer")
	}
	return t
}

// elsewhere: the parcels do not come, or not to where they were expected.
func (v voice) elsewhere(n dispatch.Notice) text {
	_, what, _ := strings.Cut(string(n.Event.Body.Kind()), ".")
	at := n.Event.At
	if what == "expired" {
		at = n.Window.To
	}
	return text{title: v.lang.Line(n.Is, n.Event.Body, nil), body: v.say("refused."+what, "time", v.time(at))}
}

func (v voice) blocked(n dispatch.Notice, b event.BlockAnswered) text {
	at := n.Event.At
	if b.Verdict == event.BlockTooLate {
		at = b.IntendedAt
	}
	w := v.lang.BlockAt(n.Is, b.Verdict, phrase.Values{phrase.Time: v.exact(at)})
	by := v.lang.Actor(b.By.Kind)
	if b.By.Kind == event.ActorMember {
		by = v.say("blocked.member")
	}
	return text{title: w.Title, body: v.say("blocked.body", "by", by, "what", w.Text())}
}

func (v voice) alarm(n dispatch.Notice, b event.AlarmRaised) text {
	w := v.lang.AlarmAt(n.Is, b.Reason, nil)
	t := text{title: v.say("alarm.title", "title", lowerFirst(w.Title))}
	t.body = v.say("alarm.body", "what", w.What, "time", v.time(n.Event.At))
	if b.Barrier != "" {
		t.body = v.say("alarm.of", "barrier", v.barrier(n.Is), "what", w.What, "time", v.time(n.Event.At))
	}
	if climbed(n, b) {
		t.title = v.say("climbed.title", "title", lowerFirst(w.Title))
		t.body = v.say("climbed.body", "barrier", v.barrier(n.Is), "what", w.What, "from", v.time(n.Alarm.Raised), "time", v.time(n.Event.At))
	}
	now, live := "alarm.go", ""
	if b.Reason == event.AlarmDanger {
		now = "alarm.danger"
	}
	if n.Camera && b.Reason != event.AlarmPicture {
		live, t.action = v.say("live"), v.say("action.live")
	}
	t.body = join(t.body, v.told(n, b), live, v.say(now))
	return t
}

// told says who knows of an alarm beside the household, and whether somebody has it in hand.
func (v voice) told(n dispatch.Notice, b event.AlarmRaised) string {
	switch {
	case n.Alarm.Owned != 0:
		return v.say("alarm.owned", "time", v.time(n.Alarm.Owned))
	case climbed(n, b):
		return v.say("climbed.hand")
	case b.Level >= event.AlarmOperator:
		return v.say("alarm.told.operator")
	default:
		return v.say("alarm.told")
	}
}

// climbed says whether the household knows of the alarm already, and the operator since now.
func climbed(n dispatch.Notice, b event.AlarmRaised) bool {
	return n.Alarm.Level >= event.AlarmCustomer && n.Alarm.Level < b.Level && n.Alarm.Barrier == b.Barrier
}

func (v voice) over(n dispatch.Notice) text {
	from, to := v.time(n.Alarm.Raised), v.time(n.Event.At)
	t := text{title: v.say("over.title", "title", v.stood(n)), body: v.say("over.body", "from", from, "time", to)}
	if n.Secured != 0 {
		t.body = v.say("over.secured", "from", from, "time", to, "seen", v.exact(n.Secured))
	}
	return t
}

// stood names the alarm that stood when the event happened.
func (v voice) stood(n dispatch.Notice) string {
	return lowerFirst(v.lang.AlarmAt(n.Is, n.Alarm.Reason, nil).Title)
}

// household speaks of what is the household's own to decide or to look after.
func (v voice) household(x news) text {
	n := x.notice
	at, span := v.time(n.Event.At), v.span(n.Window)
	switch b := n.Event.Body.(type) {
	case event.ForeignOpening:
		return v.foreign(n, b)
	case event.BarrierObserved:
		return text{title: v.say("battery.title", "barrier", lowerFirst(v.barrier(n.Is))),
			body: v.say("battery.body", "time", at, "percent", strconv.Itoa(b.Observation.Battery))}
	case event.QuestionAsked:
		return v.question(n, b)
	case event.DeliveryUnconsented:
		return text{title: v.say("consent.title"), body: v.say("consent.body.withdrawn", "time", at, "span", span), action: v.say("action.decide")}
	case event.SpotAsked:
		return v.spot(n, b)
	case event.VehicleFound:
		return v.car(n, b)
	case event.CourierSuspended:
		return text{title: v.say("changed.title.suspended"), body: v.say("changed.body.suspended", "time", at, "span", span)}
	case event.CourierAssigned:
		if n.Rebound {
			return text{title: v.say("changed.title.phone"), body: v.say("changed.body.phone", "time", at, "span", span)}
		}
		return text{title: v.say("planned.title.assigned"), body: v.say("planned.body", "span", span)}
	case event.DeliveryCancelled:
		return text{title: v.say("planned.title.cancelled"), body: v.say("planned.body.cancelled", "span", span)}
	}
	if x.topic == Question {
		return text{title: v.say("consent.title"), body: v.say("consent.body", "span", span), action: v.say("action.decide")}
	}
	return text{title: v.say("planned.title.booked"), body: v.say("planned.body", "span", span)}
}

func (v voice) foreign(n dispatch.Notice, b event.ForeignOpening) text {
	o := b.Observation
	o.Reach = "" // it moved, so it was there
	said := v.lang.Observed(n.Is, o)
	for i := 1; i < len(said); i++ {
		said[i] = lowerFirst(said[i])
	}
	body := v.say("foreign.body", "said", strings.Join(said, ", "), "time", v.exact(n.Event.At))
	cause := v.say("foreign.cause." + o.Cause) // "" for a word of the device's own
	return text{title: v.say("foreign.title", "barrier", lowerFirst(v.barrier(n.Is))), body: join(body, cause, v.say("foreign.now"))}
}

func (v voice) question(n dispatch.Notice, b event.QuestionAsked) text {
	w := v.lang.Question(b.Question)
	when := v.say("question.body", "span", v.span(n.Window))
	if b.Round == event.RoundApproach {
		when = v.say("question.body.soon")
	}
	return text{title: w.What, body: join(when, w.Safe), action: v.say("action.answer")}
}

func (v voice) spot(n dispatch.Notice, b event.SpotAsked) text {
	when := v.say("question.body", "span", v.span(n.Window))
	if b.Round != event.RoundDayBefore {
		when = v.say("question.body.soon")
	}
	return text{title: v.say("spot.title"), body: join(when, v.say("spot.body")), action: v.say("action.describe")}
}

// car tells how the car was found, and what to do about it.
func (v voice) car(n dispatch.Notice, b event.VehicleFound) text {
	t := text{title: v.lang.Refusal(b.Code, nil).Title, body: v.say("car." + string(b.Code))}
	switch b.Round {
	case event.RoundDayBefore:
		t.body = join(v.say("question.body", "span", v.span(n.Window)), t.body)
	case event.RoundApproach:
		t.body = join(v.say("question.body.soon"), t.body)
	default: // who looks for it is there, or has just said where it stands
	}
	return t
}
