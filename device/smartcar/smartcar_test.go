package smartcar_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/event"
)

func TestItDeclaresThatTheWholeCarOpens(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version})
		spec := r.device.Spec()
		want := event.Spec{
			Device: "trunk", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported, Horizon: 2 * event.Minute,
			Lateness: 300, Opens: true, Secures: true, Reads: true, Reveals: event.RevealsCar, Locates: true,
		}
		if spec != want {
			t.Fatalf("%+v", spec)
		}
	})
}

func TestAVisit(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version})
		if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked || o.Contact != event.ContactClosed || o.Origin != event.OriginAnswer {
			t.Fatalf("before: %+v, %v", o, err)
		}
		if outcome, err := r.open(5 * time.Second); outcome != event.Done || err != nil {
			t.Fatalf("opening: %v, %v", outcome, err)
		}
		r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = true })
		outcome, err := r.device.(device.Securer).Secure(t.Context())
		if outcome != event.NotDone || !errors.Is(err, device.ErrRefused) {
			t.Fatalf("locking with an open trunk: %v, %v", outcome, err)
		}
		if o, err := r.read(); err != nil || o.Bolt != event.BoltUnlocked || o.Contact != event.ContactOpen {
			t.Fatalf("open: %+v, %v", o, err)
		}
		r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
		if outcome, err := r.device.(device.Securer).Secure(t.Context()); outcome != event.Done {
			t.Fatalf("locking: %v, %v", outcome, err)
		}
		if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked || o.Contact != event.ContactClosed {
			t.Fatalf("after: %+v, %v", o, err)
		}
		located, err := r.device.(device.Locator).Locate(t.Context())
		if err != nil || located.Latitude != 45.5 || located.Longitude != -73.6 || time.Since(located.At) > time.Minute {
			t.Fatalf("located %+v, %v", located, err)
		}
		if len(r.log.Lines(event.ActOpen)) != 1 || len(r.log.Lines(event.ActSecure)) != 2 {
			t.Fatalf("the log has %+v and %+v", r.log.Lines(event.ActOpen), r.log.Lines(event.ActSecure))
		}
	})
}

// TestOpeningsThatGoWrong: what becomes of an order to open, for each way to go wrong.
func TestOpeningsThatGoWrong(t *testing.T) {
	t.Parallel()
	stall := fakecloud.Trouble{Kind: fakecloud.TroubleStall, Method: http.MethodPost}
	for name, test := range map[string]struct {
		quirks  fakecloud.Quirks
		trouble fakecloud.Trouble
		want    event.Outcome
		because error
		opened  int
	}{
		"accepted, never done":      {quirks: fakecloud.Quirks{Deaf: true}, want: event.Unknown, because: device.ErrNoAnswer},
		"done, never reported":      {quirks: fakecloud.Quirks{Mute: true}, want: event.Unknown, because: device.ErrNoAnswer, opened: 1},
		"done, reported late":       {quirks: fakecloud.Quirks{ReportDelay: 200 * time.Millisecond}, want: event.Done, opened: 1},
		"done late":                 {quirks: fakecloud.Quirks{MotorDelay: 200 * time.Millisecond}, want: event.Done, opened: 1},
		"old state, said to be new": {quirks: fakecloud.Quirks{Stale: true}, want: event.Unknown, because: device.ErrNoAnswer, opened: 1},
		"unknown words":             {quirks: fakecloud.Quirks{Odd: true}, want: event.Done, opened: 1}, // only of its doors in 2.0
		"refused":                   {quirks: fakecloud.Quirks{Refuse: true}, want: event.NotDone, because: device.ErrRefused},
		"jammed":                    {quirks: fakecloud.Quirks{Jam: true}, want: event.Unknown, because: device.ErrNoAnswer},
		"limited":                   {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleTooMany, Method: http.MethodPost, Length: 5 * time.Second}, want: event.NotDone, because: new(device.BusyError)},
		"a page, before":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleHTML, Method: http.MethodPost}, want: event.Unknown, because: device.ErrNoAnswer},
		"a page, after":             {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleHTML, Method: http.MethodPost, After: true}, want: event.Done, opened: 1},
		"half an answer":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleTruncated, Method: http.MethodPost}, want: event.Done, opened: 1},
		"dropped, before":           {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDropped, Method: http.MethodPost}, want: event.Unknown, because: device.ErrNoAnswer},
		"dropped, after":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDropped, Method: http.MethodPost, After: true}, want: event.Done, opened: 1},
		"no answer, not done":       {trouble: stall, want: event.Unknown, because: device.ErrNoAnswer},
		"no answer, done":           {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleStall, Method: http.MethodPost, After: true}, want: event.Done, opened: 1},
		"out of order":              {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDown, Method: http.MethodPost}, want: event.Unknown, because: device.ErrNoAnswer},
		"an unknown status":         {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Body: `{"status":"perhaps"}`, Method: http.MethodPost}, want: event.Unknown, because: device.ErrNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t, options{})
			if _, err := r.read(); err != nil { // its state is known, so that the fault hits the order only
				t.Fatal(err)
			}
			<-time.After(5 * time.Millisecond) // clouds tell milliseconds
			r.car.Behave(test.quirks)
			if test.trouble.Kind != "" {
				r.fake.Wire.Break(test.trouble)
			}
			outcome, err := r.open(700 * time.Millisecond)
			if outcome != test.want || (err == nil) != (outcome == event.Done) {
				t.Fatalf("%v, %v", outcome, err)
			}
			var busy *device.BusyError
			if errors.As(test.because, &busy) != errors.As(err, &busy) || busy == nil && test.because != nil && !errors.Is(err, test.because) {
				t.Errorf("the error is %v", err)
			}
			if d := r.car.Done(); d.Openings != test.opened || d.UnlockCommands > 1 || len(r.log.Lines(event.ActOpen)) != 1 {
				t.Errorf("the car counts %+v, the log %d", d, len(r.log.Lines(event.ActOpen)))
			}
		})
	}
}

// TestReadingsThatGoWrong: nothing is believed, and nothing is sent.
func TestReadingsThatGoWrong(t *testing.T) {
	t.Parallel()
	replaced := func(body string) fakecloud.Trouble {
		return fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Body: body, Method: http.MethodGet}
	}
	for name, test := range map[string]struct {
		trouble fakecloud.Trouble
		want    error
	}{
		"a page":         {fakecloud.Trouble{Kind: fakecloud.TroubleHTML}, device.ErrNonsense},
		"half an answer": {fakecloud.Trouble{Kind: fakecloud.TroubleTruncated}, device.ErrNoAnswer},
		"dropped":        {fakecloud.Trouble{Kind: fakecloud.TroubleDropped}, device.ErrNoAnswer},
		"out of order":   {fakecloud.Trouble{Kind: fakecloud.TroubleDown}, device.ErrNoAnswer},
		"a stall":        {fakecloud.Trouble{Kind: fakecloud.TroubleStall}, device.ErrNoAnswer},
		"no state":       {replaced(`{}`), device.ErrNonsense},
		"another type":   {replaced(`{"isLocked":"yes"}`), device.ErrNonsense},
		"a list":         {replaced(`[]`), device.ErrNonsense},
		"nothing":        {replaced(``), device.ErrNonsense},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t, options{})
			r.fake.Wire.Break(test.trouble)
			if o, err := r.read(); !errors.Is(err, test.want) {
				t.Errorf("it reads %+v, %v", o, err)
			}
			outcome, err := r.open(500 * time.Millisecond)
			if outcome != event.NotDone || err == nil || r.car.Done().UnlockCommands != 0 {
				t.Errorf("it opens: %v, %v", outcome, err)
			}
		})
	}
}

func TestPositionsThatMakeNoSense(t *testing.T) {
	for body, good := range map[string]bool{
		`{"latitude":45.5,"longitude":-73.6}`: true, `{"latitude":90.01,"longitude":0}`: false, `{"latitude":0,"longitude":-180.5}`: false,
		`{"latitude":1}`: false, `{}`: false, `{"latitude":"45","longitude":"1"}`: false, `{"latitude":1e400,"longitude":0}`: false, `null`: false,
	} {
		r := build(t, options{})
		r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Body: body, Path: "/location"})
		located, err := r.device.(device.Locator).Locate(t.Context())
		if good != (err == nil) || !good && !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v", body, located, err)
		}
		if good && !located.At.IsZero() {
			t.Errorf("%s: it has no age, and is of %v", body, located.At)
		}
	}
}

func TestAnExpiredTokenIsRenewed(t *testing.T) {
	r := build(t, options{})
	before := r.keeper.Token().RefreshToken
	r.fake.OAuth.Expire("ana")
	if _, err := r.read(); err == nil {
		t.Fatal("the first call can't know that its token was ended early")
	}
	if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked {
		t.Fatalf("%+v, %v", o, err)
	}
	if after, err := r.keeper.Load(t.Context()); err != nil || after.RefreshToken == before {
		t.Fatalf("kept %+v, %v", after, err)
	}
}

func TestARevokedConsentEndsEverything(t *testing.T) {
	r := build(t, options{})
	r.fake.OAuth.Revoke("ana")
	_, _ = r.read() // with the token that it has
	if _, err := r.read(); !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("reading: %v", err)
	}
	if outcome, err := r.open(time.Second); outcome != event.NotDone || !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("opening: %v, %v", outcome, err)
	}
	if outcome, err := r.device.(device.Securer).Secure(t.Context()); outcome != event.NotDone || !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("locking: %v, %v", outcome, err)
	}
	if r.car.Done().UnlockCommands != 0 || len(r.log.Lines(event.ActOpen)) != 0 {
		t.Fatal("something was sent")
	}
}

func TestTheApplicationsTokenIsRenewed(t *testing.T) {
	r := build(t, options{version: smartcar.V3})
	if _, err := r.read(); err != nil {
		t.Fatal(err)
	}
	r.fake.OAuth.Expire("")
	_, _ = r.read()
	if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked {
		t.Fatalf("%+v, %v", o, err)
	}
	if n := r.fake.OAuth.IssuedTokens(); n != 2 {
		t.Fatalf("%d tokens for the application", n)
	}
}

func TestSomebodyElsesCar(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		r := build(t, options{version: version})
		r.fake.AddUser("bob")
		car := fakecloud.NewCar("1G1ZD5ST0LF000009", "BUICK", "Enclave", 2022, 1, 1)
		cfg := smartcar.Config{Device: "bobs", Vehicle: r.fake.AddCar("bob", car)}
		if version == smartcar.V3 {
			cfg.User = r.fake.UserID("ana")
		}
		dev, err := r.app.Device(cfg, r.consent)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.(device.Reader).Read(t.Context()); !errors.Is(err, device.ErrRevoked) {
			t.Errorf("reading: %v", err)
		}
		outcome, err := dev.(device.Opener).Open(t.Context(), device.Order{Permit: "home1-p1", Deadline: time.Now().Add(time.Second)})
		if outcome != event.NotDone || err == nil || car.Done().UnlockCommands != 0 {
			t.Errorf("opening: %v, %v", outcome, err)
		}
	})
}

func TestWhatIsNotCompatible(t *testing.T) {
	r := build(t, options{})
	c, err := r.app.Compatible(t.Context(), "JH4KA8260MC000000", "US")
	if err != nil || c.Compatible || c.Reason != "VEHICLE_NOT_COMPATIBLE" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := r.app.Compatible(t.Context(), "short", "US"); !errors.Is(err, device.ErrRefused) {
		t.Errorf("a VIN that is none: %v", err)
	}
}

// What a vehicle lacks is told by its permissions, and by nothing that only sounds like them.
func TestWhatIsNotPermitted(t *testing.T) {
	r := build(t, options{})
	all := `"read_vehicle_info","read_vin","read_location","read_security","control_security"`
	for body, want := range map[string][]string{
		"":                                  {},
		`{"permissions":[` + all + `,"x"]}`: {},
		`{"permissions":[]}`:                {"read_vehicle_info", "read_vin", "read_location", "read_security", "control_security"},
		`{"permissions":[` + strings.Replace(all, "control_", "", 1) + `]}`: {"control_security"},
		`{"permissions":null}`: nil, `{"permissions":{}}`: nil, `{}`: nil, `<html>`: nil,
	} {
		if body != "" {
			r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Path: "/permissions", Times: 1, Body: body})
		}
		missing, err := r.app.Missing(t.Context(), r.consent, r.id)
		if !slices.Equal(missing, want) || errors.Is(err, device.ErrNonsense) != (want == nil) {
			t.Errorf("%s: %v, %v", body, missing, err)
		}
	}
	if _, err := r.app.Missing(t.Context(), r.consent, "somebody-elses"); !errors.Is(err, device.ErrRefused) && !errors.Is(err, device.ErrRevoked) {
		t.Errorf("of another car: %v", err)
	}
}

func TestDisconnecting(t *testing.T) {
	r := build(t, options{})
	if err := r.app.Disconnect(t.Context(), r.consent, r.id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.read(); !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("reading: %v", err)
	}
	if err := r.consent.Withdraw(t.Context()); err != nil || r.keeper.Token() != nil {
		t.Fatalf("withdrawing: %v", err)
	}
}

func TestTwoDevicesOneVehicle(t *testing.T) {
	r := build(t, options{})
	cabin, err := r.app.Device(smartcar.Config{Device: "cabin", Vehicle: r.id}, r.consent)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan event.Observation, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cabin.(device.Watcher).Watch(ctx, func(o event.Observation) { told <- o })
	}()
	if outcome, err := r.open(5 * time.Second); outcome != event.Done {
		t.Fatalf("%v, %v", outcome, err)
	}
	deadline := time.After(5 * time.Second)
	for open := false; !open; {
		select {
		case o := <-told:
			open = o.Bolt == event.BoltUnlocked && o.Device == "cabin"
		case <-deadline:
			t.Fatal("the cabin never heard that the car was opened")
		}
	}
	cancel()
	<-done
}

func TestBadApplicationsAndDevices(t *testing.T) {
	log := build(t, options{}).log
	for name, cfg := range map[string]smartcar.AppConfig{
		"no client":  {ClientSecret: "x", Log: log},
		"no secret":  {ClientID: "x", Log: log},
		"no log":     {ClientID: "x", ClientSecret: "x"},
		"no version": {ClientID: "x", ClientSecret: "x", Log: log, Version: "1"},
		"plain http": {ClientID: "x", ClientSecret: "x", Log: log, Origins: smartcar.Origins{API: "http://example.com"}},
	} {
		if _, err := smartcar.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r := build(t, options{})
	for name, cfg := range map[string]smartcar.Config{
		"no device": {Vehicle: "v"}, "no vehicle": {Device: "d"}, "a path": {Device: "d", Vehicle: "../x"},
		"a user in 2.0": {Device: "d", Vehicle: "v", User: "u"}, "lateness": {Device: "d", Vehicle: "v", Lateness: -2},
	} {
		consent := r.consent
		if name == "a user in 2.0" {
			consent = nil
		}
		if _, err := r.app.Device(cfg, consent); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
