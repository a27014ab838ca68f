package smartcar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
)

func answer(body string) maker.Answer {
	return maker.Answer{Status: 200, Header: http.Header{"Sc-Data-Age": {"2026-03-01T10:00:00.500Z"}}, Body: []byte(body), At: time.Now()}
}

var told = time.Date(2026, 3, 1, 10, 0, 0, 500_000_000, time.UTC)

func TestStateOfVersion2(t *testing.T) {
	for body, want := range map[string]struct {
		bolt    event.Bolt
		contact event.Contact
	}{
		`{"isLocked":true,"doors":[{"type":"frontLeft","status":"CLOSED"}],"storage":[{"type":"rear","status":"CLOSED"}]}`: {event.BoltLocked, event.ContactClosed},
		`{"isLocked":false,"doors":[{"type":"frontLeft","status":"CLOSED"}],"storage":[{"type":"rear","status":"OPEN"}]}`:  {event.BoltUnlocked, event.ContactOpen},
		`{"isLocked":true,"doors":[{"type":"x","status":"UNKNOWN"},{"type":"y","status":"CLOSED"}],"storage":[]}`:          {event.BoltLocked, event.ContactUnknown},
		`{"isLocked":true,"doors":[{"type":"x","status":"AJAR-ISH"}],"storage":[{"type":"rear","status":"OPEN"}]}`:         {event.BoltLocked, event.ContactOpen},
		`{"isLocked":true,"doors":[],"storage":[],"windows":[{"type":"frontLeft","status":"OPEN"}]}`:                       {event.BoltLocked, ""},
		`{"isLocked":true,"doors":null}`: {event.BoltLocked, ""},
		`{"isLocked":true}`:              {event.BoltLocked, ""},
	} {
		s, err := v2{}.parseState(answer(body))
		if err != nil || s.Bolt != want.bolt || s.Contact != want.contact || !s.BoltAt.Equal(told) {
			t.Errorf("%s: %+v, %v", body, s, err)
		}
	}
}

func TestAgeOfVersion2(t *testing.T) {
	for header, want := range map[string]time.Time{
		"2018-05-03T03:45:51+00:00": time.Date(2018, 5, 3, 3, 45, 51, 0, time.UTC), "2018-06-20T01:33:37.078Z": time.Date(2018, 6, 20, 1, 33, 37, 78_000_000, time.UTC),
		"": {}, "yesterday": {}, "1525319151": {},
	} {
		a := answer(`{"isLocked":true}`)
		a.Header.Set("SC-Data-Age", header)
		if s, err := (v2{}).parseState(a); err != nil || !s.BoltAt.Equal(want) {
			t.Errorf("%q: %v, %v", header, s.BoltAt, err)
		}
	}
}

func TestMoments(t *testing.T) {
	for text, want := range map[string]time.Time{
		`1696156799`: time.Unix(1696156799, 0), `1758668712404`: time.UnixMilli(1758668712404), `"2026-03-01T10:00:00.500Z"`: told,
		`null`: {}, `"never"`: {}, `-5`: {}, `0`: {}, `1e300`: {}, `{}`: {}, `[1]`: {}, `true`: {},
	} {
		var m moment
		if err := json.Unmarshal([]byte(text), &m); err != nil || !m.Equal(want) {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
}

func v3Signal(code, body string, at int) string {
	return fmt.Sprintf(`{"attributes":{"code":%q,"status":{"value":"SUCCESS"},"body":%s},"meta":{"oemUpdatedAt":%d}}`, code, body, at)
}

// v3Failed is a signal that could not be had, and why.
func v3Failed(code, kind, why, body string) string {
	if body != "" {
		body = `,"body":` + body
	}
	return fmt.Sprintf(`{"attributes":{"code":%q,"status":{"value":"ERROR","error":{"type":%q,"code":%q}}%s}}`, code, kind, why, body)
}

// TestALockThatFailedIsNotLocked, whatever the other locks say.
func TestALockThatFailedIsNotLocked(t *testing.T) {
	s, err := v3{}.parseState(answer(`{"data":[` + v3Signal("closure-reartrunk", `{"isOpen":false,"isLocked":true}`, 1758668712404) + "," +
		v3Failed("closure-islocked", "UPSTREAM", "NO_RESPONSE", "") + `]}`))
	if err != nil || s.Bolt != event.BoltUnknown {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestStateOfVersion3(t *testing.T) {
	const at = 1758668712404
	locked := v3Signal("closure-islocked", `{"value":true}`, at)
	shutTrunk, openTrunk := v3Signal("closure-reartrunk", `{"isOpen":false}`, at), v3Signal("closure-reartrunk", `{"isOpen":true}`, at)
	for name, test := range map[string]struct {
		signals string
		bolt    event.Bolt
		contact event.Contact
		lockAt  int
	}{
		"locks only":        {locked, event.BoltLocked, "", at},
		"unlocked":          {v3Signal("closure-islocked", `{"value":false}`, at), event.BoltUnlocked, "", at},
		"a word":            {v3Signal("closure-islocked", `{"value":"HALFWAY"}`, at), event.BoltUnknown, "", at},
		"no value":          {v3Signal("closure-islocked", `{}`, at), event.BoltUnknown, "", at},
		"a door's own lock": {locked + "," + v3Signal("closure-doors", `{"values":[{"isOpen":false,"isLocked":false}]}`, at+1000), event.BoltUnlocked, event.ContactClosed, at + 1000},
		"an older lock":     {locked + "," + v3Signal("closure-reartrunk", `{"isOpen":false,"isLocked":true}`, at-5000), event.BoltLocked, event.ContactClosed, at - 5000},
		"an open hood":      {locked + "," + v3Signal("closure-enginecover", `{"isOpen":true}`, at), event.BoltLocked, event.ContactOpen, at},
		"doors in words":    {locked + "," + v3Signal("closure-doors", `{"values":"all"}`, at), event.BoltLocked, event.ContactUnknown, at},
		"a trunk in words":  {locked + "," + v3Signal("closure-fronttrunk", `[]`, at), event.BoltLocked, event.ContactUnknown, at},
		"no such part":      {locked + "," + v3Failed("closure-fronttrunk", "COMPATIBILITY", "VEHICLE_NOT_CAPABLE", ""), event.BoltLocked, "", at},
		"an untold part":    {locked + "," + v3Failed("closure-fronttrunk", "COMPATIBILITY", "SMARTCAR_NOT_CAPABLE", ""), event.BoltLocked, event.ContactUnknown, at},
		"doors that failed": {locked + "," + shutTrunk + "," + v3Failed("closure-doors", "UPSTREAM", "NO_RESPONSE", ""), event.BoltLocked, event.ContactUnknown, at},
		"failed, for once":  {locked + "," + shutTrunk + `,{"attributes":{"code":"closure-doors","status":{"value":"ERROR"}}}`, event.BoltLocked, event.ContactUnknown, at},
		"failed, with body": {locked + "," + v3Failed("closure-reartrunk", "UPSTREAM", "NO_RESPONSE", `{"isOpen":false}`), event.BoltLocked, event.ContactUnknown, at},
		"a trunk that's up": {locked + "," + openTrunk + "," + v3Failed("closure-doors", "UPSTREAM", "NO_RESPONSE", ""), event.BoltLocked, event.ContactOpen, at},
		"something else":    {locked + "," + v3Signal("odometer-traveleddistance", `{"value":1}`, at), event.BoltLocked, "", at},
	} {
		s, err := v3{}.parseState(answer(`{"data":[` + test.signals + `]}`))
		if err != nil || s.Bolt != test.bolt || s.Contact != test.contact || !s.BoltAt.Equal(time.UnixMilli(int64(test.lockAt))) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, bad := range []string{`{"data":[]}`, `{}`, `[]`, ``, `{"data":{}}`} {
		if s, err := (v3{}).parseState(answer(bad)); !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v", bad, s, err)
		}
	}
}

func TestCommandsOfVersion3(t *testing.T) {
	for value, good := range map[string]bool{"SUCCESS": true, "PENDING": true, "FAILURE": false, "": false, "MAYBE": false} {
		outcome, err := v3{}.parseCommand(answer(`{"data":{"attributes":{"status":{"value":"` + value + `"}}}}`))
		if outcome != event.Unknown || good != (err == nil) {
			t.Errorf("%q: %v, %v", value, outcome, err)
		}
	}
}

func TestPlacesOfVersion3(t *testing.T) {
	good := v3Signal("location-preciselocation", `{"latitude":1.5,"longitude":2.5,"locationType":"LAST_PARKED"}`, 1758668712404)
	for _, body := range []string{good, `{"data":` + good + `}`} {
		l, err := v3{}.parsePlace(answer(body))
		if err != nil || l.Latitude != 1.5 || l.Longitude != 2.5 || l.Motion != event.MotionParked || !l.At.Equal(time.UnixMilli(1758668712404)) {
			t.Errorf("%s: %+v, %v", body, l, err)
		}
	}
	future := v3Signal("location-preciselocation", `{"latitude":1,"longitude":2}`, int(time.Now().Add(time.Hour).UnixMilli()))
	for _, body := range []string{future, `{}`, v3Signal("x", `{"latitude":91,"longitude":0}`, 0), v3Signal("x", `7`, 0)} {
		if l, err := (v3{}).parsePlace(answer(body)); !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v", body, l, err)
		}
	}
}

// TestErrors is the table of the package's description.
func TestErrors(t *testing.T) {
	for body, want := range map[string]struct {
		status  int
		outcome event.Outcome
		err     error
	}{
		`{"type":"AUTHENTICATION"}`:                                     {401, event.NotDone, nil},
		`{"type":"PERMISSION","code":null}`:                             {403, event.NotDone, device.ErrRevoked},
		`{"type":"CONNECTED_SERVICES_ACCOUNT","code":"SUBSCRIPTION"}`:   {400, event.NotDone, device.ErrRevoked},
		`{"type":"VEHICLE_STATE","code":"ASLEEP"}`:                      {409, event.NotDone, device.ErrAsleep},
		`{"type":"VEHICLE_STATE","code":"UNREACHABLE"}`:                 {409, event.Unknown, device.ErrOffline},
		`{"type":"VEHICLE_STATE","code":"VEHICLE_OFFLINE_FOR_SERVICE"}`: {409, event.Unknown, device.ErrOffline},
		`{"type":"VEHICLE_STATE","code":"DOOR_OPEN"}`:                   {409, event.NotDone, device.ErrRefused},
		`{"type":"VEHICLE_STATE","code":"IN_MOTION"}`:                   {409, event.NotDone, device.ErrRefused},
		`{"type":"VEHICLE_STATE","code":"UNKNOWN"}`:                     {409, event.Unknown, device.ErrNoAnswer},
		`{"type":"VEHICLE_STATE","code":"SOMETHING_NEW"}`:               {409, event.Unknown, device.ErrNoAnswer},
		`{"type":"BILLING","code":"VEHICLE_LIMIT"}`:                     {430, event.NotDone, device.ErrRefused},
		`{"type":"COMPATIBILITY","code":"VEHICLE_NOT_CAPABLE"}`:         {501, event.NotDone, device.ErrRefused},
		`{"type":"VALIDATION"}`:                                         {400, event.NotDone, device.ErrRefused},
		`{"type":"UPSTREAM","code":"NO_RESPONSE"}`:                      {502, event.Unknown, device.ErrNoAnswer},
		`{"type":"SERVER","code":"INTERNAL"}`:                           {500, event.Unknown, device.ErrNoAnswer},
		`{"type":"SOMETHING_NEW"}`:                                      {418, event.Unknown, nil},
		`{"errors":[{"type":"VEHICLE_STATE","code":"ASLEEP"}]}`:         {409, event.NotDone, device.ErrAsleep},
		`{"type":7}`: {409, event.Unknown, nil},
		``:           {504, event.Unknown, device.ErrNoAnswer},
	} {
		outcome, err := explain(fmt.Errorf("call: %w", &maker.StatusError{Status: want.status, Body: []byte(body)}))
		if outcome != want.outcome || want.err != nil && !errors.Is(err, want.err) || err == nil {
			t.Errorf("%s: %v, %v", body, outcome, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"isLocked":true,"doors":[{"type":"frontLeft","status":"CLOSED"}],"storage":[]}`), "2018-06-20T01:33:37.078Z")
	f.Add([]byte(`{"data":[`+v3Signal("closure-doors", `{"values":[{"isOpen":true}]}`, 1758668712404)+`]}`), "")
	f.Add([]byte(`{"latitude":1,"longitude":2}`), "x")
	f.Add([]byte(v3Signal("location-preciselocation", `{"latitude":1,"longitude":2}`, 17586687)), "")
	f.Add([]byte(`{"compatible":true,"capabilities":[{"permission":"x","capable":false}],"vehicles":["a"]}`), "")
	f.Add([]byte(`{"permissions":["read_vin"],"paging":{"count":1,"offset":0}}`), "")
	f.Add([]byte(`{"type":"VEHICLE_STATE","code":"ASLEEP","errors":[{"type":"x"}]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, age string) {
		a := maker.Answer{Header: http.Header{"Sc-Data-Age": {age}}, Body: body, At: time.Now()}
		for _, d := range []dialect{v2{}, v3{}} {
			if s, err := d.parseState(a); err == nil && s.Bolt == "" {
				t.Errorf("a state without a word on the locks: %+v", s)
			}
			if outcome, _ := d.parseCommand(a); outcome == event.Done {
				t.Error("an answer alone confirmed an opening")
			}
			if l, err := d.parsePlace(a); err == nil && (math.Abs(l.Latitude) > 90 || math.Abs(l.Longitude) > 180 || l.At.After(a.At.Add(time.Minute))) {
				t.Errorf("a place off the globe: %+v", l)
			}
		}
		_, _ = parseVehicles(body)
		_, _ = parseCompatibility(body)
		if missing, err := parsePermissions(body); err == nil && len(missing) > len(Scopes) {
			t.Errorf("more is missing than was asked for: %v", missing)
		}
		if outcome, err := explain(&maker.StatusError{Status: 409, Body: body}); err == nil || outcome == event.Done {
			t.Errorf("an error became %v, %v", outcome, err)
		}
	})
}

func FuzzWebhooks(f *testing.F) {
	app, err := New(AppConfig{ClientID: "c", ClientSecret: "s", ManagementToken: "amt", Version: V3, Log: nobody{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(app.Close)
	if _, err := app.Device(Config{Device: "d", Vehicle: "v", User: "u"}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"eventType":"VERIFY","data":{"challenge":"abc"}}`))
	f.Add([]byte(`{"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v"},"user":{"id":"u"},"signals":[{"code":"closure-islocked","body":{"value":true},"meta":{"oemUpdatedAt":1758668712404}}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if said, err := app.Receive(body, ""); err == nil && said == nil {
			t.Error("an unsigned event was believed")
		}
		_, _ = app.Receive(body, app.sign(body))
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"device":"d","vehicle":"36ab27d0","user":"u","closure":{"bolt":true},"horizon":1,"lateness":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && (cfg.check() != nil || cfg.spec().Reveals != event.RevealsCar) {
			t.Errorf("accepted %+v", cfg)
		}
	})
}

func TestConfigs(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"device":"d","vehicle":"36ab27d0-fd9d","closure":{"bolt":true},"horizon":5000,"lateness":-1}`))
	if s := cfg.spec(); err != nil || s.Closure != (event.Closure{Bolt: true}) || s.Horizon != 5000 || s.Lateness != event.UnboundedLateness {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{``, `{}`, `{"device":"d"}`, `{"device":"d","vehicle":"v"}{}`, `{"device":"d","vehicle":"v","plate":"x"}`, `{"device":"d","vehicle":"a/b"}`} {
		if cfg, err := ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, cfg)
		}
	}
}

type nobody struct{}

func (nobody) Record(event.Sent) error { return nil }
