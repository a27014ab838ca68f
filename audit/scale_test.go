package audit_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// BenchmarkCheck audits a site with one delivery, signatures included; it says how many events a second that is.
func BenchmarkCheck(b *testing.B) {
	s := tell(home)
	for b.Loop() {
		if _, err := audit.Check(s.all(), s.sent, audit.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(s.of("home1").events))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkBusySite audits one desk with many deliveries: the work must not grow with their square.
func BenchmarkBusySite(b *testing.B) {
	for _, visits := range []int{100, 1000} {
		b.Run(fmt.Sprint(visits), func(b *testing.B) {
			s := tell(busy(visits))
			for b.Loop() {
				if _, err := audit.Check(s.all(), s.sent, audit.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N*visits), "µs/visit")
		})
	}
}

// busy is a site at which one visit follows another.
func busy(visits int) plot {
	p := plot{name: "busy", chapters: slices.Clone(home.chapters[:home.at("book")])}
	visit := home.chapters[home.at("book"):]
	for i := range visits {
		day := event.Millis(i) * event.Day
		p.chapters = append(p.chapters, chapter{"next", func(s *story) { s.now = max(s.now, clock("09:30:00").Add(day)) }})
		for _, c := range visit {
			tell := c.tell
			switch c.name {
			case "book":
				tell = bookOn(day)
			case "approach":
				tell = func(s *story) { s.now = clock("10:30:00").Add(day); c.tell(s) }
			}
			p.chapters = append(p.chapters, chapter{c.name, tell})
		}
	}
	return p
}

// bookOn books for another day.
func bookOn(later event.Millis) func(*story) {
	return func(s *story) {
		book(s)
		events := s.of(s.site).events
		for i := len(events) - 2; i < len(events); i++ {
			span := event.Span{From: window.From.Add(later), To: window.To.Add(later)}
			switch b := events[i].Body.(type) {
			case event.DeliveryBooked:
				b.Window = span
				events[i].Body = b
			case event.DeliveryConsented:
				b.Allowed = []event.Span{span}
				events[i].Body = b
			}
		}
	}
}

// TestBusySite: the laws hold over many visits too, each looked at.
func TestBusySite(t *testing.T) {
	t.Parallel()
	const visits = 50
	report := tell(busy(visits)).check(t, audit.Options{})
	if !report.OK() || report.Laws[0].Cases != visits {
		t.Errorf("%d openings:\n%s", report.Laws[0].Cases, text(report))
	}
}

// TestOneJournalAtATime: what was looked at can be forgotten, however many sites there are.
func TestOneJournalAtATime(t *testing.T) {
	t.Parallel()
	const sites = 300
	freed := make(chan struct{}, sites)
	_, err := audit.Check(func(yield func(audit.Journal, error) bool) {
		for i := range sites {
			site := event.SiteID(fmt.Sprintf("home%d", i))
			events := make([]event.Event, 1, 1000)
			events[0] = event.Event{Site: site, Seq: 1, At: clock("09:00:00"), Body: event.SiteOpened{Zone: "Europe/Paris"}}
			runtime.AddCleanup(&events[:cap(events)][0], func(struct{}) { freed <- struct{}{} }, struct{}{})
			if !yield(audit.Journal{Site: site, Events: events}, nil) {
				return
			}
			if i == sites-1 {
				runtime.GC()
				<-freed // hangs, and so fails, if all were still held
			}
		}
	}, nil, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
}
