package unlock

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
)

const canonical = `{"id":"home-p12","type":"remote","visit":"home-v9","barrier":"home-b3","device":"door","courier":"anna",` +
	`"key":"key-of-anna","deadline":"2026-03-02T14:02:23.000Z","resolve":"2026-03-02T14:02:28.000Z"}`

// TestCanonicalForm holds the bytes themselves: hubs in homes will check signatures over them.
func TestCanonicalForm(t *testing.T) {
	got, err := Encode(permit(12))
	if err != nil || string(got) != canonical {
		t.Errorf("error %v\ngot  %s\nwant %s", err, got, canonical)
	}
}

func TestParseReadsNothingElse(t *testing.T) {
	change := func(old, with string) string {
		t.Helper()
		if !strings.Contains(canonical, old) {
			t.Fatalf("the canonical form has no %q", old)
		}
		return strings.Replace(canonical, old, with, 1)
	}
	for name, data := range map[string]string{
		"nothing":               "",
		"half of it":            canonical[:60],
		"null":                  "null",
		"a list":                "[" + canonical + "]",
		"a line break":          canonical + "\n",
		"a second value":        canonical + canonical,
		"a space":               change(`,"type"`, `, "type"`),
		"an unknown field":      change(`}`, `,"twice":true}`),
		"a field twice":         change(`"type":"remote"`, `"type":"code","type":"remote"`),
		"other case":            change(`"type"`, `"Type"`),
		"another order":         change(`"id":"home-p12","type":"remote"`, `"type":"remote","id":"home-p12"`),
		"an empty field":        change(`"resolve":"2026-03-02T14:02:28.000Z"`, `"resolve":""`),
		"a false field":         change(`}`, `,"recovery":false}`),
		"an escaped letter":     change(`"anna"`, `"\u0061nna"`),
		"broken UTF-8":          change(`"anna"`, "\"\xff\""),
		"another zone":          change(`14:02:23.000Z`, `15:02:23.000+01:00`),
		"a number for a time":   change(`"2026-03-02T14:02:23.000Z"`, `1772460143000`),
		"no milliseconds":       change(`14:02:23.000Z`, `14:02:23Z`),
		"a negative fence":      change(`}`, `,"fence":-1}`),
		"a fence that is float": change(`}`, `,"fence":1.0}`),
	} {
		if p, err := Parse([]byte(data)); err == nil || p != (event.Permit{}) {
			t.Errorf("%s: %+v, error %v", name, p, err)
		}
	}
}

func TestEveryPermitSurvivesItsEncoding(t *testing.T) {
	text := rapid.StringMatching(`[ -~é<>&"\\]{0,12}`)
	at := rapid.Custom(func(t *rapid.T) event.Instant {
		return event.InstantOf(time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 999).Draw(t, "ms")*1e6))
	})
	rapid.Check(t, func(t *rapid.T) {
		p := event.Permit{
			ID: event.PermitID(text.Draw(t, "id")), Type: event.PermitType(text.Draw(t, "type")), Visit: event.VisitID(text.Draw(t, "visit")),
			Barrier: event.BarrierID(text.Draw(t, "barrier")), Device: event.DeviceID(text.Draw(t, "device")),
			Courier: event.CourierID(text.Draw(t, "courier")), Key: event.KeyID(text.Draw(t, "key")), Member: event.MemberID(text.Draw(t, "member")),
			Deadline: at.Draw(t, "deadline"), Resolve: rapid.OneOf(rapid.Just(event.Instant(0)), at).Draw(t, "resolve"),
			Recovery: rapid.Bool().Draw(t, "recovery"), Lease: event.LeaseID(text.Draw(t, "lease")), Fence: rapid.Uint64().Draw(t, "fence")}
		data, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(data)
		if err != nil || back != p {
			t.Fatalf("error %v\n%+v\n%+v", err, p, back)
		}
	})
}

// TestEveryFieldIsEncoded: a permit that says more than its bytes would be signed for less.
func TestEveryFieldIsEncoded(t *testing.T) {
	plain, err := Encode(event.Permit{})
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[event.Permit]()
	for i := range typ.NumField() {
		var p event.Permit
		switch f := reflect.ValueOf(&p).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Int64:
			f.SetInt(1)
		case reflect.Uint64:
			f.SetUint(1)
		case reflect.Bool:
			f.SetBool(true)
		default:
			t.Fatalf("%s is a %s", typ.Field(i).Name, f.Kind())
		}
		if data, err := Encode(p); err != nil || bytes.Equal(data, plain) {
			t.Errorf("%s is not in the encoding: %s %v", typ.Field(i).Name, data, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(canonical))
	f.Add([]byte(`{"id":"","type":"","visit":"","barrier":"","device":"","deadline":""}`))
	f.Add([]byte(strings.Replace(canonical, "}", `,"recovery":true,"lease":"home-l11","fence":3}`, 1)))
	f.Add([]byte(strings.Replace(canonical, "anna", `\u003c`, 1)))
	f.Add([]byte(`{"deadline":"9999-12-31T23:59:59.999Z"}`))
	f.Add([]byte(`nul`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			if p != (event.Permit{}) {
				t.Fatalf("a permit together with %v", err)
			}
			return
		}
		again, err := Encode(p)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("two forms of one permit, %v:\n%s\n%s", err, data, again)
		}
	})
}
