package tesla_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/device/tesla/teslatest"
	"github.com/loquet/loquet/event"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
	"google.golang.org/protobuf/proto"
)

var permits atomic.Uint64

// order opens once, for so long.
func (r *rig) order(t *testing.T, length time.Duration) (event.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	return r.device.Open(ctx, device.Order{
		Permit: event.NewID[event.PermitID]("home1", 'p', permits.Add(1)), Deadline: time.Now().Add(length),
	})
}

func (r *rig) wantOpening(t *testing.T, commands, openings int) {
	t.Helper()
	if got := r.Report(); got.OpenCommands != commands || got.Openings != openings {
		t.Fatalf("%d orders to open and %d openings; want %d and %d", got.OpenCommands, got.Openings, commands, openings)
	}
}

func trunk(t *testing.T, change func(*tesla.AccountConfig)) *rig {
	t.Helper()
	return newRig(t, &devicetest.Log{}, tesla.Config{Opens: tesla.Trunk}, change)
}

// TestTheTrunkIsNeverToggled: with a motor, the command to open a trunk that isn't shut would close it.
func TestTheTrunkIsNeverToggled(t *testing.T) {
	r := newRig(t, &devicetest.Log{}, tesla.Config{Opens: tesla.Trunk}, nil)
	for name, body := range map[string]teslatest.Body{
		"open": {Trunk: teslatest.Open}, "ajar": {Trunk: teslatest.Ajar}, "unknown": {Trunk: teslatest.Unknown}, "failed": {Trunk: teslatest.FailedUnlatch},
		"opening": {Trunk: teslatest.Opening}, "closing": {Trunk: teslatest.Closing}, "novel": {Trunk: teslatest.Novel}, "nothing said": {NoParts: true},
		"no status": {NoStatus: true},
	} {
		body.Lock, body.Powered = teslatest.Locked, true
		r.Set(body)
		if outcome, err := r.order(t, 2*time.Second); outcome != event.NotDone || err == nil {
			t.Errorf("%s: %q, %v; want not done", name, outcome, err)
		}
		if got := r.Report(); got.TrunkMoves != 0 {
			t.Fatalf("%s: the trunk was moved", name)
		}
	}
	r.Set(teslatest.Body{Lock: teslatest.Locked, Powered: true})
	if outcome, err := r.order(t, 5*time.Second); outcome != event.Done {
		t.Fatalf("%q, %v", outcome, err)
	}
	if got := r.Report().Body; got.Lock != teslatest.Locked || got.Trunk != teslatest.Open {
		t.Fatalf("it is %+v; want the trunk open and the doors locked", got)
	}
}

// TestAKeyThatTheCarDoesNotKnow is refused by the car itself.
func TestAKeyThatTheCarDoesNotKnow(t *testing.T) {
	r := trunk(t, nil)
	if _, err := r.device.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Unpair(r.key.Public()) // with a session open: the car refuses the command's key
	outcome, err := r.order(t, 5*time.Second)
	if outcome != event.NotDone || !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("%q, %v; want ErrRevoked", outcome, err)
	}
	if r.Report().Rejected["MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID"] == 0 {
		t.Errorf("the car rejected %v", r.Report().Rejected)
	}
	fresh := trunk(t, nil) // without one, it refuses to begin
	fresh.Unpair(fresh.key.Public())
	if _, err := fresh.device.Read(t.Context()); !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("%v; want ErrRevoked", err)
	}
	fresh.wantOpening(t, 0, 0)
}

// TestFaults: what a car answers, and what it then did.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		quirks  teslatest.Quirks
		outcome event.Outcome
		opened  int
	}{
		"not in park":                         {teslatest.Quirks{Refuse: true}, event.NotDone, 0},
		"somebody says so in its name":        {teslatest.Quirks{RefuseUnsigned: true}, event.Done, 1},
		"busy":                                {teslatest.Quirks{Fault: 1}, event.Unknown, 0},
		"timeout, and it moved":               {teslatest.Quirks{Fault: 2, FaultAfter: true}, event.Done, 1},
		"internal":                            {teslatest.Quirks{Fault: 11}, event.Unknown, 0},
		"the same counter again, and it did":  {teslatest.Quirks{Fault: 6, FaultAfter: true}, event.Done, 1},
		"no privileges":                       {teslatest.Quirks{Fault: 7}, event.NotDone, 0},
		"remote access is off":                {teslatest.Quirks{Fault: 21}, event.NotDone, 0},
		"a fault that nobody knows":           {teslatest.Quirks{Fault: 77, FaultAfter: true}, event.Done, 1},
		"the answer is cut off":               {teslatest.Quirks{Lost: "cut"}, event.Done, 1},
		"the answer is truncated":             {teslatest.Quirks{Lost: "truncated"}, event.Done, 1},
		"the answer is garbage":               {teslatest.Quirks{Lost: "garbage"}, event.Done, 1},
		"the answer is empty":                 {teslatest.Quirks{Lost: "empty"}, event.Done, 1},
		"a gateway's timeout":                 {teslatest.Quirks{Lost: "gateway"}, event.Done, 1},
		"a gateway's timeout, and no opening": {teslatest.Quirks{Lost: "gateway", Deaf: true}, event.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := trunk(t, nil)
			r.Play(test.quirks)
			outcome, err := r.device.Open(t.Context(), device.Order{Permit: "home1-p1", Deadline: time.Now().Add(time.Second)})
			if outcome != test.outcome || (err == nil) != (outcome == event.Done) {
				t.Errorf("%q, %v; want %q", outcome, err, test.outcome)
			}
			r.wantOpening(t, 1, test.opened)
		})
	}
}

// TestARestartedCar has a new session, which is found out by the question before the command.
func TestARestartedCar(t *testing.T) {
	r := trunk(t, nil)
	if _, err := r.device.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Play(teslatest.Quirks{NewEpoch: true})
	if outcome, err := r.order(t, 5*time.Second); outcome != event.Done {
		t.Fatalf("%q, %v", outcome, err)
	}
	r.wantOpening(t, 1, 1)
	if r.Report().Rejected["MESSAGEFAULT_ERROR_INCORRECT_EPOCH"] != 1 {
		t.Errorf("the car rejected %v", r.Report().Rejected)
	}
}

// TestNobodyCanAnswerForTheCar: an answer that nobody signed proves nothing, unless the configuration says so; and then
// the grade does.
func TestNobodyCanAnswerForTheCar(t *testing.T) {
	for name, q := range map[string]teslatest.Quirks{"the cloud answers itself": {Strip: true}, "an old car": {Old: true}} {
		r := trunk(t, nil)
		r.Play(q)
		if o, err := r.device.Read(t.Context()); !errors.Is(err, device.ErrNonsense) {
			t.Errorf("%s: %+v, %v; want ErrNonsense", name, o, err)
		}
		if outcome, _ := r.order(t, 2*time.Second); outcome != event.NotDone {
			t.Errorf("%s: %q", name, outcome)
		}
		r.wantOpening(t, 0, 0)
		cfg := r.cfg
		cfg.Device, cfg.Unproven = "car-2", true
		unproven, err := r.account.Device(cfg, r.by)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := unproven.Read(t.Context()); err != nil || o.Bolt != event.BoltLocked || unproven.Spec().Grade != event.GradeReported {
			t.Errorf("%s: %+v, %v, %q", name, o, err, unproven.Spec().Grade)
		}
	}
	if grade := trunk(t, nil).device.Spec().Grade; grade != event.GradeProven {
		t.Errorf("the grade is %q", grade)
	}
}

// tap stands between us and Tesla's cloud. It records commands, and may hold one back.
type tap struct {
	server *httptest.Server
	mu     sync.Mutex
	seen   [][]byte
	hold   chan struct{} // when set, the next message waits for it; the client doesn't
}

func newTap(t *testing.T) *tap {
	t.Helper()
	to, err := url.Parse(garage.API)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: garage.TLS()}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport, proxy.ErrorHandler = transport, func(http.ResponseWriter, *http.Request, error) {}
	p := &tap{}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.seen = append(p.seen, body)
		hold := p.hold
		p.mu.Unlock()
		if hold != nil {
			<-hold
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the proxy gives up one without an end
			defer cancel()
			r = r.WithContext(ctx)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

// replay posts a message again, as anybody on the way could.
func (p *tap) replay(t *testing.T, r *rig, message []byte) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: garage.TLS()}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, garage.API+"/api/1/vehicles/"+r.cfg.VIN+"/signed_command", bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestAReplayedCommandIsRefusedByTheCar: Tesla's own verifier knows its counter.
func TestAReplayedCommandIsRefusedByTheCar(t *testing.T) {
	p := newTap(t)
	r := trunk(t, func(c *tesla.AccountConfig) { c.Base, c.TLS = p.server.URL, nil })
	outcome, err := r.order(t, 5*time.Second)
	if outcome != event.Done {
		t.Fatalf("%q, %v", outcome, err)
	}
	p.mu.Lock()
	messages := slices.Clone(p.seen)
	p.mu.Unlock()
	r.wantOpening(t, 1, 1)
	r.Set(teslatest.Body{Lock: teslatest.Locked})
	for range 2 {
		for _, message := range messages {
			p.replay(t, r, message)
		}
	}
	r.wantOpening(t, 1, 1)
	if n := r.Report().Rejected["MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER"]; n == 0 {
		t.Errorf("the car rejected %v", r.Report().Rejected)
	}
}

// TestACommandIsSignedForTenSeconds, however patient its caller is.
func TestACommandIsSignedForTenSeconds(t *testing.T) {
	p := newTap(t)
	r := trunk(t, func(c *tesla.AccountConfig) { c.Base, c.TLS, c.Limit = p.server.URL, nil, time.Minute })
	if outcome, err := r.order(t, time.Minute); outcome != event.Done {
		t.Fatalf("%q, %v", outcome, err)
	}
	var commands int
	for _, raw := range p.seen {
		var body struct {
			Message []byte `json:"routable_message"`
		}
		var m universal.RoutableMessage
		var u vcsec.UnsignedMessage
		if json.Unmarshal(raw, &body) != nil || proto.Unmarshal(body.Message, &m) != nil {
			t.Fatalf("%s", raw)
		}
		if proto.Unmarshal(m.GetProtobufMessageAsBytes(), &u) != nil || u.GetClosureMoveRequest() == nil {
			continue
		}
		commands++ // the car's clock began at the first message
		if at := m.GetSignatureData().GetHMAC_PersonalizedData().GetExpiresAt(); at == 0 || at > 12 {
			t.Errorf("signed until second %d", at)
		}
	}
	if commands != 1 {
		t.Fatalf("%d commands", commands)
	}
}

// TestACommandThatComesTooLateIsRefusedByTheCar: somebody on the way held it back until its signature had ended.
func TestACommandThatComesTooLateIsRefusedByTheCar(t *testing.T) {
	t.Parallel()
	p := newTap(t)
	log := &devicetest.Log{}
	r := newRig(t, log, tesla.Config{Opens: tesla.Trunk}, func(c *tesla.AccountConfig) { c.Base, c.TLS = p.server.URL, nil })
	if _, err := r.device.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	log.Before(func(s event.Sent) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hold = hold
	})
	outcome, err := r.order(t, time.Second)
	if outcome != event.Unknown || !errors.Is(err, device.ErrNoAnswer) {
		t.Fatalf("%q, %v; want unknown", outcome, err)
	}
	<-time.After(2500 * time.Millisecond)
	close(hold)
	await(t, "the car to reject it", func() bool { return r.Report().Rejected["MESSAGEFAULT_ERROR_TIME_EXPIRED"] > 0 })
	r.wantOpening(t, 0, 0)
}

// TestAlwaysEnoughToLock: whatever was asked and opened before, within Tesla's limits something is left to lock with.
func TestAlwaysEnoughToLock(t *testing.T) {
	limiter := maker.NewLimiter(tesla.Limits()...)
	r := trunk(t, func(c *tesla.AccountConfig) { c.Limiter = limiter })
	var busy *device.BusyError
	watching := device.For(t.Context(), device.Watching)
	for range 100 {
		if _, err := r.device.Read(watching); errors.As(err, &busy) {
			break
		}
	}
	if busy == nil {
		t.Fatal("there was no limit")
	}
	if outcome, err := r.order(t, time.Second); outcome != event.NotDone || !errors.As(err, &busy) {
		t.Fatalf("%q, %v; want a BusyError", outcome, err)
	}
	if outcome, err := r.device.Secure(t.Context()); outcome != event.Done {
		t.Fatalf("nothing was left to lock with: %q, %v", outcome, err)
	}
	if n := r.account.Counts(time.Now())["command"]; n > 30 || r.Report().Requests > 30 {
		t.Fatalf("%d commands in a minute, of which %d arrived; Tesla allows 30", n, r.Report().Requests)
	}
}

// TestNothingPrivateIsSaid: no error and no log names the car, the token or the place.
func TestNothingPrivateIsSaid(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := trunk(t, func(c *tesla.AccountConfig) {
		c.Logger, c.Polling.Logger, c.Limit = logger, logger, 300*time.Millisecond
	})
	var said []string
	for _, q := range []teslatest.Quirks{
		{Asleep: true}, {Status: 500, Error: r.cfg.VIN}, {Status: 403, Error: r.cfg.VIN}, {HTML: true}, {Stall: true}, {Cut: true},
		{LostAnswers: "truncated"}, {LostAnswers: "garbage"}, {Strip: true}, {Drive: []byte(`{"latitude":98.7654,"longitude":1}`)},
		{Drive: []byte(`{"latitude":"45.7578"}`)},
	} {
		r.Play(q)
		_, place := r.device.Locate(t.Context())
		_, read := r.device.Read(t.Context())
		_, opened := r.order(t, 500*time.Millisecond)
		_, signalled := r.device.Signal(t.Context(), device.SignalHonk)
		said = append(said, fmt.Sprint(place, read, opened, signalled, r.device))
	}
	r.proxy.Cut()
	_, err := r.device.Locate(t.Context())
	said = append(said, fmt.Sprint(err), logged.String())
	for _, text := range said {
		for _, private := range []string{r.cfg.VIN, "access-1", "98.76", "45.75"} {
			if strings.Contains(text, private) {
				t.Errorf("%q holds %q", text, private)
			}
		}
	}
}

// TestOnlyThePlaceIsAsked: of all that vehicle_data has, nothing else is asked for.
func TestOnlyThePlaceIsAsked(t *testing.T) {
	r := trunk(t, nil)
	got, err := r.device.Locate(t.Context())
	if err != nil || got.Latitude != 45.7578 || got.Longitude != 4.832 || got.Motion != event.MotionParked {
		t.Fatalf("%+v, %v", got, err)
	}
	if age := got.ReceivedAt.Sub(got.At); age < 6*time.Second || age > 9*time.Second {
		t.Errorf("the position is %v old; want 7 s", age)
	}
	if private := r.Report().Private; len(private) != 0 {
		t.Errorf("asked for %v", private)
	}
}

// TestAMotorShutsTheTrunk: whether it has one, Tesla tells once, when a trunk is to be shut that stands open. Whatever it
// says or doesn't, the doors are locked.
func TestAMotorShutsTheTrunk(t *testing.T) {
	for name, c := range map[string]struct {
		body  teslatest.Body
		said  string
		trunk int32
		asked int
	}{
		"with a motor":       {teslatest.Body{Trunk: teslatest.Open, Powered: true}, "", teslatest.Shut, 1},
		"without one":        {teslatest.Body{Trunk: teslatest.Open}, "", teslatest.Open, 1},
		"that is shut":       {teslatest.Body{Trunk: teslatest.Shut, Powered: true}, "", teslatest.Shut, 0},
		"that is ajar":       {teslatest.Body{Trunk: teslatest.Ajar, Powered: true}, "", teslatest.Shut, 1},
		"of which it is mum": {teslatest.Body{Trunk: teslatest.Open, Powered: true}, `{}`, teslatest.Open, 2},
		"of an odd word":     {teslatest.Body{Trunk: teslatest.Open, Powered: true}, `{"plg":"yes"}`, teslatest.Open, 2},
	} {
		r := trunk(t, nil)
		c.body.Lock = teslatest.Unlocked
		r.Set(c.body)
		if c.said != "" {
			r.Play(teslatest.Quirks{Config: json.RawMessage(c.said)})
		}
		for range 2 {
			if outcome, err := r.device.Secure(t.Context()); outcome != event.Done {
				t.Fatalf("%s: %q, %v", name, outcome, err)
			}
			if got := r.Report(); got.Body.Trunk != c.trunk || got.Body.Lock != teslatest.Locked || got.TrunkMoves != 0 {
				t.Errorf("%s: it is %+v, moved %d times", name, got.Body, got.TrunkMoves)
			}
			body := r.Report().Body
			body.Trunk, body.Lock = c.body.Trunk, teslatest.Unlocked // opened again
			r.Set(body)
		}
		if got := r.Report(); got.Motors != c.asked || len(got.Private) != 0 {
			t.Errorf("%s: asked %d times, and for %v", name, got.Motors, got.Private)
		}
	}
}

// TestTwoCustomersDoNotShare: the same VIN with another consent is asked with that one, whatever came before.
func TestTwoCustomersDoNotShare(t *testing.T) {
	r := trunk(t, nil)
	r.Play(teslatest.Quirks{Token: "access-1"})
	if _, err := r.device.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := maker.OfficeConfig{ClientID: "us", AuthURL: "https://a.example", TokenURL: "http://127.0.0.1:1"}
	office, err := maker.NewOffice(other)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := r.account.Device(r.cfg, office.Consent(cloud.NewKeeper(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := stranger.Open(t.Context(), device.Order{Permit: "home2-p1", Deadline: time.Now().Add(time.Second)}); outcome != event.NotDone || !errors.Is(err, device.ErrRevoked) {
		t.Fatalf("%q, %v; want ErrRevoked", outcome, err)
	}
	if _, err := r.device.Read(t.Context()); err != nil {
		t.Fatalf("the first one's consent is gone: %v", err)
	}
	r.wantOpening(t, 0, 0)
}

// TestTrunkAndCabinTakeTurns: two devices on one car, at once.
func TestTrunkAndCabinTakeTurns(t *testing.T) {
	r := trunk(t, nil)
	cfg := r.cfg
	cfg.Device, cfg.Opens = "car-2", tesla.Cabin
	cabin, err := r.account.Device(cfg, r.by)
	if err != nil {
		t.Fatal(err)
	}
	if got := cabin.Spec().Reveals; got != event.RevealsCar {
		t.Errorf("the cabin reveals %q", got)
	}
	var wg sync.WaitGroup
	for _, d := range []*tesla.Device{r.device, cabin} {
		for range 10 {
			wg.Go(func() {
				if _, err := d.Read(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	got := r.Report()
	if got.Handshakes != 1 || len(got.Rejected) != 0 {
		t.Errorf("%d handshakes; rejected %v", got.Handshakes, got.Rejected)
	}
}

func TestWaking(t *testing.T) {
	t.Parallel()
	r := trunk(t, nil)
	r.Play(teslatest.Quirks{Asleep: true, SleepsFor: 10})
	if _, err := r.device.Read(t.Context()); !errors.Is(err, device.ErrAsleep) {
		t.Fatalf("%v; want ErrAsleep", err)
	}
	if err := r.device.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Report().Wakes; n != 1 {
		t.Errorf("called %d times", n)
	}
	if err := r.device.Wake(t.Context()); err != nil || r.Report().Wakes != 1 {
		t.Errorf("what is awake was called: %v", err)
	}
	r.Play(teslatest.Quirks{Offline: true})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.device.Wake(ctx); !errors.Is(err, device.ErrAsleep) {
		t.Errorf("%v; want ErrAsleep", err)
	}
	for name, q := range map[string]teslatest.Quirks{"refused": {Status: 403}, "down": {Status: 503}, "cut off": {Cut: true}} {
		r.Play(q)
		if err := r.device.Wake(t.Context()); err == nil || errors.Is(err, device.ErrAsleep) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnrolment(t *testing.T) {
	r := trunk(t, nil)
	all, err := r.account.Cars(t.Context(), r.by)
	if err != nil {
		t.Fatal(err)
	}
	mine := false
	for _, c := range all {
		mine = mine || c.VIN == r.cfg.VIN && c.Name == "A car"
	}
	if !mine {
		t.Errorf("%s is not among %v", r.cfg.VIN, all)
	}
	ready, err := r.account.Ready(t.Context(), r.by, r.cfg.VIN)
	if err != nil || !ready.Paired || !ready.Signed || ready.Firmware == "" {
		t.Errorf("%+v, %v", ready, err)
	}
	stranger := nextVIN()
	garage.Car(t, stranger)
	if ready, err = r.account.Ready(t.Context(), r.by, stranger); err != nil || ready.Paired {
		t.Errorf("%+v, %v", ready, err)
	}
	if _, err = r.account.Ready(t.Context(), r.by, nextVIN()); !errors.Is(err, device.ErrNonsense) {
		t.Errorf("a car that Tesla doesn't know: %v", err)
	}
}

// TestTenThousandCarsThatStand cost little, and no goroutine.
func TestTenThousandCarsThatStand(t *testing.T) {
	const cars, most = 10_000, 4 << 10
	r := trunk(t, nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	all := make([]*tesla.Device, cars)
	for i := range all {
		var err error
		cfg := tesla.Config{Device: event.DeviceID(fmt.Sprint("car-", i)), VIN: fmt.Sprintf("5YJ3E1EB%09d", i), Opens: tesla.Trunk}
		if all[i], err = r.account.Device(cfg, r.by); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / cars
	t.Logf("%d bytes each", each)
	if each > most || runtime.NumGoroutine() > goroutines {
		t.Errorf("%d bytes each, and %d goroutines more", each, runtime.NumGoroutine()-goroutines)
	}
	runtime.KeepAlive(all)
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	first, err := tesla.OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tesla.OpenKey(path)
	if err != nil || !bytes.Equal(first.Public(), again.Public()) {
		t.Fatalf("it was replaced: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if !bytes.HasPrefix(first.Public(), []byte("-----BEGIN PUBLIC KEY-----\n")) {
		t.Errorf("the public key is %s", first.Public())
	}
	for _, bad := range []string{"", "no key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tesla.OpenKey(path); err == nil {
			t.Errorf("%q was taken for a key", bad)
		}
		if text, _ := os.ReadFile(path); string(text) != bad {
			t.Errorf("%q was replaced", bad)
		}
	}
	if _, err := tesla.OpenKey(filepath.Join(path, "below-a-file")); err == nil {
		t.Error("a place that can't be")
	}
}

func TestAccountsThatAreRefused(t *testing.T) {
	key, err := tesla.OpenKey(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	log := &devicetest.Log{}
	for name, cfg := range map[string]tesla.AccountConfig{
		"no region": {Key: key, Log: log}, "no key": {Region: tesla.Europe, Log: log}, "no log": {Region: tesla.Europe, Key: key},
		"plain http": {Base: "http://tesla.example", Key: key, Log: log},
	} {
		if _, err := tesla.NewAccount(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, region := range []tesla.Region{tesla.NorthAmerica, tesla.Europe, tesla.China} {
		account, err := tesla.NewAccount(tesla.AccountConfig{Region: region, Key: key, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		account.Close()
		office, err := tesla.Office(region, "us", "secret", "https://us.example/back")
		if err != nil || office.TokenParams["audience"] == "" {
			t.Errorf("%s: %+v, %v", region, office, err)
		}
		if _, err := maker.NewOffice(office); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
	if _, err := tesla.Office("mars", "us", "secret", "https://us.example/back"); err == nil {
		t.Error("another planet")
	}
}

func TestParseConfig(t *testing.T) {
	good := `{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"trunk","horizon":30000}`
	cfg, err := tesla.ParseConfig([]byte(good))
	want := tesla.Config{Device: "car-1", VIN: "5YJ3E1EA7HF000337", Opens: tesla.Trunk, Horizon: 30_000}
	if err != nil || cfg != want {
		t.Fatalf("%+v, %v", cfg, err)
	}
	for _, bad := range []string{
		``, `{}`, `[]`, `{"vin":"5YJ3E1EA7HF000337","opens":"trunk"}`, `{"device":"car-1","vin":"5YJ3E1EA7HF000337"}`, `{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"frunk"}`,
		`{"device":"car-1","vin":"5YJ3E1EA7HF00033","opens":"trunk"}`, `{"device":"car-1","vin":"5YJ3E1EA7HF00033Q","opens":"trunk"}`,
		`{"device":"car-1","vin":"5YJ3E1EA7HF0/../7","opens":"trunk"}`, good + good, `{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"trunk","token":"x"}`,
		`{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"trunk","horizon":-1}`, `{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"trunk","poweredTrunk":true}`,
	} {
		if _, err := tesla.ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}
