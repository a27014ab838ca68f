package customer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// story is what the journal tells of one delivery and of the visits that were to bring it. It is read on as the journal
// grows. A rehearsal has a story too, without a delivery.
type story struct {
	// delivery is "" for a visit's own story.
	delivery event.DeliveryID
	// read is the sequence of the last event that was read.
	read uint64
	// known is false until the event was met that the story begins with.
	known bool
	// visit that serves it now, or did last; all are those that ever did.
	visit event.VisitID
	all   []event.VisitID
	// others are the deliveries that the visit under way brings beside this one.
	others []event.DeliveryID
	// moments in the order in which they happened.
	moments []moment
	booked  event.DeliveryBooked
	begun   event.VisitBegun
	block   *answered
	end     *ending
	clip    event.ClipID
	// lost is since when the picture does not count; 0 while it does.
	lost event.Instant
	// opened is when the visit's barriers were ordered open and seen secured, by barrier.
	opened map[event.BarrierID]opening
}

// moment is one thing that happened.
type moment struct {
	Seq   uint64
	At    event.Instant
	Kind  event.Kind
	Text  string
	State ui.State
	Visit event.VisitID
	// Looker is who looked at a picture.
	Looker event.Actor
}

// answered is how a block ended, and when it was decided.
type answered struct {
	event.BlockAnswered
	At event.Instant
}

// ending is how the delivery or the visit ended.
type ending struct {
	At   event.Instant
	Kind event.Kind
	How  event.VisitEnd
	To   event.FallbackKind
	Why  event.Code
}

// opening is what became of one barrier in the visit.
type opening struct {
	// Permit and By are the last order's, and Shown says that its code was shown.
	Permit event.PermitID
	By     event.PermitType
	Shown  bool
	// Wide is when its contact was first seen open after the order, and Shut when it was seen closed again.
	Ordered, Opened, Wide, Shut, Secured event.Instant
	Outcome                              event.Outcome
	Evidence                             event.BarrierSecured
}

// storyOf begins a delivery's story; readOn fills it.
func storyOf(d event.DeliveryID) *story {
	return &story{delivery: d, read: before(event.SeqOf(d)), opened: map[event.BarrierID]opening{}}
}

// visitStory begins the story of a visit alone.
func visitStory(v event.VisitID) *story {
	return &story{visit: v, all: []event.VisitID{v}, read: before(event.SeqOf(v)), opened: map[event.BarrierID]opening{}}
}

func before(seq uint64) uint64 {
	if seq == 0 {
		return 0
	}
	return seq - 1
}

const portion = 500

// readOn reads what the journal has gained.
func (s *story) readOn(p *person) *api.Problem {
	for {
		out, problem := read(p, p.API.GetHomeJournal, &api.GetHomeJournalInput{After: api.After{After: s.read, Limit: portion}})
		if problem != nil {
			return problem
		}
		for _, e := range out.Body.Events {
			s.read = e.Seq
			if err := s.take(e); err != nil {
				return p.unreadable(err)
			}
		}
		if len(out.Body.Events) < portion {
			return nil
		}
	}
}

// unreadable is a journal that this version can't read.
func (p *person) unreadable(err error) *api.Problem {
	p.Kit.Broke(p.ctx(), "a journal can't be shown", err)
	return &api.Problem{Status: 500, Code: "internal"}
}

// eventOf is the event that a line of the household's journal tells of.
func eventOf(e api.HomeEvent) (event.Event, error) {
	var read event.Event
	data, err := json.Marshal(e.JournalEvent)
	if err == nil {
		err = json.Unmarshal(data, &read)
	}
	if err != nil {
		return read, fmt.Errorf("customer: event %d: %w", e.Seq, err)
	}
	return read, nil
}

// take takes what an event tells of the story.
func (s *story) take(told api.HomeEvent) error {
	e, err := eventOf(told)
	if err == nil {
		s.fold(e, told.Text)
	}
	return err
}

// fold takes an event and its line.
func (s *story) fold(e event.Event, line string) {
	who := mentioned(e.Body)
	s.join(e)
	s.part(e.Body)
	if !s.concerns(who) {
		return
	}
	s.keep(e)
	if quiet(e.Body) {
		return
	}
	m := moment{Seq: e.Seq, At: e.At, Kind: e.Body.Kind(), Text: line, State: look(e.Body), Visit: who.visit}
	if b, ok := e.Body.(event.PictureWatched); ok {
		m.Looker = b.By
	}
	s.moments = append(s.moments, m)
}

// join takes a visit into the story that begins with the delivery.
func (s *story) join(e event.Event) {
	b, ok := e.Body.(event.VisitBegun)
	if ok && s.delivery != "" && slices.Contains(b.Deliveries, s.delivery) {
		s.visit, s.all = b.Visit, append(s.all, b.Visit)
		s.others = slices.DeleteFunc(slices.Clone(b.Deliveries), func(d event.DeliveryID) bool { return d == s.delivery })
		s.clip, s.lost = "", 0
		if s.block != nil && blockLook(s.block.Verdict) != ui.Refused {
			s.block = nil // it was the answer for an earlier visit
		}
		s.opened = map[event.BarrierID]opening{}
	}
}

// part ends what a visit has to do with the story where the delivery leaves it before anything was opened, and others stay:
// what is opened from then on is opened for them.
func (s *story) part(body event.Body) {
	if over, ok := body.(event.VisitEnded); ok && over.Visit == s.visit {
		s.others = nil
	}
	gone := takenOut(body)
	s.others = slices.DeleteFunc(s.others, func(d event.DeliveryID) bool { return d == gone })
	if gone == "" || gone != s.delivery || len(s.others) == 0 || s.holds(body) {
		return
	}
	s.all = slices.DeleteFunc(s.all, func(v event.VisitID) bool { return v == s.visit })
	s.visit, s.others = "", nil
}

// takenOut is the delivery that an event takes out of the visit that brings it.
func takenOut(body event.Body) event.DeliveryID {
	switch b := body.(type) {
	case event.BlockAnswered:
		if b.Verdict == event.BlockWon {
			return b.Delivery
		}
	case event.ParcelTooLarge, event.CourierUnassigned, event.DeliveryCancelled, event.DeliveryExpired, event.DeliveryDelivered,
		event.DeliveryReturned, event.DeliveryDiverted:
		return mentioned(body).delivery
	}
	return ""
}

// holds says whether something was opened, or may have been, before an event that takes the delivery out. What is too large
// stays in its visit from the order on, a code that nobody saw yet included.
func (s *story) holds(body event.Body) bool {
	_, tooLarge := body.(event.ParcelTooLarge)
	for _, o := range s.opened {
		if live := o.Ordered != 0 && o.Outcome != event.NotDone; live && (tooLarge || o.By == event.PermitRemote || o.Shown) {
			return true
		}
	}
	return false
}

// concerns says whether an event belongs to the story.
func (s *story) concerns(who mention) bool {
	if s.delivery != "" && who.delivery != "" {
		return who.delivery == s.delivery
	}
	return who.visit != "" && slices.Contains(s.all, who.visit)
}

// keep folds what an event changes.
func (s *story) keep(e event.Event) {
	switch b := e.Body.(type) {
	case event.DeliveryBooked:
		s.booked, s.known = b, true
	case event.VisitBegun:
		s.begun, s.known = b, true
	case event.BlockAnswered:
		s.block = &answered{b, e.At}
	case event.RecordingAsked:
		s.clip = b.Clip
	case event.PictureLost:
		s.lost = e.At
	case event.PictureBack:
		s.lost = 0
	case event.DeliveryDelivered, event.DeliveryDiverted, event.DeliveryReturned, event.DeliveryCancelled, event.DeliveryExpired:
		s.ends(e)
	case event.VisitEnded:
		if s.delivery == "" {
			s.end = &ending{At: e.At, Kind: b.Kind(), How: b.How}
		}
	default:
		s.keepOpening(e)
	}
}

// ends takes how the delivery ended; plan B may also only have moved it to another place.
func (s *story) ends(e event.Event) {
	end := &ending{At: e.At, Kind: e.Body.Kind()}
	switch b := e.Body.(type) {
	case event.DeliveryDelivered:
		end.How = b.How
	case event.DeliveryDiverted:
		if end.To = b.To.Kind; b.To.Kind == event.FallbackAccessPoint {
			return
		}
	case event.DeliveryReturned:
		end.Why = b.Why
	}
	s.end = end
}

// keepOpening folds what became of a barrier.
func (s *story) keepOpening(e event.Event) {
	switch b := e.Body.(type) {
	case event.OpeningIntended:
		s.edit(b.Permit.Barrier, func(o *opening) {
			o.Ordered, o.By, o.Permit, o.Shown, o.Outcome, o.Secured = e.At, b.Permit.Type, b.Permit.ID, false, "", 0
		})
	case event.CodeShown:
		for barrier, o := range s.opened {
			if o.Permit == b.Permit {
				s.edit(barrier, func(o *opening) { o.Shown = true })
			}
		}
	case event.OpeningResolved:
		s.edit(b.Barrier, func(o *opening) {
			if o.Outcome = b.Outcome; b.Outcome == event.Done && o.Opened == 0 {
				o.Opened = e.At
			}
		})
	case event.BarrierSecured:
		s.edit(b.Barrier, func(o *opening) { o.Secured, o.Evidence = e.At, b })
	case event.BarrierUnsecured:
		s.edit(b.Barrier, func(o *opening) { o.Secured = 0 })
	case event.BarrierObserved:
		s.edit(b.Barrier, func(o *opening) { o.see(e.At, b.Observation) })
	}
}

// see takes what the device reported after the order.
func (o *opening) see(at event.Instant, seen event.Observation) {
	if o.Ordered == 0 || !seen.Current() {
		return
	}
	if o.Opened == 0 && (seen.Bolt == event.BoltUnlocked || seen.Contact == event.ContactOpen) {
		o.Opened = at
	}
	switch {
	case seen.Contact == event.ContactOpen && o.Wide == 0:
		o.Wide = at
	case seen.Contact == event.ContactOpen:
		o.Shut = 0
	case seen.Contact == event.ContactClosed && o.Wide != 0 && o.Shut == 0:
		o.Shut = at
	}
}

func (s *story) edit(b event.BarrierID, change func(*opening)) {
	o := s.opened[b]
	change(&o)
	s.opened[b] = o
}

// seenShut says how all that was opened was seen secured at last, by what, and when; "" where it was not.
func (s *story) seenShut(ctx context.Context, h *household) string {
	by, last := "", event.Instant(0)
	for _, o := range s.opened {
		if o.Secured == 0 {
			continue
		}
		how := "both"
		switch {
		case o.Evidence.BoltAt == 0:
			how = string(ui.WhyContact)
		case o.Evidence.ContactAt == 0:
			how = string(ui.WhyBolt)
		}
		if by != "" {
			how = string(bySeveral)
		}
		by, last = how, max(last, o.Secured)
	}
	if by == "" {
		return ""
	}
	return words.T(ctx, keyFor(h.isCar(s.begun.AccessPoint), "u2.shut."+by), "time", h.clockSeconds(ctx, last))
}

// timeline is the story newest first, as it is shown. Looks of one person that follow each other are one line.
func (s *story) timeline(ctx context.Context, h *household) []ui.Moment {
	var shown []ui.Moment
	var looker event.Actor
	for _, m := range slices.Backward(s.moments) {
		if m.Looker != (event.Actor{}) && m.Looker == looker {
			continue
		}
		one := ui.Moment{At: ui.ClockSeconds(ctx, m.At.Time(), h.zone), Text: m.Text, State: m.State}
		if looker = m.Looker; looker != (event.Actor{}) {
			one.Source = h.by(ctx, looker)
		}
		shown = append(shown, one)
	}
	return shown
}
