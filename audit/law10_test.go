package audit_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw10BadInputLosesNothing(t *testing.T) {
	t.Parallel()
	find(t, 10, []plant{
		{"a gap in the sequence", home, journalled(func(j *journal) { j.events[20].Seq++; renumber(j.events[21:], 1) }), "it follows number 20"},
		{"an event twice", home, journalled(func(j *journal) { j.events = slices.Insert(j.events, 3, j.events[2]) }), "it follows number 3"},
		{"two events exchanged", home, journalled(func(j *journal) {
			j.events[1], j.events[2] = j.events[2], j.events[1]
		}), "it follows number"},
		{"time that runs backwards", home, journalled(func(j *journal) { j.events[4].At = j.events[3].At - 1 }), "the one before of"},
		{"an event of another site", home, journalled(func(j *journal) { j.events[4].Site = "home2" }), `of the site "home2"`},
		{"no beginning", home, journalled(func(j *journal) { j.events[0].Body = event.MemberLeft{} }), "does not begin"},
		{"an event without a body", home, journalled(func(j *journal) { j.last().Body = nil }), "no known kind"},
		{"an event by reference", home, journalled(func(j *journal) { j.last().Body = &event.MemberLeft{} }), "no known kind"},
		{"an event that is none", home, journalled(func(j *journal) { j.last().Body = (*event.MemberLeft)(nil) }), "no known kind"},
		{"an event of an unknown kind", home, journalled(func(j *journal) { j.last().Body = novelty{} }), "no known kind"},
		{"an event of an impostor", home, journalled(func(j *journal) { j.last().Body = impostor{} }), "no known kind"},
		{"a time that no calendar has", home, edit("approach", func(v *event.VisitBegun) { v.ETA = 1 << 60 }), "can't be read again"},
		{"a name that is not the event's own: delivery", home, also(edit("book", func(d *event.DeliveryBooked) { d.Delivery = "home1-d99" }), upTo("book")), `"home1-d99", not`},
		{"a name that is not the event's own: barrier", home, also(instead("enrol", func(s *story) {
			s.say(event.BarrierReserved{Barrier: "home1-b99", Is: event.FrontDoor, Spec: lock, By: s.byMember()})
		}), upTo("enrol")), `"home1-b99", not`},
		{"a name of another site", home, also(edit("move in", func(m *event.MemberJoined) { m.Member = "home2-m2" }), upTo("move in")), `"home2-m2", not`},
		{"a name that is not the event's own: camera", filmed, instead("camera", func(s *story) {
			s.camera = "home1-c99"
			s.say(event.CameraAdded{Camera: s.camera, Sees: []event.AccessPointID{s.place}, By: s.byMember()})
		}), `"home1-c99", not "home1-c10"`},
		{"a name that is not the event's own: clip", resumed, instead("film", func(s *story) {
			s.film = event.FilmingAsked{Visit: s.visit, Camera: s.camera, Clip: "home1-f99"}
			s.say(s.film)
		}), `"home1-f99", not "home1-f17"`},
		{"a request that counted twice", home, edit("close", func(c *event.CloseAsked) { c.Signed = courierPhone.ofStory().sign(clock("10:30:00")) }), "had been used"},
	})
}

// journalled changes the journal when everything has been told.
func journalled(do func(*journal)) change {
	return func(p plot) plot {
		return p.with(chapter{"", func(s *story) { do(s.of(s.site)) }})
	}
}

// last is the journal's last event: nothing rests on it.
func (j *journal) last() *event.Event { return &j.events[len(j.events)-1] }

// novelty is an event that this version does not know.
type novelty struct{}

func (novelty) Kind() event.Kind { return "novelty" }

// impostor only says that it is an event of a known kind.
type impostor struct{}

func (impostor) Kind() event.Kind { return event.MemberLeft{}.Kind() }

func renumber(events []event.Event, by uint64) {
	for i := range events {
		events[i].Seq += by
	}
}

// TestLaw10DamagedJournal: what can't be decoded is a violation, and the audit goes on with the next site.
func TestLaw10DamagedJournal(t *testing.T) {
	t.Parallel()
	s := tell(lobby)
	report, err := audit.Check(func(yield func(audit.Journal, error) bool) {
		for _, j := range s.journals {
			if !yield(audit.Journal{Site: j.site, Events: j.events, Damage: errors.New("unknown kind")}, nil) {
				return
			}
		}
	}, s.sent, audit.Options{})
	if err != nil || !slices.Equal(broken(report), []int{10}) || len(report.Laws[9].Violations) != 2 {
		t.Errorf("%v\n%s", err, text(report))
	}
}

// TestLaw10JournalTwice: nothing could be trusted that was counted twice.
func TestLaw10JournalTwice(t *testing.T) {
	t.Parallel()
	s := tell(upTo("enrol")(home))
	report, err := audit.Check(twice(s.all()), s.sent, audit.Options{})
	if err != nil || !slices.Equal(broken(report), []int{10}) || !strings.Contains(text(report), "given twice") {
		t.Errorf("%v\n%s", err, text(report))
	}
}

func twice(all iter.Seq2[audit.Journal, error]) iter.Seq2[audit.Journal, error] {
	return func(yield func(audit.Journal, error) bool) {
		for range 2 {
			for j, err := range all {
				if !yield(j, err) {
					return
				}
			}
		}
	}
}
