package notify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// news is something to be told to a site's people.
type news struct {
	notice dispatch.Notice
	topic  Topic
	// key names what is told to a person once, however many events say it.
	key string
	// thread is what it is about; on a screen, what is newer takes the place of what is older with the same tag.
	thread, tag string
	// path of the page that shows it, below the public address; block is that of the question whether to block.
	path, block string
	// by is who did it and is not told, "" for nobody.
	by event.MemberID
	// urgent is not held by quiet hours.
	urgent bool
	// due is since when it can be told, until how long it is worth telling.
	due, until event.Instant
}

// newsOf says what there is to tell of a notice, by the state as it is now; false when that is past: what came later is
// told in its place.
func newsOf(n dispatch.Notice, s site.State, due event.Instant) (news, bool) {
	x := news{notice: n, topic: topicOf(n, s), due: due}
	if x.topic == "" || past(n, s) {
		return x, false
	}
	x.urgent = x.topic == Alarm
	x.until = due.Add(x.topic.custom().keep)
	x.key = keyOf(n)
	x.thread, x.tag = aboutOf(n, x.topic)
	x.path = pathOf(n, x.topic)
	if b, ok := n.Event.Body.(event.DeliveryUnconsented); ok && b.By.Kind == event.ActorMember {
		x.by = event.MemberID(b.By.ID)
	}
	if x.topic == Near {
		x.block = x.path + "/block"
	}
	return x, true
}

// topicOf sorts a notice.
func topicOf(n dispatch.Notice, s site.State) Topic {
	switch n.Event.Body.(type) {
	case event.VisitBegun, event.VisitEstimated, event.VisitArrived:
		return Near
	case event.OpeningResolved:
		return Opened
	case event.DeliveryDelivered:
		return Delivered
	case event.Refused, event.DeliveryDiverted, event.DeliveryReturned, event.DeliveryExpired:
		return Refused
	case event.BlockAnswered:
		return Blocked
	case event.AlarmRaised, event.AlarmAcknowledged, event.AlarmEnded:
		return Alarm
	case event.ForeignOpening:
		return Foreign
	case event.BarrierObserved:
		return Battery
	case event.QuestionAsked, event.SpotAsked, event.VehicleFound:
		return Question
	case event.CourierSuspended:
		return Changed
	case event.DeliveryCancelled:
		return Planned
	}
	return topicOfPlan(n, s)
}

// topicOfPlan sorts what is planned: a delivery that nothing allows yet is a question.
func topicOfPlan(n dispatch.Notice, s site.State) Topic {
	switch b := n.Event.Body.(type) {
	case event.DeliveryBooked:
		if d, ok := s.Delivery(b.Delivery); ok && !d.Consented {
			return Question
		}
		return Planned
	case event.DeliveryUnconsented:
		return Question
	case event.CourierAssigned:
		if n.Rebound {
			return Changed
		}
		return Planned
	}
	return ""
}

// past says whether what a notice tells is no longer so, or no longer of interest.
func past(n dispatch.Notice, s site.State) bool {
	v, stands := s.Visit(n.Visit)
	switch b := n.Event.Body.(type) {
	case event.VisitBegun:
		return !stands || v.Arrived != 0 || v.ETA != b.ETA || len(v.Deliveries) == 0
	case event.VisitEstimated:
		return !stands || v.Arrived != 0 || v.ETA != b.ETA || len(v.Deliveries) == 0
	case event.VisitArrived:
		return !stands || slices.ContainsFunc(v.Steps, func(p site.Step) bool { return p.Opened != 0 })
	case event.OpeningResolved:
		return !stands
	case event.AlarmRaised:
		return !stands || v.Alarm.Level < event.AlarmCustomer || v.Alarm.Level > b.Level || v.Alarm.Barrier != b.Barrier
	case event.AlarmAcknowledged:
		return !stands || v.Alarm.Level < event.AlarmCustomer
	case event.AlarmEnded:
		return stands && v.Alarm.Level >= event.AlarmCustomer
	case event.BarrierObserved:
		barrier, _ := s.Barrier(b.Barrier)
		return !barrier.LowBattery
	}
	return answered(n, s)
}

// answered says whether a question needs no answer any more.
func answered(n dispatch.Notice, s site.State) bool {
	switch b := n.Event.Body.(type) {
	case event.QuestionAsked:
		d, ok := s.Delivery(b.Delivery)
		open := func(a site.Ask) bool { return a.Question == b.Question && a.Round == b.Round && !a.Answered }
		return !ok || !slices.ContainsFunc(d.Asked, open)
	case event.SpotAsked:
		ap, ok := s.AccessPoint(b.AccessPoint)
		return !ok || ap.Car.Described != 0
	case event.VehicleFound:
		ap, ok := s.AccessPoint(b.AccessPoint)
		return !ok || ap.Car.Code != b.Code
	case event.DeliveryBooked:
		_, ok := s.Delivery(b.Delivery)
		return !ok
	case event.DeliveryUnconsented:
		d, ok := s.Delivery(b.Delivery)
		return !ok || d.Consented
	case event.CourierAssigned:
		d, ok := s.Delivery(b.Delivery)
		return !ok || d.Courier != b.Courier || d.Key != b.Key
	}
	return false
}

// keyOf names what is told: the event, but for refusals, of which a courier may earn many for one reason.
func keyOf(n dispatch.Notice) string {
	if b, ok := n.Event.Body.(event.Refused); ok {
		return strings.Join([]string{string(n.Event.Site), string(b.Visit), string(b.Delivery), string(b.Code)}, "/")
	}
	return fmt.Sprintf("%s-%d", n.Event.Site, n.Event.Seq)
}

// aboutOf says what a notice is about, and what it takes the place of on a screen.
func aboutOf(n dispatch.Notice, t Topic) (thread, tag string) {
	switch {
	case n.Visit != "":
		thread = string(n.Visit)
	case len(n.Deliveries) > 0:
		thread = string(n.Deliveries[0])
	default:
		thread = string(n.Barrier)
	}
	switch b := n.Event.Body.(type) {
	case event.QuestionAsked:
		return thread, thread + "/" + string(b.Question)
	case event.SpotAsked:
		return string(b.AccessPoint), string(b.AccessPoint) + "/spot"
	case event.VehicleFound:
		return string(b.AccessPoint), string(b.AccessPoint) + "/car"
	case event.AlarmRaised, event.AlarmAcknowledged, event.AlarmEnded:
		return thread, thread + "/alarm"
	}
	if t == Foreign || t == Battery {
		return thread, thread + "/" + string(t)
	}
	return thread, thread
}

// pathOf is the page that shows what a notice tells.
func pathOf(n dispatch.Notice, t Topic) string {
	switch n.Event.Body.(type) {
	case event.SpotAsked, event.VehicleFound:
		return "/home/places"
	}
	switch {
	case len(n.Deliveries) > 0:
		return "/home/deliveries/" + string(n.Deliveries[0])
	case t == Battery:
		return "/home/places"
	default:
		return "/home/history"
	}
}
