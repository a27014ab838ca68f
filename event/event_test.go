package event_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
)

func TestEveryKindSurvivesItsEncoding(t *testing.T) {
	for _, kind := range event.Kinds() {
		e := event.Event{Site: "home", Seq: 7, At: 1_700_000_000_123, Body: event.Zero(kind)}
		first, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		var back event.Event
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		second, _ := json.Marshal(back)
		if string(first) != string(second) {
			t.Errorf("%s: encoded twice, it differs:\n%s\n%s", kind, first, second)
		}
	}
}

// No map and no float anywhere in an event: either would break the one canonical encoding.
func TestBodiesHoldNoMapsAndNoFloats(t *testing.T) {
	for _, kind := range event.Kinds() {
		assertPlain(t, string(kind), reflect.TypeOf(event.Zero(kind)))
	}
}

func assertPlain(t *testing.T, path string, typ reflect.Type) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Map, reflect.Float32, reflect.Float64, reflect.Interface, reflect.Func, reflect.Chan:
		t.Errorf("%s is a %s", path, typ.Kind())
	case reflect.Pointer, reflect.Slice:
		assertPlain(t, path, typ.Elem())
	case reflect.Struct:
		for i := range typ.NumField() {
			assertPlain(t, path+"."+typ.Field(i).Name, typ.Field(i).Type)
		}
	}
}

func TestDecodingRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, text := range map[string]string{
		"unknown kind":        `{"site":"a","seq":1,"at":"","kind":"door.exploded","body":{}}`,
		"unknown field":       `{"site":"a","seq":1,"at":"","kind":"site.opened","body":{"zone":"UTC","colour":"red"}}`,
		"field beside":        `{"site":"a","seq":1,"at":"","kind":"site.opened","body":{"zone":"UTC"},"x":1}`,
		"two values":          `{"site":"a","seq":1,"at":"","kind":"site.opened","body":{"zone":"UTC"}}{}`,
		"wrong type":          `{"site":"a","seq":"1","at":"","kind":"site.opened","body":{"zone":"UTC"}}`,
		"time without a zone": `{"site":"a","seq":1,"at":"2026-11-22T10:00:00.000","kind":"site.opened","body":{"zone":"UTC"}}`,
		"no body":             `{"site":"a","seq":1,"at":"","kind":"site.opened"}`,
	} {
		var e event.Event
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, kind := range event.Kinds() {
		seed, _ := json.Marshal(event.Event{Site: "home", Seq: 1, At: 1, Body: event.Zero(kind)})
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e event.Event
		if json.Unmarshal(data, &e) != nil {
			return
		}
		first, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		var back event.Event
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatalf("does not survive its own encoding: %v", err)
		}
	})
}

func TestIdentifiersFindTheirSite(t *testing.T) {
	id := event.NewID[event.VisitID]("maple12", 'v', 15)
	if id != "maple12-v15" || event.SiteOf(id) != "maple12" {
		t.Fatalf("%q belongs to %q", id, event.SiteOf(id))
	}
	if err := event.CheckID(id, 'v'); err != nil {
		t.Error(err)
	}
	for _, bad := range []event.VisitID{"", "maple12", "maple12-", "maple12-v", "maple12-v0", "maple12-v01", "maple12-d15",
		"Maple-v1", "-v1", "maple12-v1 ", "maple12-v99999999999999999999", event.VisitID(strings.Repeat("a", 33) + "-v1")} {
		if event.CheckID(bad, 'v') == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestInstantsRoundDownAndKeepOneForm(t *testing.T) {
	at := time.Date(2026, 11, 22, 15, 4, 5, 999_999_999, time.FixedZone("", 3600))
	i := event.InstantOf(at)
	if got := i.String(); got != "2026-11-22T14:04:05.999Z" {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"2026-11-22T14:04:05Z", "2026-11-22T15:04:05.999+01:00", "1970-01-01T00:00:00.000Z", "now"} {
		var j event.Instant
		if j.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestSpansExcludeTheirEnd(t *testing.T) {
	s := event.Span{From: 10, To: 20}
	if s.Holds(9) || !s.Holds(10) || !s.Holds(19) || s.Holds(20) {
		t.Error("a span holds its beginning and not its end")
	}
}

func TestOnlyLiveChangesAndAnswersAreCurrent(t *testing.T) {
	want := map[event.Origin]bool{event.OriginLive: true, event.OriginAnswer: true, event.OriginRetained: false, event.OriginCached: false, "": false}
	for origin, current := range want {
		if (event.Observation{Origin: origin}).Current() != current {
			t.Errorf("%q: current is not %v", origin, current)
		}
	}
}
