package virtual_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
	"go.uber.org/goleak"

	"net/url"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a home at a real broker, with a witness of all that it says and a hand on the command topics.
type scene struct {
	t       *testing.T
	broker  *mosquitto.Broker
	witness *mosquitto.Witness
	home    *virtual.Home
	config  virtual.Config
	remote  *autopaho.ConnectionManager
}

func play(t *testing.T, devices ...virtual.Device) *scene {
	t.Helper()
	s := &scene{t: t, config: virtual.Config{Prefix: "h", Devices: devices}}
	users := []mosquitto.User{{Name: "remote", Password: "r"}}
	for i := range devices {
		d := &s.config.Devices[i]
		d.Username, d.Password = d.Name, "secret of "+d.Name
		reports, commands, err := s.config.Topics(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, mosquitto.User{Name: d.Username, Password: d.Password, Reads: commands, Writes: reports})
	}
	s.broker = mosquitto.Start(t, users...)
	s.config.URL = s.broker.URL()
	s.witness = mosquitto.Watch(t, s.broker.URL(), "remote", "r", "h/#", "homeassistant/#")
	s.remote = s.dial()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	if s.home, err = virtual.Start(ctx, s.config); err != nil {
		t.Fatalf("%v\n%s", err, s.broker.Output())
	}
	t.Cleanup(s.home.Close)
	return s
}

func (s *scene) dial() *autopaho.ConnectionManager {
	s.t.Helper()
	target, err := url.Parse(s.broker.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := autopaho.NewConnection(context.Background(), autopaho.ClientConfig{
		ServerUrls: []*url.URL{target}, KeepAlive: 10, ConnectUsername: "remote", ConnectPassword: []byte("r"),
		ReconnectBackoff: func(int) time.Duration { return 10 * time.Millisecond },
		ClientConfig:     paho.ClientConfig{ClientID: "remote"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = m.Disconnect(context.Background()) })
	if err := m.AwaitConnection(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *scene) command(topic, payload string, retain bool, expiry uint32) {
	s.t.Helper()
	p := &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain, Properties: &paho.PublishProperties{}}
	if expiry > 0 {
		p.Properties.MessageExpiry = &expiry
	}
	p.Properties.User.Add("loquet-permit", "home1-p9")
	p.Properties.CorrelationData = []byte("home1-p9")
	if _, err := s.remote.Publish(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

// hears waits for the n-th message on a topic that contains the text.
func (s *scene) hears(n int, topic, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	fits := func(m mosquitto.Message) bool { return m.Topic == topic && strings.Contains(m.Payload, text) }
	if s.witness.Wait(ctx, n, fits) != nil {
		s.t.Fatalf("%s never said %q for the %d. time: %+v", topic, text, n, s.witness.Messages())
	}
}

func (s *scene) said(topic, text string) int {
	return s.witness.Count(func(m mosquitto.Message) bool { return m.Topic == topic && strings.Contains(m.Payload, text) })
}

// until waits for the physical world to be so.
func until(t *testing.T, thing *virtual.Thing, what string, so func() bool) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for {
		changed := thing.Changed()
		if so() {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatalf("it never happened: %s", what)
		}
	}
}

func locked(thing *virtual.Thing) func() bool {
	return func() bool { return thing.Bolt() == event.BoltLocked }
}

func unlocked(thing *virtual.Thing) func() bool {
	return func() bool { return thing.Bolt() == event.BoltUnlocked }
}

func TestADoorObeysPhysics(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	if err := door.Push(); !errors.Is(err, virtual.ErrBolted) || door.Contact() != event.ContactClosed {
		t.Fatalf("a locked door moves: %v", err)
	}
	s.command("h/front/set", "UNLOCK", false, 0)
	until(t, door, "the unlocking", unlocked(door))
	if err := door.Push(); err != nil || door.Contact() != event.ContactOpen {
		t.Fatalf("an unlocked door does not move: %v", err)
	}
	s.hears(1, "h/front/contact", "ON")
	door.HandLock()
	if err := door.PullShut(); !errors.Is(err, virtual.ErrBolted) {
		t.Fatalf("a door falls shut over its bolt: %v", err)
	}
	door.Hand()
	if err := door.PullShut(); err != nil || door.Contact() != event.ContactClosed {
		t.Fatalf("it does not shut: %v", err)
	}
	s.command("h/front/set", "LOCK", false, 0)
	until(t, door, "the locking", locked(door))
	if n := door.Openings(); n != 1 {
		t.Fatalf("%d openings by order; the hand doesn't count", n)
	}
}

func TestAPulledDoorMayStayAjar(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	door.Hand()
	if err := door.Push(); err != nil {
		t.Fatal(err)
	}
	door.Faults(virtual.Faults{Ajar: true})
	if err := door.PullShut(); err != nil || door.Contact() != event.ContactOpen {
		t.Fatalf("it shut: %v", err)
	}
	s.command("h/front/set", "LOCK", false, 0)
	until(t, door, "the bolt", locked(door))
	if door.Bolt() != event.BoltLocked || door.Contact() != event.ContactOpen {
		t.Fatal("the bolt is not out in the open door")
	}
}

func TestAutoLockAfterFallingShut(t *testing.T) {
	s := play(t,
		virtual.Device{Name: "front", Kind: virtual.Lock, AutoLock: 20 * time.Millisecond},
		virtual.Device{Name: "lobby", Kind: virtual.LobbyDoor, AutoLock: 20 * time.Millisecond})
	door, lobby := s.home.Thing("front"), s.home.Thing("lobby")
	door.Hand()
	if err := errors.Join(door.Push(), door.PullShut()); err != nil {
		t.Fatal(err)
	}
	until(t, door, "the auto-lock", locked(door))
	lobby.Foreign("key")
	until(t, lobby, "the strike to fall", locked(lobby))
}

func TestABoxFallsShutAndTakesNoOrderToLock(t *testing.T) {
	s := play(t, virtual.Device{Name: "fridge", Kind: virtual.Box})
	box := s.home.Thing("fridge")
	s.command("h/fridge/set", "OPEN", false, 0)
	until(t, box, "the opening", unlocked(box))
	if err := box.Push(); err != nil {
		t.Fatal(err)
	}
	s.command("h/fridge/set", "LOCK", false, 0)
	until(t, box, "the order", func() bool { return len(box.Commands()) == 2 })
	if box.Bolt() != event.BoltUnlocked {
		t.Fatal("it locked by order")
	}
	if err := box.PullShut(); err != nil || box.Bolt() != event.BoltLocked {
		t.Fatalf("it did not fall shut: %v", err)
	}
}

func TestAGarageDoorTravels(t *testing.T) {
	for _, kind := range []virtual.Kind{virtual.Garage, virtual.RatgdoGarage} {
		s := play(t, virtual.Device{Name: "g", Kind: kind, Travel: 20 * time.Millisecond})
		set, state, up, down := "h/g/set", "h/g/state", "OPEN", "CLOSE"
		if kind == virtual.RatgdoGarage {
			set, state, up, down = "h/g/command/door", "h/g/status/door", "open", "close"
		}
		door := s.home.Thing("g")
		if door.Push() == nil {
			t.Fatal("it moves by hand")
		}
		s.command(set, up, false, 0)
		s.hears(1, state, "opening")
		s.hears(1, state, "open")
		s.command(set, down, false, 0)
		s.hears(1, state, "closing")
		s.hears(2, state, "closed")
		door.Faults(virtual.Faults{Jam: true})
		s.command(set, up, false, 0)
		s.hears(2, state, "opening")
		s.command(set, down, false, 0)
		s.hears(2, state, "closing")
		ends := len(s.witness.Messages())
		for s.witness.Messages()[ends-1].Payload != "open" {
			ends++
			if err := s.witness.Wait(t.Context(), ends, func(mosquitto.Message) bool { return true }); err != nil {
				t.Fatal(err)
			}
		}
		if door.PullShut() == nil || door.Contact() != event.ContactOpen || door.Openings() != 2 {
			t.Fatalf("it is %s, and opened %d times", door.Contact(), door.Openings())
		}
	}
}

func TestAHurriedMotorMovesAtOnceAndOnce(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	door.Faults(virtual.Faults{MotorDelay: time.Hour})
	s.command("h/front/set", "UNLOCK", false, 0)
	until(t, door, "the order", func() bool { return len(door.Commands()) == 1 })
	if door.Bolt() != event.BoltLocked {
		t.Fatal("it did not wait")
	}
	door.Faults(virtual.Faults{})
	if door.Bolt() != event.BoltLocked {
		t.Fatal("what it was told before is not hurried by that")
	}
	door.Hurry()
	if door.Bolt() != event.BoltUnlocked {
		t.Fatal("it still waits")
	}
	door.HandLock()
	door.Hurry()
	if door.Bolt() != event.BoltLocked || door.Openings() != 1 {
		t.Fatalf("it is %s, and opened %d times for one order", door.Bolt(), door.Openings())
	}
}

func TestAKeptCommandIsIgnored(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	door.Offline()
	s.command("h/front/set", "UNLOCK", true, 0)
	if err := door.Online(); err != nil {
		t.Fatal(err)
	}
	until(t, door, "the kept command", func() bool { return len(door.Commands()) > 0 })
	if c := door.Commands()[0]; !c.Retained || !c.Opens || c.Permit != "home1-p9" {
		t.Fatalf("it received %+v", c)
	}
	if door.Bolt() != event.BoltLocked || door.Openings() != 0 {
		t.Fatal("it obeyed a kept command")
	}
}

func TestAnExpiredCommandIsForgottenUnlessItActsLate(t *testing.T) {
	s := play(t, virtual.Device{Name: "slow", Kind: virtual.Lock}, virtual.Device{Name: "late", Kind: virtual.Lock})
	slow, late := s.home.Thing("slow"), s.home.Thing("late")
	slow.Faults(virtual.Faults{MotorDelay: 1100 * time.Millisecond})
	late.Faults(virtual.Faults{MotorDelay: 1150 * time.Millisecond, ActLate: true})
	s.command("h/slow/set", "UNLOCK", false, 1)
	s.command("h/late/set", "UNLOCK", false, 1)
	until(t, late, "the late opening", unlocked(late)) // by then the other would have, too
	if slow.Bolt() != event.BoltLocked || slow.Openings() != 0 || late.Openings() != 1 {
		t.Fatal("the slow one obeyed an expired command")
	}
}

func TestPowerLossIsToldByTheLastWill(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock}, virtual.Device{Name: "z", Kind: virtual.ZigbeeLock})
	door := s.home.Thing("front")
	s.hears(1, "h/front/availability", "online")
	door.Offline()
	s.hears(1, "h/front/availability", "offline")
	door.Hand() // nobody hears of it
	before := s.said("h/front/state", "UNLOCKED")
	if err := door.Online(); err != nil {
		t.Fatal(err)
	}
	s.hears(before+1, "h/front/state", "UNLOCKED") // its present state
	s.home.Thing("z").Offline()
	s.hears(1, "h/zigbee2mqtt/z/availability", "offline")
	door.Offline()
	door.Offline() // again is nothing
}

func TestFaultsOfReports(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock, Timestamps: true})
	door, state := s.home.Thing("front"), "h/front/state"
	door.Faults(virtual.Faults{Lose: 1})
	door.Hand() // lost
	door.HandLock()
	s.hears(2, state, `"LOCKED"`)
	if n := s.said(state, "UNLOCKED"); n != 0 {
		t.Fatalf("a lost report was heard %d times", n)
	}
	door.Faults(virtual.Faults{Mute: true})
	door.Hand()
	door.Faults(virtual.Faults{Duplicate: true})
	door.HandLock()
	s.hears(4, state, `"LOCKED"`)
	door.Faults(virtual.Faults{ClockOffset: -48 * time.Hour, ReportDelay: 50 * time.Millisecond})
	start := time.Now()
	door.Foreign("key")
	s.hears(1, state, "UNLOCKED")
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Fatalf("a late report came after %v", took)
	}
	var report struct {
		TS int64  `json:"ts"`
		By string `json:"changed_by"`
	}
	all := s.witness.Messages()
	i := slices.IndexFunc(all, func(m mosquitto.Message) bool { return strings.Contains(m.Payload, "UNLOCKED") })
	if err := json.Unmarshal([]byte(all[i].Payload), &report); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.UnixMilli(report.TS)); age < 47*time.Hour || report.By != "key" {
		t.Fatalf("a wrong clock says %+v", report)
	}
	door.Faults(virtual.Faults{})
	if !door.Replay(`"LOCKED"`) || door.Replay("JAMMED") {
		t.Fatal("what was said can't be replayed, or what was never said can")
	}
	s.hears(5, state, `"LOCKED"`)
	if door.Bolt() != event.BoltUnlocked {
		t.Fatal("a replay moved the bolt")
	}
}

func TestARefusalAnswersItsCommand(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	door.Faults(virtual.Faults{Refuse: true})
	s.command("h/front/set", "UNLOCK", false, 0)
	s.hears(1, "h/front/answers", "refused")
	if door.Openings() != 0 {
		t.Fatal("it opened")
	}
}

func TestAKeypadHoldsCodesUntilTheyAreRemoved(t *testing.T) {
	s := play(t, virtual.Device{Name: "z", Kind: virtual.ZigbeeLock, CodeSlots: 4})
	lock, topic := s.home.Thing("z"), "h/zigbee2mqtt/z"
	if !errors.Is(lock.TypeCode("0042"), virtual.ErrWrongCode) {
		t.Fatal("an unknown code opens")
	}
	s.command(topic+"/set", `{"pin_code":{"user":3,"pin_code":"0042"}}`, false, 0)
	s.command(topic+"/set", `{"pin_code":{"user":9,"pin_code":"9999"}}`, false, 0) // no such slot
	s.command(topic+"/get", `{"pin_code":{"user":3}}`, false, 0)
	s.hears(1, topic, `"users":{"3":{"status":"enabled"}}`)
	if err := lock.TypeCode("0042"); err != nil || lock.Openings() != 1 {
		t.Fatalf("the code: %v, %d openings", err, lock.Openings())
	}
	s.hears(1, topic, `"action_source_name":"keypad"`)
	if lock.TypeCode("9999") == nil {
		t.Fatal("a slot that is not there holds a code")
	}
	lock.Faults(virtual.Faults{KeepCodes: true})
	s.command(topic+"/set", `{"pin_code":{"user":3,"pin_code":null}}`, false, 0)
	until(t, lock, "the removal", func() bool { return len(lock.Commands()) == 4 })
	if err := lock.TypeCode("0042"); err != nil {
		t.Fatal("the lock that keeps codes lost one")
	}
	lock.Faults(virtual.Faults{})
	s.command(topic+"/set", `{"pin_code":{"user":3,"pin_code":null}}`, false, 0)
	s.command(topic+"/get", `{"pin_code":{"user":3}}`, false, 0)
	s.hears(1, topic, `"users":{"3":{"status":"available"}}`)
	if lock.TypeCode("0042") == nil {
		t.Fatal("a removed code opens")
	}
}

// TestTheBridgeClaimsTooEarly, as the real one does: its "state" is what was ordered, not what is.
func TestTheBridgeClaimsTooEarly(t *testing.T) {
	s := play(t, virtual.Device{Name: "z", Kind: virtual.ZigbeeLock})
	s.home.Thing("z").Faults(virtual.Faults{Deaf: true})
	s.command("h/zigbee2mqtt/z/set", `{"state":"UNLOCK"}`, false, 0)
	s.hears(1, "h/zigbee2mqtt/z", `"state":"UNLOCK"`)
	if s.said("h/zigbee2mqtt/z", `"lock_state":"unlocked"`) != 0 {
		t.Fatal("the lock claims to be open")
	}
}

func TestRubbishIsNoOrder(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock}, virtual.Device{Name: "z", Kind: virtual.ZigbeeLock})
	front, z := s.home.Thing("front"), s.home.Thing("z")
	for _, payload := range []string{"unlock", "", "TOGGLE", "\x00", "{}"} {
		s.command("h/front/set", payload, false, 0)
	}
	for _, payload := range []string{`{"state":"TOGGLE"}`, `[]`, `{"state":7}`, `{`, `{"pin_code":"1234"}`} {
		s.command("h/zigbee2mqtt/z/set", payload, false, 0)
	}
	until(t, front, "all of it", func() bool { return len(front.Commands()) == 5 })
	until(t, z, "all of it", func() bool { return len(z.Commands()) == 5 })
	if front.OpenCommands()+z.OpenCommands() != 0 || front.Bolt() != event.BoltLocked || z.Bolt() != event.BoltLocked {
		t.Fatal("rubbish was obeyed")
	}
}

func TestTheHomeComesBackWithTheBroker(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.Lock})
	door := s.home.Thing("front")
	s.broker.Restart()
	again := mosquitto.Watch(t, s.broker.URL(), "remote", "r", "h/#")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := again.Wait(ctx, 1, func(m mosquitto.Message) bool { return m.Payload == "LOCKED" }); err != nil {
		t.Fatal(err)
	}
	door.Drain(12)
	if err := again.Wait(ctx, 1, func(m mosquitto.Message) bool { return m.Topic == "h/front/battery" && m.Payload == "12" }); err != nil {
		t.Fatal(err)
	}
}

func TestBadHomesAreRefused(t *testing.T) {
	good := virtual.Device{Name: "a", Kind: virtual.Lock}
	for name, cfg := range map[string]virtual.Config{
		"no address":     {Devices: []virtual.Device{good}},
		"no kind":        {URL: "mqtt://127.0.0.1:1", Devices: []virtual.Device{{Name: "a"}}},
		"no name":        {URL: "mqtt://127.0.0.1:1", Devices: []virtual.Device{{Kind: virtual.Lock}}},
		"a name of two":  {URL: "mqtt://127.0.0.1:1", Devices: []virtual.Device{{Name: "a/b", Kind: virtual.Lock}}},
		"the same twice": {URL: "mqtt://127.0.0.1:1", Devices: []virtual.Device{good, good}},
	} {
		if _, err := virtual.Start(t.Context(), cfg); err == nil {
			t.Errorf("%s: the home started", name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := virtual.Start(ctx, virtual.Config{URL: "mqtt://127.0.0.1:1", Prefix: "h", Devices: []virtual.Device{good}}); err == nil {
		t.Error("a home without a broker started")
	}
	if _, err := (virtual.Config{}).Register("none", "d"); err == nil {
		t.Error("a device that is not there has an entry")
	}
	if _, _, err := (virtual.Config{}).Topics("none"); err == nil {
		t.Error("a device that is not there has topics")
	}
}

func TestAHeartbeatSaysThatNothingHappened(t *testing.T) {
	s := play(t, virtual.Device{Name: "front", Kind: virtual.ZigbeeLock, Heartbeat: 20 * time.Millisecond})
	s.hears(4, "h/zigbee2mqtt/front", `"lock_state":"locked"`)
	if n := s.home.Thing("front").Openings(); n != 0 {
		t.Errorf("it opened %d times", n)
	}
}
