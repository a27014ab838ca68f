package audit_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// TestLosingAnyEventIsFound: whatever is taken out of a journal, law 10 at least sees the gap. Of the last event
// nothing shows that it was there.
func TestLosingAnyEventIsFound(t *testing.T) {
	t.Parallel()
	for _, p := range plots {
		s := tell(p)
		j := s.of("home1")
		whole := j.events
		for i := range whole[1:] {
			j.events = slices.Delete(slices.Clone(whole), i, i+1)
			if report := s.check(t, audit.Options{}); !slices.Contains(broken(report), 10) {
				t.Errorf("%s without its event %d:\n%s", p.name, i+1, text(report))
			}
		}
	}
}

// TestAnyChangeIsBorne changes valid journals at random: the audit says what it finds, and says it again.
func TestAnyChangeIsBorne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := tell(rapid.SampledFrom(plots).Draw(t, "plot"))
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			j := rapid.SampledFrom(s.journals).Draw(t, "journal")
			if len(j.events) > 0 {
				rapid.SampledFrom(mutations).Draw(t, "mutation")(t, j)
			}
		}
		if len(s.sent) > 0 && rapid.Bool().Draw(t, "send again") {
			s.sent = append(s.sent, rapid.SampledFrom(s.sent).Draw(t, "sent"))
		}
		twiceTheSame(t, s)
	})
}

// twiceTheSame audits, forwards and backwards.
func twiceTheSame(t *rapid.T, s *story) {
	o := audit.Options{Now: clock("15:00:00")}
	first, err := audit.Check(s.all(), s.sent, o)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(s.journals)
	slices.Reverse(s.sent)
	again, err := audit.Check(s.all(), s.sent, o)
	if err != nil {
		t.Fatal(err)
	}
	if text(first) != text(again) {
		t.Errorf("the same in another order is something else:\n%s\n%s", text(first), text(again))
	}
}

var mutations = []func(*rapid.T, *journal){
	func(t *rapid.T, j *journal) { // lose one, and hide the gap
		i := rapid.IntRange(0, len(j.events)-1).Draw(t, "lost")
		j.events = slices.Delete(j.events, i, i+1)
		for k := range j.events {
			j.events[k].Seq = uint64(k) + 1
		}
	},
	func(t *rapid.T, j *journal) { // tell one again somewhere
		e := rapid.SampledFrom(j.events).Draw(t, "again")
		j.events = slices.Insert(j.events, rapid.IntRange(0, len(j.events)).Draw(t, "at"), e)
	},
	func(t *rapid.T, j *journal) { // exchange two
		i, k := rapid.IntRange(0, len(j.events)-1).Draw(t, "one"), rapid.IntRange(0, len(j.events)-1).Draw(t, "other")
		j.events[i], j.events[k] = j.events[k], j.events[i]
	},
	func(t *rapid.T, j *journal) { // another time
		i := rapid.IntRange(0, len(j.events)-1).Draw(t, "when")
		j.events[i].At = j.events[i].At.Add(event.Millis(rapid.Int64Range(-1e8, 1e8).Draw(t, "by")))
	},
	func(t *rapid.T, j *journal) { // nothing, where something was
		i := rapid.IntRange(0, len(j.events)-1).Draw(t, "emptied")
		j.events[i].Body = event.Zero(j.events[i].Body.Kind())
	},
	func(t *rapid.T, j *journal) { // something else in one place
		i := rapid.IntRange(0, len(j.events)-1).Draw(t, "changed")
		j.events[i].Body = arbitrary(t, j.events[i].Body.Kind())
	},
}

// TestAnyJournalIsBorne audits journals that no decision ever wrote.
func TestAnyJournalIsBorne(t *testing.T) {
	t.Parallel()
	kinds := event.Kinds()
	slices.Sort(kinds)
	rapid.Check(t, func(t *rapid.T) {
		s := tell(plot{})
		for _, site := range []event.SiteID{"home1", "tower9"} {
			s.site = site
			for range rapid.IntRange(0, 25).Draw(t, "events") {
				s.wait(event.Millis(rapid.Int64Range(0, 1e5).Draw(t, "wait")))
				s.say(arbitrary(t, rapid.SampledFrom(kinds).Draw(t, "kind")))
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "sent") {
			s.sent = append(s.sent, event.Sent{At: clock("10:00:00"), Act: event.ActOpen, Permit: event.PermitID(word(t))})
		}
		twiceTheSame(t, s)
	})
}

// arbitrary fills an event of a kind with words that often mean each other.
func arbitrary(t *rapid.T, kind event.Kind) event.Body {
	v := reflect.New(reflect.TypeOf(event.Zero(kind))).Elem()
	fill(t, v)
	return v.Interface().(event.Body)
}

func word(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "home1", "tower9", "home1-m2", "home1-b4", "tower9-b4", "home1-a10", "home1-k11", "home1-d12", "home1-v15", "home1-p19",
		"home1-l18", "courier-7", "remote", "code", "locked", "unlocked", "closed", "open", "online", "live", "answer", "retained", "done", "not-done",
		"unknown", "secured", "taken-over", "blocked", "blocked-from-here", "member", "answer", "sight", "reading", "outside", "access-point", "anna",
		"home1-c14", "home1-f17", "tower9-c3", "stale", "time", "request", "moved-out", "operator", "nothing-opened"}).Draw(t, "word")
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.String:
		v.SetString(word(t))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, 2, 3, -1, 60_000, int64(clock("10:00:00")), int64(clock("12:00:00")), 1<<63 - 1, -1 << 63}).Draw(t, "int"))
	case reflect.Uint64:
		v.SetUint(rapid.SampledFrom([]uint64{0, 1, 2, 1<<64 - 1}).Draw(t, "uint"))
	default:
		t.Fatalf("no way to fill a %s", v.Type())
	}
}

// FuzzCheck reads journals as they are stored, one event a line, and audits whatever can be decoded.
func FuzzCheck(f *testing.F) {
	for _, p := range plots {
		f.Add(encoded(f, tell(p)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := tell(plot{})
		for line := range bytes.Lines(data) {
			var e event.Event
			if json.Unmarshal(line, &e) == nil {
				s.of(e.Site).events = append(s.of(e.Site).events, e)
				s.now = e.At
			}
		}
		report := s.check(t, audit.Options{})
		if len(report.Laws) != 10 {
			t.Errorf("%d laws", len(report.Laws))
		}
	})
}

func encoded(f *testing.F, s *story) []byte {
	f.Helper()
	var lines bytes.Buffer
	for _, j := range s.journals {
		for _, e := range j.events {
			line, err := json.Marshal(e)
			if err != nil {
				f.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
	}
	return lines.Bytes()
}
