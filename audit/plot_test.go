package audit_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// A plot tells how a journal came about, in named chapters. A test takes a plot that keeps every law and changes
// one chapter.
type plot struct {
	name     string
	chapters []chapter
}

type chapter struct {
	name string
	tell func(*story)
}

func (p plot) with(more ...chapter) plot {
	p.chapters = append(slices.Clone(p.chapters), more...)
	return p
}

// at finds a chapter, and keeps the plot that is given as it was.
func (p *plot) at(name string) int {
	i := slices.IndexFunc(p.chapters, func(c chapter) bool { return c.name == name })
	if i < 0 {
		panic(fmt.Sprintf("the plot %q has no chapter %q", p.name, name))
	}
	p.chapters = slices.Clone(p.chapters)
	return i
}

// change is one deviation from a plot.
type change func(plot) plot

func before(name string, tell func(*story)) change {
	return func(p plot) plot {
		p.chapters = slices.Insert(p.chapters, p.at(name), chapter{"", tell})
		return p
	}
}

func after(name string, tell func(*story)) change {
	return func(p plot) plot {
		p.chapters = slices.Insert(p.chapters, p.at(name)+1, chapter{"", tell})
		return p
	}
}

func instead(name string, tell func(*story)) change {
	return func(p plot) plot {
		p.chapters[p.at(name)].tell = tell
		return p
	}
}

func without(names ...string) change {
	return func(p plot) plot {
		for _, name := range names {
			i := p.at(name)
			p.chapters = slices.Delete(p.chapters, i, i+1)
		}
		return p
	}
}

// upTo ends the plot with a chapter.
func upTo(name string) change {
	return func(p plot) plot {
		p.chapters = p.chapters[:p.at(name)+1]
		return p
	}
}

// also makes several changes.
func also(changes ...change) change {
	return func(p plot) plot {
		for _, c := range changes {
			p = c(p)
		}
		return p
	}
}

// edit changes the first event of a type that a chapter tells, in whichever journal.
func edit[B event.Body](name string, do func(*B)) change {
	return func(p plot) plot {
		i := p.at(name)
		tell := p.chapters[i].tell
		p.chapters[i].tell = func(s *story) {
			told := make(map[event.SiteID]int)
			for _, j := range s.journals {
				told[j.site] = len(j.events)
			}
			tell(s)
			for _, j := range s.journals {
				if editFrom(j.events[told[j.site]:], do) {
					return
				}
			}
			panic(fmt.Sprintf("the chapter %q does not tell a %T", name, *new(B)))
		}
		return p
	}
}

func editFrom[B event.Body](events []event.Event, do func(*B)) bool {
	for i, e := range events {
		if b, ok := e.Body.(B); ok {
			do(&b)
			events[i].Body = b
			return true
		}
	}
	return false
}

// story is what a plot becomes when it is told: the journals, the log of what was sent, and the names of what
// matters.
type story struct {
	now      event.Instant
	site     event.SiteID
	journals []*journal
	sent     []event.Sent
	phone    *phone
	// asked is the courier's last signed request.
	asked event.Signed

	member   event.MemberID
	doors    []event.BarrierID
	specs    map[event.BarrierID]event.Spec
	place    event.AccessPointID
	consent  event.ConsentID
	delivery event.DeliveryID
	visit    event.VisitID
	permit   event.Permit
	lease    event.LeaseID
	camera   event.CameraID
	// film is how the last visit that a camera films was first asked to be.
	film event.FilmingAsked
}

type journal struct {
	site   event.SiteID
	events []event.Event
}

func tell(p plot) *story {
	s := &story{now: clock("09:00:00"), site: "home1", phone: courierPhone.ofStory(), specs: map[event.BarrierID]event.Spec{}}
	for _, c := range p.chapters {
		c.tell(s)
	}
	return s
}

// clock is a time on the day of the stories.
func clock(at string) event.Instant {
	var i event.Instant
	if err := i.UnmarshalText([]byte("2026-03-02T" + at + ".000Z")); err != nil {
		panic(err)
	}
	return i
}

func (s *story) of(site event.SiteID) *journal {
	for _, j := range s.journals {
		if j.site == site {
			return j
		}
	}
	s.journals = append(s.journals, &journal{site: site})
	return s.journals[len(s.journals)-1]
}

func (s *story) say(bodies ...event.Body) {
	j := s.of(s.site)
	for _, b := range bodies {
		j.events = append(j.events, event.Event{Site: s.site, Seq: uint64(len(j.events)) + 1, At: s.now, Body: b})
	}
}

// id is the identifier of what the next event creates.
func id[T ~string](s *story, letter byte) T {
	return event.NewID[T](s.site, letter, uint64(len(s.of(s.site).events))+1)
}

func (s *story) wait(d event.Millis) { s.now = s.now.Add(d) }

// at tells something in another site's journal.
func (s *story) at(site event.SiteID, tell func()) {
	here := s.site
	s.site = site
	tell()
	s.site = here
}

func (s *story) byMember() event.Actor {
	return event.Actor{Kind: event.ActorMember, ID: string(s.member)}
}

var operator = event.Actor{Kind: event.ActorOperator, ID: "op-1"}

// sign makes the next request of the courier's phone.
func (s *story) sign() event.Signed {
	s.asked = s.phone.sign(s.now)
	return s.asked
}

// check audits the story.
func (s *story) check(t *testing.T, o audit.Options) audit.Report {
	t.Helper()
	report, err := audit.Check(s.all(), s.sent, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (s *story) all() iter.Seq2[audit.Journal, error] {
	return func(yield func(audit.Journal, error) bool) {
		for _, j := range s.journals {
			if !yield(audit.Journal{Site: j.site, Events: j.events}, nil) {
				return
			}
		}
	}
}

// broken lists the numbers of the laws that were broken.
func broken(r audit.Report) []int {
	var numbers []int
	for _, l := range r.Laws {
		if len(l.Violations) > 0 {
			numbers = append(numbers, l.Number)
		}
	}
	return numbers
}

func text(r audit.Report) string {
	var b strings.Builder
	_ = r.WriteText(&b)
	return b.String()
}
