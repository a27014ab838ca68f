package volvo

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// doors is the published sample's shape, in the wire's envelope, with changes.
func doors(change map[string]string) []byte {
	all := map[string]string{}
	for _, name := range append([]string{"tankLid"}, openings...) {
		all[name] = `{"value":"CLOSED","timestamp":"2024-12-30T14:20:20.570Z"}`
	}
	all["centralLock"] = `{"value":"LOCKED","timestamp":"2024-12-30T14:20:20.570Z"}`
	maps.Copy(all, change)
	body := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			body += fmt.Sprintf(",%q:%s", name, all[name])
		}
	}
	return []byte(`{"data":{` + body[1:] + `}}`)
}

var told = time.Date(2024, 12, 30, 14, 20, 20, 570_000_000, time.UTC)

func at(word, second string) string {
	return `{"value":"` + word + `","timestamp":"2024-12-30T14:20:` + second + `.570Z"}`
}

func TestDoors(t *testing.T) {
	for name, test := range map[string]struct {
		change        map[string]string
		bolt          event.Bolt
		contact       event.Contact
		lockAt, doors time.Time
	}{
		"the sample":          {nil, event.BoltLocked, event.ContactClosed, told, told},
		"unlocked":            {map[string]string{"centralLock": at("UNLOCKED", "25")}, event.BoltUnlocked, event.ContactClosed, told.Add(5 * time.Second), told},
		"the trunk":           {map[string]string{"tailgate": at("OPEN", "30")}, event.BoltLocked, event.ContactOpen, told, told.Add(10 * time.Second)},
		"a door ajar":         {map[string]string{"rearLeftDoor": at("AJAR", "30")}, event.BoltLocked, event.ContactOpen, told, told.Add(10 * time.Second)},
		"one closed later":    {map[string]string{"hood": at("CLOSED", "40")}, event.BoltLocked, event.ContactClosed, told, told},
		"one closed earlier":  {map[string]string{"hood": at("CLOSED", "10")}, event.BoltLocked, event.ContactClosed, told, told.Add(-10 * time.Second)},
		"the tank's lid":      {map[string]string{"tankLid": at("OPEN", "30")}, event.BoltLocked, event.ContactClosed, told, told},
		"nobody knows a door": {map[string]string{"hood": at("UNSPECIFIED", "20")}, event.BoltLocked, event.ContactUnknown, told, told},
		"a new word":          {map[string]string{"centralLock": at("SECURED", "20")}, event.BoltUnknown, event.ContactClosed, told, told},
		"no such door":        {map[string]string{"rearLeftDoor": "", "rearRightDoor": "null"}, event.BoltLocked, event.ContactClosed, told, told},
		"a number":            {map[string]string{"hood": "7"}, event.BoltLocked, event.ContactUnknown, told, time.Time{}},
		"no time":             {map[string]string{"centralLock": `{"value":"LOCKED"}`}, event.BoltLocked, event.ContactClosed, time.Time{}, told},
		"no real time":        {map[string]string{"centralLock": `{"value":"LOCKED","timestamp":"soon"}`}, event.BoltLocked, event.ContactClosed, time.Time{}, told},
	} {
		s, err := parseDoors(doors(test.change))
		if err != nil || s.Bolt != test.bolt || s.Contact != test.contact || !s.BoltAt.Equal(test.lockAt) || !s.ContactAt.Equal(test.doors) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, bad := range []string{``, `{}`, `{"data":{}}`, `{"data":[]}`, `{"data":null}`, `{"centralLock":{"value":"LOCKED"}}`, `<html>`, `{"data":{"centralLock":null}}`} {
		if s, err := parseDoors([]byte(bad)); !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v", bad, s, err)
		}
	}
}

func TestAccessibility(t *testing.T) {
	for body, want := range map[string]error{
		`{"data":{"availabilityStatus":{"value":"AVAILABLE","timestamp":"2024-12-30T14:32:26.169Z"}}}`:              nil,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE","unavailableReason":"POWER_SAVING_MODE"}}}`:           device.ErrAsleep,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE"},"unavailableReason":{"value":"POWER_SAVING_MODE"}}}`: device.ErrAsleep,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE","unavailableReason":"NO_INTERNET"}}}`:                 device.ErrOffline,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE","unavailableReason":"CAR_IN_USE"}}}`:                  nil,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE","unavailableReason":"SOMETHING_NEW"}}}`:               device.ErrOffline,
		`{"data":{"availabilityStatus":{"value":"UNAVAILABLE"}}}`:                                                   device.ErrOffline,
		`{"data":{"availabilityStatus":{"value":"UNSPECIFIED"}}}`:                                                   nil,
		`{"data":{}}`: device.ErrNonsense, `{"data":{"availabilityStatus":7}}`: device.ErrNonsense, `[]`: device.ErrNonsense,
	} {
		if err := parseAccessibility([]byte(body)); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	const sample = `{"data":{"type":"Feature","properties":{"timestamp":"2024-12-30T14:20:20.570Z","heading":"90"},"geometry":{"type":"Point","coordinates":[11.849843629550225,57.72537482589284,0.0]}}}`
	l, err := parsePlace([]byte(sample), time.Now())
	if err != nil || l.Latitude != 57.72537482589284 || l.Longitude != 11.849843629550225 || !l.At.Equal(told) {
		t.Fatalf("%+v, %v", l, err)
	}
	if l, err := parsePlace([]byte(sample), told.Add(-2*time.Minute)); !errors.Is(err, device.ErrNonsense) {
		t.Errorf("from the future: %+v, %v", l, err)
	}
	for coordinates, good := range map[string]bool{
		`[1,2]`: true, `[180,90]`: true, `[180.1,0]`: false, `[0,-90.1]`: false, `[1]`: false, `[]`: false, `null`: false, `["1","2"]`: false,
	} {
		body := `{"data":{"geometry":{"type":"Point","coordinates":` + coordinates + `}}}`
		if l, err := parsePlace([]byte(body), time.Now()); good != (err == nil) || good && !l.At.IsZero() || !good && !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v", coordinates, l, err)
		}
	}
	if _, err := parsePlace([]byte(`{"data":{"geometry":{"type":"Polygon","coordinates":[1,2]}}}`), time.Now()); err == nil {
		t.Error("an area is a place")
	}
}

func TestEngines(t *testing.T) {
	for word, want := range map[string]event.Motion{"RUNNING": event.MotionMoving, "STOPPED": event.MotionParked, "UNSPECIFIED": "", "": ""} {
		if got := parseEngine([]byte(`{"data":{"engineStatus":{"value":"` + word + `"}}}`)); got != want {
			t.Errorf("%q: %q", word, got)
		}
	}
	if got := parseEngine([]byte(`<html>`)); got != "" {
		t.Errorf("a page: %q", got)
	}
}

// TestAFailureIsNeverDone: what an answer other than 2xx says of a command.
func TestAFailureIsNeverDone(t *testing.T) {
	for body, want := range map[string]struct {
		status  int
		outcome event.Outcome
		err     error
	}{
		`<html>forbidden`: {403, event.Unknown, device.ErrNoAnswer},
		`{"statusCode":403,"message":"out of quota"}`: {403, event.Unknown, device.ErrNoAnswer},
		`{"error":"forbidden"}`:                       {403, event.Unknown, device.ErrNoAnswer},
		`{"error":{}}`:                                {403, event.Unknown, device.ErrNoAnswer},
		` `:                                           {403, event.Unknown, device.ErrNoAnswer},
		`{"data":{"invokeStatus":"REJECTED"}}`:        {403, event.NotDone, device.ErrRefused},
		`{"error":{"message":"x","description":"y"}}`:       {400, event.NotDone, device.ErrRefused},
		`{"error":{"message":"token"}}`:                     {401, event.NotDone, nil},
		`{"error":{"message":"scope"}}`:                     {403, event.NotDone, device.ErrRevoked},
		`{"error":{"message":"no such car"}}`:               {404, event.NotDone, device.ErrRefused},
		`{"error":{"message":"not supported"}}`:             {422, event.NotDone, device.ErrRefused},
		`{"error":{"message":"oops"}}`:                      {500, event.Unknown, device.ErrNoAnswer},
		`{"data":{"invokeStatus":"VEHICLE_IN_SLEEP"}}`:      {409, event.NotDone, device.ErrAsleep},
		`{"invokeStatus":"REJECTED"}`:                       {409, event.NotDone, device.ErrRefused},
		`{"invokeStatus":"COMPLETED","readyToUnlock":true}`: {409, event.Unknown, device.ErrNoAnswer},
		`{"invokeStatus":"DELIVERED"}`:                      {422, event.Unknown, device.ErrNoAnswer},
		`{"invokeStatus":"TIMEOUT"}`:                        {400, event.Unknown, device.ErrNoAnswer},
		`{"invokeStatus":7}`:                                {409, event.Unknown, nil},
		`{}`:                                                {409, event.Unknown, nil},
		``:                                                  {503, event.Unknown, device.ErrNoAnswer},
	} {
		outcome, err := explain(unlock, fmt.Errorf("call: %w", &maker.StatusError{Status: want.status, Body: []byte(body)}))
		if outcome != want.outcome || want.err != nil && !errors.Is(err, want.err) || err == nil {
			t.Errorf("%d %s: %v, %v", want.status, body, outcome, err)
		}
		if errors.Is(err, device.ErrRevoked) != errors.Is(want.err, device.ErrRevoked) {
			t.Errorf("%d %s: revoked by %v", want.status, body, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(doors(nil))
	f.Add([]byte(`{"data":{"availabilityStatus":{"value":"UNAVAILABLE","unavailableReason":"POWER_SAVING_MODE"}}}`))
	f.Add([]byte(`{"data":{"geometry":{"type":"Point","coordinates":[1,2]},"properties":{"timestamp":"2024-12-30T14:20:20.570Z"}}}`))
	f.Add([]byte(`{"data":{"vin":"YV1ABCDEFG1234567","invokeStatus":"COMPLETED","readyToUnlock":true,"readyToUnlockUntil":120}}`))
	f.Add([]byte(`{"data":[{"vin":"YV1ABCDEFG1234567","command":"LOCK"}]}`))
	f.Add([]byte(`{"data":{"modelYear":2024,"descriptions":{"model":"XC40"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		now := time.Now()
		if s, err := parseDoors(body); err == nil && s.Bolt == "" {
			t.Errorf("a state without a word on the locks: %+v", s)
		}
		if l, err := parsePlace(body, now); err == nil && (math.Abs(l.Latitude) > 90 || math.Abs(l.Longitude) > 180 || l.At.After(now.Add(time.Minute))) {
			t.Errorf("a place off the globe: %+v", l)
		}
		for _, c := range []command{lock, unlock, flash} {
			if outcome, err := parseInvoked(c, body); outcome == event.Done && err != nil || outcome == event.NotDone && err == nil {
				t.Errorf("%s became %v, %v", c, outcome, err)
			}
			if outcome, err := explain(c, &maker.StatusError{Status: 409, Body: body}); outcome == event.Done || err == nil {
				t.Errorf("a failed %s became %v, %v", c, outcome, err)
			}
		}
		if vins, err := parseVINs(body); err == nil && slices.ContainsFunc(vins, func(s string) bool { return !vin.WellFormed(s) }) {
			t.Errorf("VINs that are none: %v", vins)
		}
		_ = parseAccessibility(body)
		_ = parseEngine(body)
		_, _ = parseDetails(body)
		_, _ = parseCommands(body)
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"device":"d","vin":"YV1ABCDEFG1234567","signals":["flash"],"closure":{"bolt":true},"horizon":1,"lateness":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && (cfg.check() != nil || cfg.spec().Reveals != event.RevealsHandle || cfg.spec().Window != Window) {
			t.Errorf("accepted %+v", cfg)
		}
	})
}

func TestConfigs(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"device":"d","vin":"YV1ABCDEFG1234567","signals":[],"closure":{"bolt":true},"horizon":5000,"lateness":-1}`))
	if s := cfg.spec(); err != nil || s.Closure != (event.Closure{Bolt: true}) || s.Horizon != 5000 || s.Lateness != event.UnboundedLateness || s.Signals {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{``, `{}`, `{"device":"d"}`, `{"device":"d","vin":"YV1ABCDEFG1234567"}{}`, `{"device":"d","vin":"YV1ABCDEFG1234567","plate":"x"}`} {
		if cfg, err := ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, cfg)
		}
	}
}
