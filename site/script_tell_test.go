package site_test

import (
	"cmp"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
)

// tell puts the plain words of an event beside its kind.
func tell(words string, e event.Event) string { return sprintf("%-78s [%s]", words, e.Body.Kind()) }

func (s *stage) words(b event.Body) string {
	for _, tell := range []func(event.Body) string{s.household, s.promise, s.atTheDoor, s.opening, s.evidence, s.ends, s.lease, s.filming, s.car} {
		if words := tell(b); words != "" {
			return words
		}
	}
	s.fail("no words for %s", b.Kind())
	return ""
}

func (s *stage) household(b event.Body) string {
	switch b := b.(type) {
	case event.SiteOpened:
		return sprintf("the site opens its journal, in %s", b.Zone)
	case event.SiteClosed:
		return "everybody moved out; everything is revoked"
	case event.MemberJoined:
		return sprintf("%s decides here now", s.name(b.Member))
	case event.MemberLeft:
		return sprintf("%s no longer decides here", s.name(b.Member))
	case event.RulesSet:
		return "the site's rules are set"
	case event.BarrierReserved:
		return sprintf("%s waits to be worked by hand", s.name(b.Barrier))
	case event.BarrierEnrolled:
		return sprintf("%s is enrolled: it was worked by hand", s.name(b.Barrier))
	case event.BarrierRetired:
		return sprintf("%s takes no part any more", s.name(b.Barrier))
	case event.AccessPointAdded:
		return sprintf("%s is a place for parcels", s.name(b.AccessPoint))
	case event.AccessPointRetired:
		return sprintf("%s is no place for parcels any more", s.name(b.AccessPoint))
	case event.LendingAllowed:
		return sprintf("%s may pass through %s", b.Borrower, s.name(b.Barrier))
	case event.LendingEnded:
		return sprintf("%s may no longer pass through %s: %s", b.Borrower, s.name(b.Barrier), b.Verdict)
	}
	return ""
}

func (s *stage) promise(b event.Body) string {
	switch b := b.(type) {
	case event.ConsentGiven:
		return sprintf("standing consent %s", s.name(b.Consent.ID))
	case event.ConsentWithdrawn:
		return sprintf("standing consent %s is withdrawn", s.name(b.Consent))
	case event.DeliveryBooked:
		return sprintf("%s is promised: %d parcel(s) to %s, %s", s.name(b.Delivery), len(b.Parcels), s.name(b.AccessPoint), span(b.Window))
	case event.DeliveryConsented:
		return sprintf("%s may come at %s%s", s.name(b.Delivery), allowed(b.Allowed), after(", by ", s.name(b.Consent)))
	case event.DeliveryUnconsented:
		return sprintf("%s may not come any more", s.name(b.Delivery))
	case event.CourierAssigned:
		return sprintf("%s brings %s", b.Courier, s.name(b.Delivery))
	case event.CourierUnassigned:
		return sprintf("%s no longer brings %s", b.Courier, s.name(b.Delivery))
	case event.CourierSuspended:
		return sprintf("%s is suspended", b.Courier)
	case event.QuestionAsked:
		return sprintf("the household is asked about %s: %s? (%s)", s.name(b.Delivery), b.Question, b.Round)
	case event.QuestionAnswered:
		return sprintf("the household answers about %s: %s? %s (%s)", s.name(b.Delivery), b.Question, yesNo(b.Yes), b.Round)
	case event.DeliveryCancelled:
		return sprintf("%s is cancelled", s.name(b.Delivery))
	case event.DeliveryExpired:
		return sprintf("%s has expired", s.name(b.Delivery))
	case event.BlockAnswered:
		return sprintf("the block of %s: %s%s", s.name(b.Delivery), b.Verdict, after(", last order to open at ", clockOf(b.IntendedAt)))
	}
	return ""
}

func (s *stage) atTheDoor(b event.Body) string {
	switch b := b.(type) {
	case event.VisitBegun:
		return sprintf("%s is on the way to %s%s", s.name(b.Courier)+s.name(b.Member), s.name(b.AccessPoint), s.carrying(b.Deliveries))
	case event.VisitEstimated:
		return sprintf("the courier is expected at %s", clockOf(b.ETA))
	case event.VisitArrived:
		return sprintf("the courier is there, %d m ± %d m from the spot", b.Place.Distance, b.Place.Accuracy)
	case event.ParcelScanned:
		return sprintf("parcel %s of %s is scanned%s", b.Parcel, s.name(b.Delivery), when(b.Offline, ", without network"))
	case event.ParcelMissing:
		return sprintf("parcel %s of %s is missing", b.Parcel, s.name(b.Delivery))
	case event.Refused:
		return sprintf("refused: %s%s (asked: %s)", b.Code, after(", try again at ", clockOf(b.RetryAt)), b.Asked)
	case event.DepositRecorded:
		return sprintf("the parcels are put down%s", after(", photo ", string(b.Photo)))
	case event.PlanBFollowed:
		return sprintf("plan B for %s: %s%s", s.name(b.Delivery), s.fallbackWords(b.Fallback), when(b.Nobody, ", but nobody is there"))
	}
	return ""
}

func (s *stage) opening(b event.Body) string {
	switch b := b.(type) {
	case event.OpeningIntended:
		return sprintf("%s IS TO BE OPENED by %s%s, void from %s%s", s.name(b.Permit.Barrier), b.Permit.Type,
			when(b.Permit.Recovery, " again"), clockOf(b.Permit.Deadline), fenced(b.Permit.Fence))
	case event.OpeningResolved:
		return sprintf("the order to open %s: %s (by %s)", s.name(b.Barrier), b.Outcome, b.By)
	case event.CodeShown:
		return "THE CODE IS SHOWN"
	case event.CodeRemovalAsked:
		return sprintf("%s is to forget the code", s.name(b.Barrier))
	case event.CodeRemoved:
		return sprintf("%s %s the code", s.name(b.Barrier), map[bool]string{true: "forgot", false: "did not forget"}[b.Confirmed])
	case event.SecuringAsked:
		return sprintf("%s is told to shut", s.name(b.Barrier))
	case event.ReadingAsked:
		return sprintf("%s is asked how it stands", s.name(b.Barrier))
	}
	return ""
}

func (s *stage) evidence(b event.Body) string {
	switch b := b.(type) {
	case event.BarrierObserved:
		return sprintf("%s says %s", s.name(b.Barrier), said(b.Observation))
	case event.BarrierSecured:
		return sprintf("%s is SECURED (%s)", s.name(b.Barrier), b.Grade)
	case event.BarrierUnsecured:
		return sprintf("%s is NO LONGER SECURED", s.name(b.Barrier))
	case event.ForeignOpening:
		return sprintf("somebody else opened %s", s.name(b.Barrier))
	case event.AlarmRaised:
		return sprintf("ALARM, level %d: %s%s", b.Level, b.Reason, after(", ", s.name(b.Barrier)))
	case event.AlarmAcknowledged:
		return sprintf("%s has the alarm in hand", cmp.Or(b.By.ID, string(b.By.Kind)))
	case event.AlarmEnded:
		return "the alarm is over"
	}
	return ""
}

func (s *stage) ends(b event.Body) string {
	switch b := b.(type) {
	case event.TakeOverAsked:
		return sprintf("%s says to be there", s.name(b.Member))
	case event.VisitTakenOver:
		return sprintf("%s is there and takes over", s.name(b.Member))
	case event.CloseAsked:
		return sprintf("%s is out; everything is to be shut", cmp.Or(s.name(b.Member), "the courier"))
	case event.CourierLeftInDanger:
		return "the courier leaves in danger"
	case event.CourierReleased:
		return "the courier may go"
	case event.DeliveryDelivered:
		return sprintf("%s is DELIVERED, %s%s", s.name(b.Delivery), b.How, when(!b.Confirmed, ", without the courier's word"))
	case event.DeliveryDiverted:
		return sprintf("%s goes to %s", s.name(b.Delivery), s.fallbackWords(b.To))
	case event.DeliveryReturned:
		return sprintf("%s goes back%s", s.name(b.Delivery), after(": ", string(b.Why)))
	case event.VisitEnded:
		return sprintf("the visit ends: %s", b.How)
	}
	return ""
}

func (s *stage) lease(b event.Body) string {
	switch b := b.(type) {
	case event.LeaseAsked:
		return sprintf("%s is asked for its %s", event.SiteOf(b.Barrier), s.name(b.Barrier))
	case event.LeaseGranted:
		return sprintf("%s is lent to %s until %s, fence %d%s", s.name(b.Barrier), event.SiteOf(b.Lease), clockOf(b.Until), b.Number, known(b.Known))
	case event.LeaseRefused:
		return sprintf("%s is not lent to %s: %s", s.name(b.Barrier), event.SiteOf(b.Lease), b.Code)
	case event.LeaseReceived:
		return sprintf("a barrier is borrowed until %s, fence %d%s", clockOf(b.Until), b.Number, known(b.Known))
	case event.LeaseDenied:
		return sprintf("the barrier is not lent: %s", b.Code)
	case event.LeaseReturnAsked:
		return sprintf("%s is asked for %s back", event.SiteOf(b.Lease), s.name(b.Barrier))
	case event.LeaseReturned:
		return sprintf("the lease is given back, %s", spent(b.Spent))
	case event.LeaseEnded:
		return sprintf("%s is back, %s", s.name(b.Barrier), spent(b.Spent))
	}
	return ""
}

// known tells what a lender knew of each part, and since when.
func known(k event.Known) string {
	var all string
	if k.Bolt != "" {
		all += sprintf(", %s %s", k.Bolt, since(k.BoltAt))
	}
	if k.Contact != "" {
		all += sprintf(", %s %s", k.Contact, since(k.ContactAt))
	}
	return all
}

func since(at event.Instant) string {
	if at == 0 {
		return "(not from the device itself)"
	}
	return "since " + clockOf(at)
}

func (s *stage) carrying(all []event.DeliveryID) string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = s.name(d)
	}
	return after(" with ", strings.Join(names, ", "))
}

func (s *stage) fallbackWords(f event.Fallback) string {
	return strings.TrimSpace(sprintf("%s %s%s", f.Kind, s.name(f.AccessPoint), f.Who))
}

func said(o event.Observation) string {
	var parts []string
	for _, p := range []struct{ label, value string }{{"", string(o.Bolt)}, {"", string(o.Contact)}, {"", string(o.Reach)}} {
		if p.value != "" {
			parts = append(parts, p.value)
		}
	}
	if o.Battery > 0 {
		parts = append(parts, sprintf("battery %d%%", o.Battery))
	}
	if o.Origin != event.OriginLive {
		parts = append(parts, "("+string(o.Origin)+")")
	}
	return strings.Join(parts, " ")
}

func span(s event.Span) string { return sprintf("%s-%s", shortClock(s.From), shortClock(s.To)) }

func allowed(all []event.Span) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = span(s)
	}
	return strings.Join(parts, " and ")
}

func shortClock(i event.Instant) string { return i.Time().Format("15:04") }

func clockOf(i event.Instant) string {
	if i == 0 {
		return ""
	}
	return i.Time().Format(time.TimeOnly)
}

func fenced(number uint64) string {
	if number == 0 {
		return ""
	}
	return sprintf(", fence %d", number)
}

func spent(yes bool) string { return map[bool]string{true: "spent", false: "unspent"}[yes] }

func yesNo(yes bool) string { return map[bool]string{true: "yes", false: "no"}[yes] }

// after joins only where there is something to say.
func after(lead, text string) string { return when(text != "", lead+text) }

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}
