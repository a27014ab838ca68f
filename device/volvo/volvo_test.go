package volvo_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"github.com/loquet/loquet/event"
)

func TestItDeclaresTheHandlesWindow(t *testing.T) {
	r := build(t, options{})
	want := event.Spec{
		Device: "trunk", Closure: event.Closure{Bolt: true, Contact: true}, Grade: event.GradeReported, Horizon: 2 * event.Minute,
		Lateness: 300, Opens: true, Secures: true, Reads: true, Reveals: event.RevealsHandle, Window: 120 * event.Second,
		Locates: true, Signals: true,
	}
	if spec := r.device.Spec(); spec != want {
		t.Fatalf("%+v", spec)
	}
	silent, err := r.account.Device(volvo.Config{Device: "silent", VIN: vin, Signals: &[]device.Signal{}})
	if err != nil {
		t.Fatal(err)
	}
	if late := silent.Spec().Lateness; late != 3*event.Minute {
		t.Errorf("its lateness is %v", late.Duration())
	}
	if _, signals := silent.(device.Signaller); signals || silent.Spec().Signals {
		t.Fatal("a car without signals has some")
	}
}

func isOpen(o event.Observation) bool {
	return o.Bolt == event.BoltUnlocked && o.Contact == event.ContactOpen && o.Current()
}

func isShut(o event.Observation) bool {
	return o.Bolt == event.BoltLocked && o.Contact == event.ContactClosed && o.Current()
}

// TestAVisit: the handle is freed, which alone opens nothing; the trunk is opened by it, and everything is unlocked.
func TestAVisit(t *testing.T) {
	r := build(t, options{})
	if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked || o.Contact != event.ContactClosed || o.Origin != event.OriginCached {
		t.Fatalf("before: %+v, %v", o, err)
	}
	told := r.listen()
	if outcome, err := r.open(5 * time.Second); outcome != event.Done || err != nil {
		t.Fatalf("opening: %v, %v", outcome, err)
	}
	if !r.car.HandleFree() || !r.car.State().Locked {
		t.Fatalf("the car is %+v", r.car.State())
	}
	<-time.After(5 * time.Millisecond) // clouds tell milliseconds
	if err := r.car.PullHandle(); err != nil {
		t.Fatal(err)
	}
	o := r.await(told, "the open trunk", isOpen)
	if o.DeviceAt == 0 || o.Device != "trunk" {
		t.Fatalf("told %+v", o)
	}
	if outcome, err := r.lock(); outcome != event.NotDone || !errors.Is(err, device.ErrRefused) {
		t.Fatalf("locking with an open trunk: %v, %v", outcome, err)
	}
	<-time.After(5 * time.Millisecond)
	r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	if outcome, err := r.lock(); outcome != event.Done || err != nil {
		t.Fatalf("locking: %v, %v", outcome, err)
	}
	r.await(told, "that it is locked and shut", isShut)
	if len(r.log.Lines(event.ActOpen)) != 1 || len(r.log.Lines(event.ActSecure)) != 2 {
		t.Fatalf("the log has %+v and %+v", r.log.Lines(event.ActOpen), r.log.Lines(event.ActSecure))
	}
}

// TestNobodyPullsTheHandle: the car stays as it was, and can be opened again.
func TestNobodyPullsTheHandle(t *testing.T) {
	r := build(t, options{fake: volvotest.Config{Window: 30 * time.Millisecond}})
	for range 2 {
		if outcome, err := r.open(5 * time.Second); outcome != event.Done {
			t.Fatalf("%v, %v", outcome, err)
		}
		for r.car.HandleFree() {
			<-r.car.Changed()
		}
		if r.car.PullHandle() == nil || !r.car.State().Locked {
			t.Fatal("the handle is still free")
		}
	}
	if r.car.Done().UnlockCommands != 2 || r.car.Done().Openings != 0 {
		t.Fatalf("%+v", r.car.Done())
	}
}

// TestEveryInvokeStatus over real sockets. A car with this status did what the fake does; what counts is what we say.
func TestEveryInvokeStatus(t *testing.T) {
	t.Parallel()
	accepted, unknown := []string{"WAITING", "SENT", "DELIVERED", "RUNNING"}, []string{
		"TIMEOUT", "CAR_TIMEOUT", "DELIVERY_TIMEOUT", "EXPIRED", "CONNECTION_FAILURE", "CAR_ERROR", "INVOCATION_SPECIFIC_ERROR",
		"UNKNOWN", "UNLOCK_TIME_FRAME_PASSED", "SOMETHING_NEW", "Ä\"<", " ",
	}
	refused := []string{"REJECTED", "NOT_SUPPORTED", "NOT_ALLOWED_PRIVACY_ENABLED", "NOT_ALLOWED_WRONG_USAGE_MODE"}
	asleep := []string{"VEHICLE_IN_SLEEP", "CAR_IN_SLEEP_MODE"}
	r := build(t, options{})
	r.car.Behave(fakecloud.Quirks{Deaf: true}) // nothing happens, so that only the status speaks
	for _, test := range []struct {
		statuses     []string
		unlock, lock event.Outcome
		why          error
	}{
		{[]string{"COMPLETED", "SUCCESS", "completed"}, event.Done, event.Done, nil},
		{accepted, event.Unknown, event.Done, device.ErrNoAnswer},
		{unknown, event.Unknown, event.Unknown, device.ErrNoAnswer},
		{refused, event.NotDone, event.NotDone, device.ErrRefused},
		{asleep, event.NotDone, event.NotDone, device.ErrAsleep},
		{[]string{"UNABLE_TO_LOCK_DOOR_OPEN"}, event.Unknown, event.NotDone, nil},
	} {
		for _, status := range test.statuses {
			r.fake.AnswerWith(vin, status)
			ready := status != "completed" // the fake says "ready" of the published words only
			outcome, err := r.open(60 * time.Millisecond)
			if want := test.unlock; ready && outcome != want || !ready && outcome != event.Unknown {
				t.Errorf("unlock, %s: %v, %v", status, outcome, err)
			}
			if test.why != nil && !errors.Is(err, test.why) {
				t.Errorf("unlock, %s: the error is %v", status, err)
			}
			if outcome, err := r.lock(); outcome != test.lock || (err == nil) != (outcome == event.Done) {
				t.Errorf("lock, %s: %v, %v", status, outcome, err)
			}
		}
	}
}

// TestOpeningsThatGoWrong: what becomes of an order to open, for each way to go wrong. Somebody stands at the trunk.
func TestOpeningsThatGoWrong(t *testing.T) {
	t.Parallel()
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
		"asleep since":              {quirks: fakecloud.Quirks{Asleep: true}, want: event.NotDone, because: device.ErrAsleep},
		"away since":                {quirks: fakecloud.Quirks{Offline: true}, want: event.Unknown, because: device.ErrNoAnswer},
		"refused":                   {quirks: fakecloud.Quirks{Refuse: true}, want: event.NotDone, because: device.ErrRefused},
		"jammed":                    {quirks: fakecloud.Quirks{Jam: true}, want: event.Unknown, because: device.ErrNoAnswer},
		"limited":                   {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleTooMany, Length: 5 * time.Second}, want: event.NotDone, because: new(device.BusyError)},
		"a page, before":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleHTML}, want: event.Unknown, because: device.ErrNoAnswer},
		"a page, after":             {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleHTML, After: true}, want: event.Done, opened: 1},
		"a firewall, before":        {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleForbidden}, want: event.Unknown, because: device.ErrNoAnswer},
		"a firewall, after":         {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleForbidden, After: true}, want: event.Done, opened: 1},
		"half an answer":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleTruncated}, want: event.Done, opened: 1},
		"dropped, before":           {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDropped}, want: event.Unknown, because: device.ErrNoAnswer},
		"dropped, after":            {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDropped, After: true}, want: event.Done, opened: 1},
		"no answer, not done":       {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleStall}, want: event.Unknown, because: device.ErrNoAnswer},
		"no answer, done":           {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleStall, After: true}, want: event.Done, opened: 1},
		"out of order":              {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleDown}, want: event.Unknown, because: device.ErrNoAnswer},
		"no envelope":               {trouble: fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Body: `{"invokeStatus":"COMPLETED","readyToUnlock":true}`}, want: event.Unknown, because: device.ErrNoAnswer},
		"not ready": {trouble: fakecloud.Trouble{
			Kind: fakecloud.TroubleReplaced, Body: `{"data":{"invokeStatus":"COMPLETED","readyToUnlock":false}}`,
		}, want: event.Unknown, because: device.ErrNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t, options{})
			r.car.Wait(fakecloud.HandOpens)
			if _, err := r.read(); err != nil { // its state is known, so that the fault hits the order only
				t.Fatal(err)
			}
			<-time.After(5 * time.Millisecond) // clouds tell milliseconds
			r.car.Behave(test.quirks)
			if test.trouble.Kind != "" {
				test.trouble.Method = http.MethodPost
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

// TestWhatIsNotSent: a car that sleeps, that is away, or that is open is not told anything.
func TestWhatIsNotSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*rig)
		want    error
	}{
		"asleep":   {func(r *rig) { r.car.Behave(fakecloud.Quirks{Asleep: true}) }, device.ErrAsleep},
		"away":     {func(r *rig) { r.car.Behave(fakecloud.Quirks{Offline: true}) }, device.ErrOffline},
		"odd":      {func(r *rig) { r.car.Behave(fakecloud.Quirks{Odd: true}) }, device.ErrRefused},
		"unlocked": {func(r *rig) { r.car.ByHand(func(s *fakecloud.State) { s.Locked = false }) }, device.ErrRefused},
		"a page":   {func(r *rig) { r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleHTML}) }, device.ErrNonsense},
		"firewall": {func(r *rig) { r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleForbidden}) }, device.ErrNoAnswer},
		"half":     {func(r *rig) { r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleTruncated}) }, device.ErrNoAnswer},
		"revoked":  {func(r *rig) { r.fake.OAuth.Revoke("ana"); _, _ = r.read() }, device.ErrRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t, options{})
			test.prepare(r)
			if outcome, err := r.open(time.Second); outcome != event.NotDone || !errors.Is(err, test.want) {
				t.Errorf("opening: %v, %v", outcome, err)
			}
			if _, err := r.read(); name != "odd" && name != "unlocked" && !errors.Is(err, test.want) {
				t.Errorf("reading: %v", err)
			}
			if r.car.Done().UnlockCommands != 0 || len(r.log.Lines(event.ActOpen)) != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestReachability(t *testing.T) {
	r := build(t, options{})
	told := r.listen()
	r.await(told, "that it is there", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
	r.car.Behave(fakecloud.Quirks{Asleep: true})
	r.await(told, "that it sleeps", func(o event.Observation) bool { return o.Reach == event.ReachOffline })
	if r.device.Reach() != event.ReachOffline {
		t.Errorf("it is %q", r.device.Reach())
	}
	r.car.Behave(fakecloud.Quirks{})
	r.await(told, "that it is awake", func(o event.Observation) bool { return o.Reach == event.ReachOnline })
}

func TestAReplayIsACopy(t *testing.T) {
	r := build(t, options{})
	told := r.listen()
	step := func(change func(*fakecloud.State), what string, fits func(event.Observation) bool) {
		<-time.After(5 * time.Millisecond)
		r.car.ByHand(change)
		r.await(told, what, fits)
	}
	step(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.Trunk] = false, true }, "that it is open", isOpen)
	step(func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.Trunk] = true, false }, "that it is shut", isShut)
	if !r.car.Replay(func(told fakecloud.Told) bool { return !told.Locked }) {
		t.Fatal("the fake has nothing to replay")
	}
	if o := r.await(told, "the old state", func(o event.Observation) bool { return o.Bolt == event.BoltUnlocked }); o.Current() {
		t.Fatalf("the old state counts as %+v", o)
	}
}

func TestWhereItStands(t *testing.T) {
	r := build(t, options{})
	r.car.ByHand(func(s *fakecloud.State) { s.Latitude, s.Longitude, s.Moving = 57.7, 11.9, true })
	located, err := r.device.(device.Locator).Locate(t.Context())
	if err != nil || located.Latitude != 57.7 || located.Longitude != 11.9 || located.Motion != event.MotionMoving || time.Since(located.At) > time.Minute {
		t.Fatalf("%+v, %v", located, err)
	}
	r.car.ByHand(func(s *fakecloud.State) { s.Moving = false })
	again, err := r.device.(device.Locator).Locate(t.Context())
	if err != nil || again.Motion != event.MotionParked || !again.At.Equal(located.At) {
		t.Fatalf("parked: %+v, %v", again, err)
	}
	r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown, Path: "/engine-status"})
	if l, err := r.device.(device.Locator).Locate(t.Context()); err != nil || l.Motion != "" {
		t.Fatalf("without a word on its engine: %+v, %v", l, err)
	}
	r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown, Path: "/location"})
	if l, err := r.device.(device.Locator).Locate(t.Context()); err == nil {
		t.Fatalf("without an answer: %+v", l)
	}
}

func TestItLetsItselfBeFound(t *testing.T) {
	r := build(t, options{})
	s := r.device.(device.Signaller)
	if !slices.Equal(s.Signals(), []device.Signal{device.SignalFlash, device.SignalHonk}) {
		t.Fatalf("%v", s.Signals())
	}
	for _, signal := range s.Signals() {
		if outcome, err := s.Signal(t.Context(), signal); outcome != event.Done || err != nil {
			t.Errorf("%s: %v, %v", signal, outcome, err)
		}
	}
	r.car.Behave(fakecloud.Quirks{Deaf: true})
	if outcome, err := s.Signal(t.Context(), device.SignalFlash); outcome != event.Done || err != nil {
		t.Errorf("accepted: %v, %v", outcome, err)
	}
	if outcome, err := s.Signal(t.Context(), "sing"); outcome != event.NotDone || err == nil {
		t.Errorf("singing: %v, %v", outcome, err)
	}
	r.car.Behave(fakecloud.Quirks{Asleep: true})
	if outcome, err := s.Signal(t.Context(), device.SignalHonk); outcome != event.NotDone || !errors.Is(err, device.ErrAsleep) {
		t.Errorf("asleep: %v, %v", outcome, err)
	}
	if r.car.Done().Signals != 2 || len(r.log.Lines(event.ActOpen)) != 0 {
		t.Errorf("%+v", r.car.Done())
	}
}

func TestWhatTheAccountHas(t *testing.T) {
	r := build(t, options{})
	vins, err := r.account.Vehicles(t.Context())
	if err != nil || !slices.Equal(vins, []string{vin}) {
		t.Errorf("%v, %v", vins, err)
	}
	if d, err := r.account.Details(t.Context(), vin); err != nil || d != (volvo.Details{Model: "XC40", Year: 2024}) {
		t.Errorf("%+v, %v", d, err)
	}
	able, err := r.account.Commands(t.Context(), vin)
	if err != nil || !able.Locks || !able.Unlocks || len(able.Signals) != 2 {
		t.Errorf("%+v, %v", able, err)
	}
	if _, err := r.account.Details(t.Context(), "YV1ABCDEFG0000000"); !errors.Is(err, device.ErrRefused) {
		t.Errorf("a car of somebody else: %v", err)
	}
	r.fake.OAuth.Revoke("ana")
	for range 2 { // the first finds its token void
		_, err = r.account.Vehicles(t.Context())
	}
	if !errors.Is(err, device.ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
}

func TestSomebodyElsesCar(t *testing.T) {
	r := build(t, options{})
	car := fakecloud.NewCar("YV1ABCDEFG7654321", "VOLVO", "V60", 2021, 1, 1)
	r.fake.AddCar("bob", car)
	dev, err := r.account.Device(volvo.Config{Device: "bobs", VIN: car.VIN})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := dev.(device.Opener).Open(t.Context(), device.Order{Permit: "home1-p1", Deadline: time.Now().Add(time.Second)})
	if outcome != event.NotDone || !errors.Is(err, device.ErrRefused) || car.Done().UnlockCommands != 0 {
		t.Errorf("opening: %v, %v", outcome, err)
	}
	if outcome, err := dev.(device.Securer).Secure(t.Context()); outcome != event.NotDone || !errors.Is(err, device.ErrRefused) {
		t.Errorf("locking: %v, %v", outcome, err)
	}
}

func TestAnExpiredTokenIsRenewed(t *testing.T) {
	r := build(t, options{})
	before := r.keeper.Token().RefreshToken
	r.fake.OAuth.Expire("ana")
	_, _ = r.read() // finds it out
	if o, err := r.read(); err != nil || o.Bolt != event.BoltLocked {
		t.Fatalf("%+v, %v", o, err)
	}
	if after, err := r.keeper.Load(t.Context()); err != nil || after.RefreshToken == before {
		t.Fatalf("kept %+v, %v", after, err)
	}
}

func TestWithdrawing(t *testing.T) {
	r := build(t, options{})
	token := r.keeper.Token().AccessToken
	if err := r.consent.Withdraw(t.Context()); err != nil || r.keeper.Token() != nil {
		t.Fatalf("%v, kept %+v", err, r.keeper.Token())
	}
	if _, err := r.read(); !errors.Is(err, device.ErrRevoked) {
		t.Errorf("reading: %v", err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+token)
	if _, err := r.fake.OAuth.Who(q); err == nil {
		t.Error("the maker still takes the token")
	}
}

func TestTwoDevicesOneVehicle(t *testing.T) {
	r := build(t, options{})
	cabin, err := r.account.Device(volvo.Config{Device: "cabin", VIN: vin})
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
	<-time.After(5 * time.Millisecond)
	r.car.Wait(fakecloud.HandOpens)
	if outcome, err := r.open(5 * time.Second); outcome != event.Done {
		t.Fatalf("%v, %v", outcome, err)
	}
	r.await(told, "the open trunk, by the cabin", func(o event.Observation) bool { return isOpen(o) && o.Device == "cabin" })
	cancel()
	<-done
}

func TestBadApplicationsAndDevices(t *testing.T) {
	r := build(t, options{})
	for name, cfg := range map[string]volvo.AppConfig{
		"no client": {ClientSecret: "x", APIKey: "x", Log: r.log}, "no secret": {ClientID: "x", APIKey: "x", Log: r.log},
		"no key": {ClientID: "x", ClientSecret: "x", Log: r.log}, "no log": {ClientID: "x", ClientSecret: "x", APIKey: "x"},
		"plain http": {ClientID: "x", ClientSecret: "x", APIKey: "x", Log: r.log, Origins: volvo.Origins{API: "http://example.com"}},
	} {
		if _, err := volvo.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, cfg := range map[string]volvo.Config{
		"no device": {VIN: vin}, "no VIN": {Device: "d"}, "a path": {Device: "d", VIN: "../../../../../.."},
		"a letter O": {Device: "d", VIN: "YV1ABCDEFG12345O7"}, "lateness": {Device: "d", VIN: vin, Lateness: -2},
		"a song": {Device: "d", VIN: vin, Signals: &[]device.Signal{"sing"}},
	} {
		if _, err := r.account.Device(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
