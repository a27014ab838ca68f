package customer

import (
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// mention is whom an event speaks of.
type mention struct {
	delivery event.DeliveryID
	visit    event.VisitID
}

// mentioned finds the delivery or the visit that an event speaks of.
func mentioned(body event.Body) mention {
	if m, ok := ofDelivery(body); ok {
		return m
	}
	if m, ok := ofVisit(body); ok {
		return m
	}
	return ofBarrier(body)
}

func ofDelivery(body event.Body) (m mention, ok bool) {
	switch b := body.(type) {
	case event.DeliveryBooked:
		m.delivery = b.Delivery
	case event.DeliveryConsented:
		m.delivery = b.Delivery
	case event.DeliveryUnconsented:
		m.delivery = b.Delivery
	case event.CourierAssigned:
		m.delivery = b.Delivery
	case event.CourierUnassigned:
		m.delivery = b.Delivery
	case event.QuestionAsked:
		m.delivery = b.Delivery
	case event.QuestionAnswered:
		m.delivery = b.Delivery
	case event.DeliveryCancelled:
		m.delivery = b.Delivery
	case event.DeliveryExpired:
		m.delivery = b.Delivery
	case event.BlockAnswered:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.PlanBFollowed:
		m.delivery = b.Delivery
	case event.DeliveryDelivered:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.DeliveryDiverted:
		m.delivery = b.Delivery
	case event.DeliveryReturned:
		m.delivery = b.Delivery
	case event.ParcelTooLarge:
		m.delivery, m.visit = b.Delivery, b.Visit
	default:
		return m, false
	}
	return m, true
}

func ofVisit(body event.Body) (m mention, ok bool) {
	switch b := body.(type) {
	case event.VisitBegun:
		m.visit = b.Visit
	case event.VisitEstimated:
		m.visit = b.Visit
	case event.VisitArrived:
		m.visit = b.Visit
	case event.ParcelScanned:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.ParcelMissing:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.Refused:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.DepositRecorded:
		m.visit = b.Visit
	case event.AlarmRaised:
		m.visit = b.Visit
	case event.AlarmAcknowledged:
		m.visit = b.Visit
	case event.AlarmEnded:
		m.visit = b.Visit
	case event.TakeOverAsked:
		m.visit = b.Visit
	case event.VisitTakenOver:
		m.visit = b.Visit
	case event.CloseAsked:
		m.visit = b.Visit
	case event.CourierLeftInDanger:
		m.visit = b.Visit
	case event.CourierReleased:
		m.visit = b.Visit
	case event.VisitEnded:
		m.visit = b.Visit
	case event.SpotAsked:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.VehicleSought:
		m.delivery, m.visit = b.Delivery, b.Visit
	case event.VehicleFound:
		m.delivery, m.visit = b.Delivery, b.Visit
	default:
		return m, false
	}
	return m, true
}

func ofBarrier(body event.Body) (m mention) {
	switch b := body.(type) {
	case event.OpeningIntended:
		m.visit = b.Permit.Visit
	case event.OpeningResolved:
		m.visit = b.Visit
	case event.CodeShown:
		m.visit = b.Visit
	case event.CodeRemovalAsked:
		m.visit = b.Visit
	case event.CodeRemoved:
		m.visit = b.Visit
	case event.SecuringAsked:
		m.visit = b.Visit
	case event.ReadingAsked:
		m.visit = b.Visit
	case event.BarrierObserved:
		m.visit = b.Visit
	case event.BarrierSecured:
		m.visit = b.Visit
	case event.BarrierUnsecured:
		m.visit = b.Visit
	case event.FilmingAsked:
		m.visit = b.Visit
	case event.RecordingAsked:
		m.visit = b.Visit
	case event.PictureLost:
		m.visit = b.Visit
	case event.PictureBack:
		m.visit = b.Visit
	case event.FilmingEnded:
		m.visit = b.Visit
	case event.PictureWatched:
		m.visit = b.Visit
	case event.LeaseAsked:
		m.visit = b.Visit
	}
	return m
}

// quiet are the events that a household's timeline leaves out: questions to devices, and what the line after says.
func quiet(body event.Body) bool {
	switch b := body.(type) {
	case event.ReadingAsked, event.SecuringAsked, event.FilmingAsked, event.CodeRemovalAsked, event.VisitEstimated, event.VehicleSought:
		return true
	case event.BarrierObserved:
		return b.Observation.Bolt == "" && b.Observation.Contact == ""
	}
	return false
}

// look is how a moment looks in a timeline; most are neutral.
func look(body event.Body) ui.State {
	switch b := body.(type) {
	case event.AlarmRaised, event.CourierLeftInDanger, event.PictureLost, event.ForeignOpening:
		return ui.Alarming
	case event.Refused, event.BlockAnswered, event.ParcelTooLarge:
		return ui.Refused
	case event.VehicleFound:
		if b.Code != "" {
			return ui.Refused
		}
	case event.BarrierSecured:
		return ui.Secured
	case event.OpeningIntended, event.CodeShown:
		return ui.Underway
	case event.OpeningResolved:
		return lookOfOutcome(b.Outcome)
	case event.BarrierObserved:
		if b.Observation.Contact == event.ContactOpen || b.Observation.Bolt == event.BoltUnlocked {
			return ui.Open
		}
	}
	return ui.Neutral
}

func lookOfOutcome(o event.Outcome) ui.State {
	switch o {
	case event.Done:
		return ui.Open
	case event.NotDone:
		return ui.Neutral
	default:
		return ui.Unknown
	}
}
