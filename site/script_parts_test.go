package site_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// Sentences between sites: "home asks to borrow lobby" hands the tower the home's last question. The script
// passes the messages, and may pass them late, twice or never.
var leaseSentences = []sentence{
	says(`asks to borrow (\w+)`, func(s *stage, w []string) site.Request {
		e := last(s, w[0], func(e event.LeaseAsked) bool { return s.name(e.Barrier) == w[1] })
		return site.GrantLease{Lease: e.Lease, Barrier: e.Barrier}
	}),
	says(`asked first to borrow (\w+)`, func(s *stage, w []string) site.Request {
		log := s.sites[event.SiteID(w[0])].log
		i := slices.IndexFunc(log, func(e event.Event) bool { return e.Body.Kind() == event.LeaseAsked{}.Kind() })
		e := log[i].Body.(event.LeaseAsked)
		return site.GrantLease{Lease: e.Lease, Barrier: e.Barrier}
	}),
	says(`lends (\w+)`, func(s *stage, w []string) site.Request {
		e := last(s, w[0], func(e event.LeaseGranted) bool { return s.name(e.Barrier) == w[1] })
		return site.ReceiveLease{Lease: e.Lease, Barrier: e.Barrier, Number: e.Number, Until: e.Until, Spec: e.Spec, Known: e.Known}
	}),
	says(`refuses (\w+)`, func(s *stage, w []string) site.Request {
		e := last(s, w[0], func(e event.LeaseRefused) bool { return s.name(e.Barrier) == w[1] })
		return site.DenyLease{Lease: e.Lease, Code: e.Code}
	}),
	says(`wants (\w+) back`, func(s *stage, w []string) site.Request {
		e := last(s, w[0], func(e event.LeaseReturnAsked) bool { return s.name(e.Barrier) == w[1] })
		return site.ReturnLease{Lease: e.Lease, Barrier: e.Barrier}
	}),
	says(`reports (\w+): (.*)`, func(s *stage, w []string) site.Request { return s.observe(w[1], w[2]) }),
	says(`passes on what (\w+) said`, func(s *stage, w []string) site.Request { return s.passedOn(event.SiteID(w[0]), w[1]) }),
	says(`gives a lease back`, func(s *stage, w []string) site.Request {
		e := last(s, w[0], func(event.LeaseReturned) bool { return true })
		return site.EndLease{Lease: e.Lease, Spent: e.Spent}
	}),
}

// passedOn is the letter in which an owner tells its borrower what the barrier said last.
func (s *stage) passedOn(owner event.SiteID, barrier string) site.Observe {
	log := s.sites[owner].log
	for i, e := range slices.Backward(log) {
		if b, ok := e.Body.(event.BarrierObserved); ok && s.name(b.Barrier) == barrier {
			before := site.Fold(site.State{Site: owner}, log[:i])
			return site.Observe{Barrier: b.Barrier, Observation: before.PassedOn(b.Barrier, b.Observation)}
		}
	}
	s.fail("%s has heard nothing of %s", owner, barrier)
	return site.Observe{}
}

// last finds the latest event of a kind in another site's journal.
func last[B event.Body](s *stage, in string, match func(B) bool) B {
	for _, e := range slices.Backward(s.sites[event.SiteID(in)].log) {
		if b, ok := e.Body.(B); ok && match(b) {
			return b
		}
	}
	var none B
	s.fail("%s has no %s", in, none.Kind())
	return none
}

// rules reads "dwell 5m, climb 1m, ask pets, ask alarm, camera, watch, plan B neighbour claude, plan B outside".
func (s *stage) rules(text string) event.Rules {
	r := event.Rules{Dwell: 5 * event.Minute, Climb: event.Minute}
	for _, part := range split(text) {
		word, more, _ := strings.Cut(part, " ")
		switch word {
		case "dwell":
			r.Dwell = duration(s, more)
		case "climb":
			r.Climb = duration(s, more)
		case "ask":
			r.AskPets, r.AskAlarm = r.AskPets || more == "pets", r.AskAlarm || more == "alarm"
		case "camera":
			r.Camera = true
		case "watch":
			r.Watch, r.WatchCars = true, r.WatchCars || more == "cars too"
		case "clips":
			r.KeepClips = duration(s, more)
		case "operator":
			r.OperatorWatches = true
		case "plan":
			r.PlanB = append(r.PlanB, s.fallback(strings.Fields(more)[1:]))
		default:
			s.fail("no such rule: %q", part)
		}
	}
	return r
}

func (s *stage) fallback(w []string) event.Fallback {
	f := event.Fallback{Kind: event.FallbackKind(w[0])}
	switch f.Kind {
	case event.FallbackNeighbour:
		f.Who = event.Commitment(w[1])
	case event.FallbackAccessPoint:
		f.AccessPoint = id[event.AccessPointID](s, w[1])
	}
	return f
}

// spec reads what a device can do: "bolt, contact, opens, secures, reads, codes, horizon 2m, lateness 5s".
func (s *stage) spec(name, text string) (spec event.Spec, accepted bool) {
	spec = event.Spec{Device: event.DeviceID("device-of-" + name), Grade: event.GradeReported, Horizon: 5 * event.Minute}
	for _, part := range split(text) {
		word, more, _ := strings.Cut(part, " ")
		switch word {
		case "bolt":
			spec.Closure.Bolt = true
		case "contact":
			spec.Closure.Contact = true
		case "opens":
			spec.Opens = true
		case "secures":
			spec.Secures = true
		case "reads":
			spec.Reads = true
		case "codes":
			spec.Codes = true
		case "proven":
			spec.Grade = event.GradeProven
		case "horizon":
			spec.Horizon = duration(s, more)
		case "lateness":
			spec.Lateness = s.lateness(more)
		case "reveals":
			spec.Reveals = event.Reveals(more)
		case "window":
			spec.Window = duration(s, more)
		case "locates":
			spec.Locates = true
		case "accepted":
			accepted = true
		default:
			s.fail("no device has %q", part)
		}
	}
	return spec, accepted
}

func (s *stage) lateness(text string) event.Millis {
	if text == "unbounded" {
		return event.UnboundedLateness
	}
	return duration(s, text)
}

// wayIn reads "lobby by remote, flat by code".
func (s *stage) wayIn(text string) []event.BarrierRef {
	var way []event.BarrierRef
	for _, part := range split(text) {
		name, by, _ := strings.Cut(part, " by ")
		way = append(way, event.BarrierRef{Barrier: id[event.BarrierID](s, name), By: event.PermitType(by)})
	}
	return way
}

// consent reads "days 1-5, 08:00-20:00, up to medium, merchant flora, carrier swift, inside, until 20:00".
func (s *stage) consent(place, text string) event.Consent {
	c := event.Consent{AccessPoint: id[event.AccessPointID](s, place), Largest: event.SizeLarge}
	h := event.Hours{Days: []int{1, 2, 3, 4, 5, 6, 7}}
	for _, part := range split(text) {
		word, more, _ := strings.Cut(part, " ")
		switch word {
		case "days":
			h.Days = s.days(more)
		case "up":
			c.Largest = event.Size(strings.TrimPrefix(more, "to "))
		case "merchant":
			c.Merchants = append(c.Merchants, event.MerchantID(more))
		case "carrier":
			c.Carriers = append(c.Carriers, event.CarrierID(more))
		case "inside":
			c.Inside = true
		case "until":
			c.Until = s.clock(more + ":00")
		default:
			from, to, _ := strings.Cut(word, "-")
			h.From, h.To = s.minutes(from), s.minutes(to)
		}
	}
	c.Hours = []event.Hours{h}
	return c
}

func (s *stage) days(text string) []int {
	from, to, _ := strings.Cut(text, "-")
	var days []int
	for d := number(s, from); d <= number(s, cmp.Or(to, from)); d++ {
		days = append(days, d)
	}
	return days
}

func (s *stage) minutes(text string) int {
	if text == "24:00" {
		return 24 * 60
	}
	t := must(s, func() (time.Time, error) { return time.Parse("15:04", text) })
	return t.Hour()*60 + t.Minute()
}

// spans is the script's calendar, in UTC: when a consent's hours allow a window.
func spans(c event.Consent, window event.Span) []event.Span {
	var all []event.Span
	for day := window.From.Time().Truncate(24 * time.Hour); event.InstantOf(day) < window.To; day = day.AddDate(0, 0, 1) {
		for _, h := range c.Hours {
			if slices.Contains(h.Days, (int(day.Weekday())+6)%7+1) {
				all = append(all, event.Span{From: event.InstantOf(day.Add(time.Duration(h.From) * time.Minute)),
					To: event.InstantOf(day.Add(time.Duration(h.To) * time.Minute))})
			}
		}
	}
	return all
}

func (s *stage) spansOfOpen(c event.Consent) []site.DeliverySpans {
	var all []site.DeliverySpans
	for _, d := range s.here.state.Deliveries {
		all = append(all, site.DeliverySpans{Delivery: d.ID, Spans: spans(c, d.Window)})
	}
	return all
}

// booking reads "4471 small, 4472 large, by swift, whole, do not ring, keep cold, ask at 18:00, tomorrow".
func (s *stage) booking(w []string) site.Book {
	b := site.Book{Merchant: event.MerchantID(w[0]), Carrier: "swift", AccessPoint: id[event.AccessPointID](s, w[2]),
		Window: event.Span{From: s.clock(w[3] + ":00"), To: s.clock(w[4] + ":00")}}
	for _, part := range split(w[5]) {
		word, more, _ := strings.Cut(part, " ")
		switch {
		case word == "by":
			b.Carrier = event.CarrierID(more)
		case part == "whole":
			b.Whole = true
		case part == "do not ring":
			b.DoNotRing = true
		case part == "keep cold":
			b.KeepCold = true
		case part == "tomorrow":
			b.Window = event.Span{From: b.Window.From.Add(event.Day), To: b.Window.To.Add(event.Day)}
		case word == "ask":
			b.AskAt = s.clock(strings.TrimPrefix(more, "at ") + ":00")
		default:
			b.Parcels = append(b.Parcels, event.Parcel{Code: event.Commitment(word), Size: event.Size(more)})
		}
	}
	for _, c := range s.here.state.Consents {
		b.Spans = append(b.Spans, site.ConsentSpans{Consent: c.ID, Spans: spans(c, b.Window)})
	}
	return b
}

// call names what the next command creates.
func (s *stage) call(name string) { s.next = name }

// known returns what a name stands for; a name that the script never gave stands for itself.
func (s *stage) known(name string) string {
	if is, ok := s.ids[name]; ok {
		return is
	}
	return name
}

func id[T ~string](s *stage, name string) T { return T(s.known(name)) }

// name returns what the script calls a thing.
func (s *stage) name(id any) string {
	text := fmt.Sprint(id)
	if name, ok := s.names[text]; ok {
		return name
	}
	return text
}

// visit finds the last visit of a courier or member; whoever never had one means the last of all.
func (s *stage) visit(of string) event.VisitID {
	if v, ok := s.here.visits[of]; ok {
		return v
	}
	return s.here.visits["anybody"]
}

func (s *stage) permit(barrier string) event.PermitID {
	return s.here.permits[id[event.BarrierID](s, barrier)]
}

func must[T any](s *stage, f func() (T, error)) T {
	v, err := f()
	if err != nil {
		s.fail("%v", err)
	}
	return v
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func encode(t testing.TB, s site.State) []byte {
	data, err := site.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t *testing.T, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// firstDifference shows where two texts part, with the lines before.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := at(w, i), at(g, i)
		if a != b {
			before := strings.Join(w[max(0, i-4):min(i, len(w))], "\n")
			return fmt.Sprintf("line %d\n%s\n- %s\n+ %s", i+1, before, a, b)
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
