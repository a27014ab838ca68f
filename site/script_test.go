package site_test

import (
	"bytes"
	"flag"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

var update = flag.Bool("update", false, "rewrite what the scripts in testdata expect; review the difference")

// TestScripts plays every script of testdata. A script is a column of sentences, each with the time of day at
// which the server receives it; below each stand, indented, the events that follow in plain words, with their
// kinds. Lines without an indent are written by people, indented ones by -update, and reviewed.
//
//	day 2026-03-02             the day from here on (UTC); 2026-03-02, a Monday, at the start
//	site home                  whose journal the sentences are for, until the next such line
//	given home                 plays testdata/given/home.txt first, without printing it
//	14:02:03 courier anna …    one command; words.go lists the sentences
//	14:10:00 time passes       lets every deadline up to then decide, as the runtime's ticks do
//
// Before each command the deadlines that lie before it have their ticks too; what they decide is printed with
// the time at which it was decided.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want := read(t, file)
			got := play(t, want).out.String()
			if *update {
				write(t, file, got)
				return
			}
			if diff := firstDifference(want, got); diff != "" {
				t.Errorf("%s\n%s\nIf this is right: go test ./site -run TestScripts -update", file, diff)
			}
		})
	}
}

// TestScriptsShowEverything: whatever can happen, or be refused, happens in a script that somebody reviewed.
func TestScriptsShowEverything(t *testing.T) {
	kinds, codes := map[event.Kind]bool{}, map[event.Code]bool{}
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		for _, scene := range play(t, read(t, file)).sites {
			for _, e := range scene.log {
				kinds[e.Body.Kind()] = true
				codes[codeOf(e.Body)] = true
			}
		}
	}
	for _, k := range event.Kinds() {
		if !kinds[k] {
			t.Errorf("no script shows %s", k)
		}
	}
	for _, c := range event.Codes() {
		if !codes[c] && !slices.Contains(neverSaid, c) {
			t.Errorf("no script shows a refusal as %s", c)
		}
	}
}

// neverSaid are codes that no site gives as things are: a visit without a delivery ends at once.
var neverSaid = []event.Code{event.NothingToDeliver}

func codeOf(b event.Body) event.Code {
	switch b := b.(type) {
	case event.Refused:
		return b.Code
	case event.LeaseRefused:
		return b.Code
	case event.DeliveryReturned:
		return b.Why
	}
	return ""
}

// stage is a script under way: the sites with their journals, the names that the script gave, the time.
type stage struct {
	t     *testing.T
	day   time.Time
	now   event.Instant
	sites map[event.SiteID]*scene
	here  *scene
	// ids finds what a name of the script stands for, names the way back.
	ids, names map[string]string
	// next is what the next thing to be created is called.
	next      string
	proofs    int
	lastProof string
	// run are the events of ticks that say the same, one after the other.
	run   []event.Event
	same  string
	line  int
	quiet bool
	out   strings.Builder
}

// scene is one site in a script.
type scene struct {
	id    event.SiteID
	state site.State
	log   []event.Event
	// visits finds the last visit of a courier or of a rehearsing member, permits the last one of a barrier.
	visits  map[string]event.VisitID
	permits map[event.BarrierID]event.PermitID
}

func play(t *testing.T, script string) *stage {
	s := &stage{t: t, day: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), sites: map[event.SiteID]*scene{},
		ids: map[string]string{}, names: map[string]string{}}
	s.goTo("home")
	s.perform(script)
	return s
}

func (s *stage) perform(script string) {
	for i, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		s.line = i + 1
		if strings.HasPrefix(line, " ") {
			continue
		}
		s.print("%s", line)
		s.read(line)
	}
}

var timed = regexp.MustCompile(`^(\d\d:\d\d:\d\d(?:\.\d{1,3})?) (.*)$`)

func (s *stage) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
	case word == "day":
		s.day = must(s, func() (time.Time, error) { return time.Parse(time.DateOnly, rest) })
	case word == "site":
		s.goTo(event.SiteID(rest))
	case word == "given":
		s.given(rest)
	case timed.MatchString(line):
		m := timed.FindStringSubmatch(line)
		s.now = s.clock(m[1])
		s.tickUntil(s.now)
		s.sentence(m[2])
	default:
		s.fail("not a line of a script: %q", line)
	}
}

func (s *stage) given(name string) {
	was, line := s.quiet, s.line
	s.quiet = true
	s.perform(read(s.t, filepath.Join("testdata", "given", name+".txt")))
	s.quiet, s.line = was, line
}

func (s *stage) goTo(id event.SiteID) {
	if s.sites[id] == nil {
		s.sites[id] = &scene{id: id, state: site.State{Site: id}, visits: map[string]event.VisitID{},
			permits: map[event.BarrierID]event.PermitID{}}
	}
	s.here = s.sites[id]
}

// tickUntil lets every deadline before an instant decide.
func (s *stage) tickUntil(at event.Instant) {
	defer s.endRun()
	for range 10000 {
		due := s.here.state.Deadline()
		if due == 0 || due >= at {
			return
		}
		events := s.decide(site.Command{Facts: site.Facts{At: due}, Do: site.Tick{}})
		if next := s.here.state.Deadline(); len(events) == 0 && next == due {
			s.fail("a tick at the deadline %s neither decided anything nor moved it", due)
		}
		for _, e := range events {
			s.ticked(e)
		}
	}
	s.fail("the ticks never end")
}

// ticked prints what a tick decided. Of a run of the same, such as a question that is asked again and again, it
// prints the first and counts the others.
func (s *stage) ticked(e event.Event) {
	words := s.words(e.Body)
	if words == s.same && len(s.run) > 0 {
		s.run = append(s.run, e)
		return
	}
	s.endRun()
	s.same, s.run = words, []event.Event{e}
	s.print("    %s", tell(clockOf(e.At)+" "+words, e))
}

func (s *stage) endRun() {
	if n := len(s.run); n > 1 {
		last := s.run[n-1]
		s.print("    %s", tell(sprintf("%s the same, for the last of %d times", clockOf(last.At), n), last))
	}
	s.run = nil
}

// decide plays one command, checks what holds for every command, and keeps the events.
func (s *stage) decide(c site.Command) []event.Event {
	before := encode(s.t, s.here.state)
	events, err := site.Decide(s.here.state, c)
	if !bytes.Equal(before, encode(s.t, s.here.state)) {
		s.fail("Decide changed the state that it was given")
	}
	if err != nil {
		s.print("    error: %v", err)
		return nil
	}
	s.here.state = site.Fold(s.here.state, events)
	s.here.log = append(s.here.log, events...)
	for _, e := range events {
		s.remember(e)
	}
	s.checkRoundTrips(events)
	return events
}

func (s *stage) checkRoundTrips(events []event.Event) {
	data := encode(s.t, s.here.state)
	back := must(s, func() (site.State, error) { return site.Decode(data) })
	if !bytes.Equal(data, encode(s.t, back)) {
		s.fail("the state does not survive its encoding")
	}
	for _, e := range events {
		var back event.Event
		data := must(s, e.MarshalJSON)
		if err := back.UnmarshalJSON(data); err != nil || !reflect.DeepEqual(e, back) {
			s.fail("the event does not survive its encoding (%v): %s", err, data)
		}
	}
}

// remember learns what the script calls the things that an event creates.
func (s *stage) remember(e event.Event) {
	switch b := e.Body.(type) {
	case event.OpeningIntended:
		s.here.permits[b.Permit.Barrier] = b.Permit.ID
	case event.VisitBegun:
		s.here.visits[string(b.Courier)+s.name(b.Member)] = b.Visit
		s.here.visits["anybody"] = b.Visit
	case event.MemberJoined:
		s.baptize(string(b.Member))
	case event.BarrierReserved:
		s.baptize(string(b.Barrier))
	case event.AccessPointAdded:
		s.baptize(string(b.AccessPoint))
	case event.ConsentGiven:
		s.baptize(string(b.Consent.ID))
	case event.DeliveryBooked:
		s.baptize(string(b.Delivery))
	case event.CameraAdded:
		s.baptize(string(b.Camera))
	case event.RecordingAsked:
		s.call("film")
		s.baptize(string(b.Clip))
	}
}

func (s *stage) baptize(id string) { s.ids[s.next], s.names[id] = id, s.next }

func (s *stage) clock(text string) event.Instant {
	t := must(s, func() (time.Time, error) { return time.Parse("15:04:05.999", text) })
	return event.InstantOf(s.day.Add(t.Sub(t.Truncate(24 * time.Hour))))
}

func (s *stage) print(format string, args ...any) {
	if !s.quiet {
		s.out.WriteString(strings.TrimRight(sprintf(format, args...), " ") + "\n")
	}
}

func (s *stage) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%sline %d: %s", lastLines(s.out.String(), 8), s.line, sprintf(format, args...))
}
