package e2e

import (
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// scanned is the body of a visit's scan.
func (v *visit) scanned() map[string]any {
	return map[string]any{"text": v.delivery.parcel, "position": position()}
}

// finish walks to the end and requires that the visit ends secured, and that everybody counts the same.
func (v *visit) finish() account {
	v.in.Helper()
	if err := v.walk(); err != nil {
		v.in.Fatalf("the visit does not end: %v\n%s", err, v.story())
	}
	v.in.settled(v)
	a := v.in.judge(false)
	if how := a.end(v); how != endSecured {
		v.in.Fatalf("the visit ended as: %s\n%s", how, v.story())
	}
	return a
}

// nothingOpened requires that no order has gone out, and that the devices agree.
func (in *installation) nothingOpened() {
	in.Helper()
	if orders := in.orders(); len(orders) > 0 {
		in.Fatalf("the witness saw %v", orders)
	}
	for _, d := range in.config.Devices {
		if n := in.doors.Thing(d.Name).Openings(); n != 0 {
			in.Fatalf("%s was opened %d times", d.Name, n)
		}
	}
}

// problem requires that a request failed with a problem of this status and code.
func (in *installation) problem(err error, status int, code string) {
	in.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Code != code {
		in.Fatalf("the request should fail with %d %s, and gives: %v", status, code, err)
	}
	if p.Detail == "" {
		in.Fatalf("%s says nothing to people", p.Code)
	}
}

// noRoom requires that a request failed because nothing can be stored: the store knows that nothing was, or says
// that it is not known, when the disk failed in the very commit.
func (in *installation) noRoom(err error) {
	in.Helper()
	var p *client.Problem
	if errors.As(err, &p) && p.Code == "uncertain" {
		in.problem(err, http.StatusServiceUnavailable, "uncertain")
		return
	}
	in.problem(err, http.StatusServiceUnavailable, "full")
}

func TestBrokerGoneBeforeTheScan(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	in.street.broker.Kill()
	in.must(in.server.await("/readyz", http.StatusServiceUnavailable))
	code, err := v.ask("scan", v.scanned)
	in.must(err)
	if code != event.DeviceOffline {
		t.Fatalf("without a broker the scan is answered: %q", code)
	}
	in.nothingOpened()
	in.street.broker.Restart()
	in.must(in.server.await("/readyz", http.StatusOK))
	in.poll("the lock is reachable again", func() error {
		code, err := v.tap("front-door")
		if err == nil && code != "" {
			err = errors.New(string(code))
		}
		return err
	})
	v.finish()
}

func TestBrokerGoneWithTheOrder(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	trap := in.wire.set(true, packet.order)
	go func() {
		select {
		case <-trap.sprung:
			in.street.broker.Kill()
			in.wire.cut()
			in.street.broker.Restart()
		case <-v.ctx.Done():
		}
	}()
	a := v.finish()
	if len(a.intents) != 2 || a.outcome[a.intents[0].Permit.ID] != event.NotDone {
		t.Fatalf("an order that was lost must be proven to have come to nothing before the next: %v", a.outcome)
	}
}

func TestBrokerGoneWhileTheDoorIsOpen(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	in.must(v.through())
	v.shownOpen()
	in.street.broker.Kill()
	in.must(in.server.await("/readyz", http.StatusServiceUnavailable))
	if code, err := v.ask("leave", nil); err != nil || code != event.NotSecured {
		t.Fatalf("with an open door and no broker leaving is answered: %q %v", code, err)
	}
	in.street.broker.Restart()
	in.must(in.server.await("/readyz", http.StatusOK))
	a := v.finish()
	if len(a.intents) != 1 {
		t.Fatalf("there are %d intents", len(a.intents))
	}
}

// TestBrokerGoneWhileTheDoorIsShut: what the door's contact said while nobody could hear it may be proven later,
// or not; in that case somebody is alarmed. Until then the courier is not released.
func TestBrokerGoneWhileTheDoorIsShut(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	in.alarmAfter(15 * time.Second)
	v := in.newVisit()
	in.must(v.through())
	v.shownOpen()
	in.street.broker.Kill()
	in.must(in.server.await("/readyz", http.StatusServiceUnavailable))
	in.must(in.front().PullShut())
	if code, err := v.ask("leave", nil); err != nil || code != event.NotSecured {
		t.Fatalf("without a broker nobody knows that the door is shut, and leaving is answered: %q %v", code, err)
	}
	in.street.broker.Restart()
	v.endSafely()
}

// endSafely walks on until the visit has ended secured, or somebody is alarmed for it.
func (v *visit) endSafely() {
	v.in.Helper()
	walked := make(chan error, 1)
	go func() { walked <- v.walk() }()
	v.in.settled(v)
	v.over()
	<-walked
	switch how := v.in.judge(false).end(v); {
	case how == endSecured && (v.in.front().Bolt() != event.BoltLocked || v.in.front().Contact() != event.ContactClosed):
		v.in.Fatalf("the visit ended as secured, and the door is not\n%s", v.story())
	case how != endSecured && !strings.HasPrefix(string(how), string(endAlarmed)):
		v.in.Fatalf("the visit ended as: %s\n%s", how, v.story())
	}
}

// TestEndInTheMiddle ends the server while an order is under way: what becomes of it is still recorded.
func TestEndInTheMiddle(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	in.front().Faults(virtual.Faults{MotorDelay: 2 * time.Second})
	_, err := v.ask("scan", v.scanned)
	in.must(err)
	in.must(in.street.witness.Wait(v.ctx, 1, func(m mosquitto.Message) bool { return m.Permit != "" }))
	code, err := in.server.stop()
	in.must(err)
	if code != 0 {
		t.Fatalf("the server ended with %d:\n%s", code, in.server.tail())
	}
	a := read(in.events(in.home.site, 0))
	if len(a.intents) != 1 || a.outcome[a.intents[0].Permit.ID] != event.Done {
		t.Fatalf("the outcome was not recorded: %v", a.outcome)
	}
	in.must(in.server.start())
	v.finish()
}

// TestEndWithTheDoorOpen ends the server in the middle of a visit; the next one goes on with it.
func TestEndWithTheDoorOpen(t *testing.T) {
	t.Parallel()
	in := newStreet(t, flat).settle(t, 0)
	v := in.newVisit()
	in.must(v.through())
	code, err := in.server.stop()
	in.must(err)
	if code != 0 {
		t.Fatalf("the server ended with %d:\n%s", code, in.server.tail())
	}
	in.must(in.server.start())
	if a := v.finish(); len(a.intents) != 2 {
		t.Fatalf("there are %d intents", len(a.intents))
	}
}

// signedAt signs with a phone whose clock is off.
func (c *courier) signedAt(off time.Duration) *courier {
	return &courier{id: c.id, key: c.key, Caller: &client.Caller{URL: c.URL, Authorize: func(r *http.Request, body []byte) error {
		id, err := auth.NewProofID(rand.Reader)
		if err != nil {
			return err
		}
		proof, err := auth.Prove(c.key, r.Method, r.URL.String(), body, time.Now().Add(off), id)
		r.Header.Set("Loquet-Proof", proof)
		return err
	}}}
}

func TestPhoneWithAWrongClock(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		_, err := in.courier.signedAt(off).ask(in.ctx, v.id, "scan", v.scanned())
		in.problem(err, http.StatusUnauthorized, "proof-clock")
	}
	in.nothingOpened()
	v.finish()
}

// TestOtherPhone: a phone that was not bound to the courier, or no longer is, opens nothing.
func TestOtherPhone(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	stranger := in.newCourier("ben")
	a, err := stranger.ask(in.ctx, v.id, "scan", v.scanned())
	in.must(err)
	if a.code() != event.WrongCourier {
		t.Fatalf("another courier's scan is answered: %q", a.code())
	}
	unbound := newPhone(t, in.server.url)
	_, err = unbound.ask(in.ctx, v.id, "scan", v.scanned())
	in.problem(err, http.StatusUnauthorized, "device-not-bound")

	old := in.courier
	in.courier = in.newCourier("anna") // a new phone for the same courier
	_, err = old.ask(in.ctx, v.id, "scan", v.scanned())
	in.problem(err, http.StatusUnauthorized, "device-not-bound")
	a, err = in.courier.ask(in.ctx, v.id, "scan", v.scanned())
	in.must(err)
	if a.code() != event.WrongDevice {
		t.Fatalf("a phone that the site was not told of is answered: %q", a.code())
	}
	in.nothingOpened()
}

// TestStolenSession: a member's session reaches that member's own site, and is neither a courier's phone nor an
// API key.
func TestStolenSession(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	neighbour := in.household()
	err := neighbour.Call(in.ctx, "POST", "/v1/home/deliveries/"+string(v.delivery.id)+"/block", map[string]any{}, nil)
	in.problem(err, http.StatusNotFound, "not-found")
	err = neighbour.Call(in.ctx, "POST", "/v1/home/visits/"+string(v.id)+"/take-over", map[string]any{}, nil)
	in.problem(err, http.StatusNotFound, "not-found")
	for _, who := range []*client.Caller{in.home.Caller, in.operator} {
		err = who.Call(in.ctx, "POST", "/v1/courier/visits/"+string(v.id)+"/scan", v.scanned(), nil)
		in.problem(err, http.StatusUnauthorized, "proof")
	}
	err = in.home.Call(in.ctx, "GET", "/v1/sites/"+string(in.home.site)+"/journal", nil, nil)
	in.problem(err, http.StatusUnauthorized, "unknown-key")
	in.nothingOpened()
	v.finish()
}

// TestRequestsPlayedAgain sends the courier's requests again, byte for byte, before and after a crash.
func TestRequestsPlayedAgain(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	eavesdropper := in.courier.phone()
	in.must(eavesdropper.Call(in.ctx, "POST", "/v1/courier/visits/"+string(v.id)+"/scan", v.scanned(), nil))
	in.problem(eavesdropper.Again(nil), http.StatusUnauthorized, "proof-replayed")
	in.must(in.crash())
	var a answer
	if err := eavesdropper.Again(&a); err == nil && a.Refused == nil {
		t.Fatal("a request from before the crash was granted once more")
	}
	if a := v.finish(); len(a.intents) != 1 {
		t.Fatalf("there are %d intents", len(a.intents))
	}
	_ = eavesdropper.Again(nil) // the visit is over: whatever it says
	if n := len(in.orders()); n != 1 {
		t.Fatalf("the witness saw %d orders", n)
	}
}

// TestReportsPlayedAgain: old reports, doubled and late ones prove nothing that is not so.
func TestReportsPlayedAgain(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]virtual.Faults{
		"a right clock": {},
		"doubled":       {Duplicate: true},
		"late":          {ReportDelay: 300 * time.Millisecond},
		"a slow clock":  {ClockOffset: -5 * time.Hour},
		"a fast clock":  {ClockOffset: 7 * time.Hour, Duplicate: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newStreet(t, frontDoor).build(t, 0, loquet)
			in.front().Faults(faults)
			in.must(in.server.start())
			in.moveIn()
			v := in.newVisit()
			in.must(v.through())
			v.shownOpen()
			if !in.front().Replay("LOCKED") {
				t.Fatal("there is no old report to play again")
			}
			if code, err := v.ask("leave", nil); err != nil || code != event.NotSecured {
				t.Fatalf("with an open door and an old report leaving is answered: %q %v", code, err)
			}
			v.finish()
		})
	}
}

// TestClockThatJumpsBack: reports of a device whose clock is suddenly hours behind can't be told from old ones.
func TestClockThatJumpsBack(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	in.alarmAfter(15 * time.Second)
	in.front().Faults(virtual.Faults{ClockOffset: -5 * time.Hour})
	in.newVisit().endSafely()
}

// TestNonsense: requests that can't be are answered clearly, and change nothing.
func TestNonsense(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	before := len(in.events(in.home.site, 0))
	scan := "/v1/courier/visits/" + string(v.id) + "/scan"
	with := func(field string, value any) map[string]any {
		body := v.scanned()
		body[field] = value
		return body
	}
	place := func(field string, value any) map[string]any {
		body, p := v.scanned(), position()
		p[field] = value
		body["position"] = p
		return body
	}
	for name, c := range map[string]struct {
		body any
		ok   []int
	}{
		"too large":             {with("text", strings.Repeat("x", 300<<10)), []int{413}},
		"unknown field":         {with("force", true), []int{422, 400}},
		"wrong type":            {with("text", 17), []int{422, 400}},
		"no parcel's code":      {with("text", "\x00\x01"), []int{422}},
		"a position off":        {place("latitude", 91), []int{422}},
		"a time without a zone": {place("at", "2027-03-01T09:00:00"), []int{422, 400}},
		"a list":                {[]int{1, 2, 3}, []int{422, 400}},
		"nothing":               {nil, []int{422, 400}},
	} {
		err := in.courier.phone().Call(in.ctx, "POST", scan, c.body, nil)
		var p *client.Problem
		if !errors.As(err, &p) || !slices.Contains(c.ok, p.Status) || p.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := len(in.events(in.home.site, 0)); after != before {
		t.Errorf("nonsense has written %d events", after-before)
	}
	in.nothingOpened()
	v.finish()
}

// TestFullDisk fills the disk before the scan and again while the door is open: each time the courier is told,
// nothing opens, and once there is room everything goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, small := range smallDisks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newStreet(t, frontDoor).build(t, 0, loquet)
			d, possible := small(in)
			if !possible {
				t.Log("no file system can be mounted here: the limit on a file's size stands in for it")
				return
			}
			in.must(in.server.start())
			in.moveIn()
			v := in.newVisit()
			in.must(d.fill())
			_, err := in.courier.ask(in.ctx, v.id, "scan", v.scanned())
			in.noRoom(err)
			in.must(in.server.await("/readyz", http.StatusServiceUnavailable))
			in.nothingOpened()
			in.must(d.free())
			in.must(in.server.await("/readyz", http.StatusOK))

			in.must(v.through())
			v.shownOpen()
			in.must(d.fill())
			_, err = in.courier.ask(in.ctx, v.id, "leave", nil)
			in.noRoom(err)
			in.must(in.front().PullShut())
			in.must(d.free())
			v.finish()
		})
	}
}

// TestReadOnlyDisk: a server that can't write says so and does not start; the audit reads all the same.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	v.finish()
	if code, err := in.server.stop(); err != nil || code != 0 {
		t.Fatalf("the server ended with %d, %v", code, err)
	}
	in.file.close()
	before, err := os.ReadFile(filepath.Join(in.data, record.StoreName))
	in.must(err)
	readOnly(t, in.data)
	in.must(in.server.launch())
	code, err := in.server.exit()
	in.must(err)
	if code != 1 || !strings.Contains(in.server.tail(), "can't be written") {
		t.Fatalf("on a read-only disk the server ends with %d:\n%s", code, in.server.tail())
	}
	after, err := os.ReadFile(filepath.Join(in.data, record.StoreName))
	in.must(err)
	if !slices.Equal(before, after) {
		t.Fatal("the file was changed")
	}
	if out := in.atMachine("audit"); !strings.Contains(out, "No violation") {
		t.Fatalf("the audit says:\n%s", out)
	}
}
