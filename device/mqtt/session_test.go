package mqtt_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/mosquitto"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/event"
)

// farm is a garage door of which the tests speak themselves, and servers that come and go.
type farm struct {
	*testing.T
	broker *mosquitto.Broker // nil for the embedded one
	url    string
	say    func(topic, payload string)
	log    *devicetest.Log
	// changed by tests before a server starts
	name   string
	device string
	logger *slog.Logger
}

const plainDoor = `{"device":"left","ratgdo":{"prefix":"farm/left"}}`

func atMosquitto(t *testing.T, server mosquitto.User) *farm {
	b := mosquitto.Start(t, server, mosquitto.User{Name: "farm", Password: "f", Writes: []string{"farm/#"}})
	f := newFarm(t, b.URL(), "f")
	f.broker = b
	return f
}

func newFarm(t *testing.T, url, password string) *farm {
	return &farm{T: t, url: url, say: speaker(t, url, "farm", password), log: &devicetest.Log{}, name: "loquet-test", device: plainDoor}
}

func everything() mosquitto.User { return mosquitto.User{Name: serverName, Password: serverPassword} }

func (f *farm) door(word string) { f.say("farm/left/status/door", word) }

// server is one life of a process that listens.
type server struct {
	f      *farm
	client *mqtt.Client
	dev    device.Device
	stop   context.CancelFunc
	done   chan struct{}
	left   sync.Once
	line   *devicetest.Proxy

	mu   sync.Mutex
	told []event.Observation
}

// start runs a server until kill, or leave. Its watcher comes late, as in a process that has other things to do.
func (f *farm) start(sink func(event.Observation)) *server {
	f.Helper()
	s := &server{f: f, done: make(chan struct{}), line: devicetest.NewProxy(f.T, strings.TrimPrefix(f.url, "mqtt://"))}
	var err error
	if s.client, err = mqtt.New(mqtt.ClientConfig{
		URL: "mqtt://" + s.line.Address(), Username: serverName, Password: serverPassword, ClientID: f.name, Log: f.log, Logger: f.logger,
	}); err != nil {
		f.Fatal(err)
	}
	cfg, err := mqtt.ParseConfig([]byte(f.device))
	if err != nil {
		f.Fatal(err)
	}
	if s.dev, err = s.client.Device(cfg); err != nil {
		f.Fatal(err)
	}
	if err := s.client.Connect(context.Background()); err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	f.Cleanup(s.leave)
	s.ready()
	go func() {
		defer close(s.done)
		_ = s.dev.(device.Watcher).Watch(ctx, func(o event.Observation) {
			if sink != nil {
				sink(o)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, o)
		})
	}()
	return s
}

// ready waits until the server listens to the door: whatever had waited has been handed on by then.
func (s *server) ready() {
	s.f.Helper()
	waitFor(s.f.T, "the server to listen", func() bool {
		s.f.say("farm/left/status/availability", "online")
		return s.dev.Reach() == event.ReachOnline
	})
	ctx, cancel := context.WithTimeout(s.f.Context(), 10*time.Second)
	defer cancel()
	if err := s.client.Await(ctx); err != nil {
		s.f.Fatal(err)
	}
}

// contacts are what the watcher was told of the door, in short: "closed live".
func (s *server) contacts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, o := range s.told {
		if o.Contact != "" {
			all = append(all, string(o.Contact)+" "+string(o.Origin))
		}
	}
	return all
}

// hears waits until the watcher has been told exactly that of the door.
func (s *server) hears(want ...string) {
	s.f.Helper()
	s.fence()
	if got := s.contacts(); !slices.Equal(got, want) {
		s.f.Fatalf("told %q; want %q", got, want)
	}
}

// fence waits until everything that was said so far was told, by something that is said after it.
func (s *server) fence() {
	s.f.Helper()
	for _, word := range []event.Reach{event.ReachOffline, event.ReachOnline} {
		waitFor(s.f.T, "a fence", func() bool {
			s.f.say("farm/left/status/availability", string(word))
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.told) > 0 && s.told[len(s.told)-1].Reach == word
		})
	}
}

// kill ends it like SIGKILL: its connections break, and nobody says goodbye.
func (s *server) kill() {
	s.line.Cut()
	waitFor(s.f.T, "the line to be dead", func() bool { return !s.client.Connected() })
	s.leave()
}

// leave ends it like SIGTERM, unless it has ended.
func (s *server) leave() { s.left.Do(s.end) }

func (s *server) end() {
	s.client.Leave()
	s.stop()
	<-s.done
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.client.Close(ctx); err != nil {
		s.f.Errorf("closing the client: %v", err)
	}
}

// aBeginning is a server that has seen the door shut, and is gone again.
func (f *farm) aBeginning(end func(*server)) {
	f.Helper()
	s := f.start(nil)
	f.door("closed")
	s.hears("closed live")
	waitFor(f.T, "the broker to know that it was heard", acknowledged())
	end(s)
}

// acknowledged gives what was recorded the time to be acknowledged.
func acknowledged() func() bool {
	due := time.Now().Add(100 * time.Millisecond)
	return func() bool { return time.Now().After(due) }
}

var ends = map[string]func(*server){"killed": (*server).kill, "told to end": (*server).leave}

func TestWhatMovedWhileAwayIsLiveOnce(t *testing.T) {
	t.Parallel()
	for how, end := range ends {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := atMosquitto(t, everything())
			f.aBeginning(end)
			f.door("open")
			s := f.start(nil)
			s.hears("open live")
			waitFor(t, "the broker to know that it was heard", acknowledged())
			end(s)
			f.door("closed")
			s = f.start(nil)
			s.hears("closed live")
			waitFor(t, "the broker to know that it was heard", acknowledged())
			end(s)
			f.start(nil).hears() // it was acknowledged, and nothing happened since
		})
	}
}

func TestOnlyTheLastThatMovedWhileAwayIsLive(t *testing.T) {
	t.Parallel()
	for how, end := range ends {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := atMosquitto(t, everything())
			f.aBeginning(end)
			for range 20 { // more than a broker has under way at one time
				f.door("open")
				f.door("closed")
			}
			want := slices.Repeat([]string{"open cached", "closed cached"}, 20)
			want[39] = "closed live"
			f.start(nil).hears(want...)
		})
	}
}

func TestABrokenLineIsLikeAnAbsence(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	s := f.start(nil)
	f.door("closed")
	s.hears("closed live")
	waitFor(t, "the broker to know that it was heard", acknowledged())
	s.line.Cut()
	waitFor(t, "the loss", func() bool { return s.dev.Reach() == event.ReachOffline })
	f.door("open")
	f.door("closed")
	s.line.Mend()
	s.ready()
	s.hears("closed live", "open cached", "closed live")
}

// TestWhatWasNotRecordedComesAgain: the process ends while it records.
func TestWhatWasNotRecordedComesAgain(t *testing.T) {
	t.Parallel()
	for how, end := range ends {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f := atMosquitto(t, everything())
			recording, hang := make(chan struct{}, 1), make(chan struct{})
			s := f.start(func(o event.Observation) {
				if o.Contact == event.ContactClosed {
					recording <- struct{}{}
					<-hang
				}
			})
			s.fence() // from now on somebody records
			f.door("closed")
			<-recording
			waitFor(t, "an acknowledgment that must not be", acknowledged())
			stop := s.stop
			s.stop = func() { stop(); close(hang) }
			end(s)
			f.start(nil).hears("closed live")
		})
	}
}

// TestWhatComesWhileLeavingIsForTheNext: the watchers have ended, and the connection has not.
func TestWhatComesWhileLeavingIsForTheNext(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	s := f.start(nil)
	s.fence()
	s.client.Leave()
	s.stop()
	<-s.done
	f.door("closed")
	waitFor(t, "an acknowledgment that must not be", acknowledged())
	s.leave()
	f.start(nil).hears("closed live")
}

// TestOneThatHangsDoesNotStopTheOthers: acknowledgments go in order, and the broker waits for them.
func TestOneThatHangsDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	hang := make(chan struct{})
	s := f.start(func(o event.Observation) {
		if o.Contact != "" {
			<-hang
		}
	})
	defer close(hang)
	s.fence() // from now on somebody records
	f.door("closed")
	var last atomic.Value
	watch(t, s.client, "right", &last)
	word := []string{"open", "closed"}
	for i := range 1200 { // more than the broker may have under way to us
		f.say("farm/right/status/door", word[i%2])
	}
	f.say("farm/right/status/door", "nonsense")
	waitFor(t, "the other door", func() bool {
		got, _ := last.Load().(event.Observation)
		return got.Contact == event.ContactUnknown
	})
}

// TestAnExpiredSessionLeavesCopies: after the broker has forgotten us, there is only what it retains.
func TestAnExpiredSessionLeavesCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a session")
	}
	t.Parallel()
	f := atMosquitto(t, everything())
	f.aBeginning((*server).kill)
	publisher(t, f.url, "farm", "f", true)("farm/left/status/door", "open")
	expired := time.Now().Add(18 * time.Second)
	limit, cancel := context.WithDeadline(t.Context(), expired)
	defer cancel()
	<-limit.Done()
	f.start(nil).hears("open retained")
}

func TestWithoutANameTheBrokerKeepsNothing(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	f.name = ""
	f.aBeginning((*server).kill)
	f.door("open")
	f.start(nil).hears()
}

// TestAShortHorizonNeverTrustsWhatWaited, because it may be older than that.
func TestAShortHorizonNeverTrustsWhatWaited(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	f.device = `{"device":"left","horizon":59000,"ratgdo":{"prefix":"farm/left"}}`
	f.aBeginning((*server).kill)
	f.door("open")
	f.start(nil).hears("open cached")
}

// TestAForbiddenMarkMakesCopies, and the operator is told what to allow.
func TestAForbiddenMarkMakesCopies(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]mosquitto.User{
		"publishing":  {Reads: []string{"farm/#", "loquet/#"}},
		"subscribing": {Reads: []string{"farm/#"}, Writes: []string{"loquet/#"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user.Name, user.Password = serverName, serverPassword
			f := atMosquitto(t, user)
			f.aBeginning((*server).kill)
			f.door("open")
			f.door("closed")
			var said logged
			f.logger = slog.New(slog.NewTextHandler(&said, nil))
			f.start(nil).hears("open cached", "closed cached")
			if !strings.Contains(said.String(), "topic=loquet/loquet-test/mark") {
				t.Errorf("the log says\n%s", said.String())
			}
		})
	}
}

// TestAFullQueueMakesCopies: the broker has dropped the newest, and the mark with them.
func TestAFullQueueMakesCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("it says much, and waits for what doesn't come")
	}
	t.Parallel()
	f := atMosquitto(t, everything())
	f.aBeginning((*server).kill)
	for range 600 {
		f.door("open")
		f.door("closed")
	}
	f.door("open")
	s := f.start(nil)
	s.fence()
	told := s.contacts()
	if len(told) < 500 || slices.ContainsFunc(told, func(s string) bool { return !strings.HasSuffix(s, "cached") }) {
		t.Fatalf("told %d, the last %q", len(told), told[max(0, len(told)-3):])
	}
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestTwoServersOfOneName throw each other out, slowly and loudly.
func TestTwoServersOfOneName(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	var said logged
	f.logger = slog.New(slog.NewTextHandler(&said, nil))
	first, second := f.start(nil), f.start(nil)
	waitFor(t, "one to say why", func() bool { return strings.Contains(said.String(), "two servers have one name") })
	waitFor(t, "the other to have its turn", func() bool { return first.client.Connected() != second.client.Connected() })
	pause, turns, has := time.Now().Add(time.Second), 0, first.client.Connected()
	waitFor(t, "a second", func() bool {
		if now := first.client.Connected(); now != has {
			turns, has = turns+1, now
		}
		return time.Now().After(pause)
	})
	if turns > 1 {
		t.Errorf("in one second they threw each other out %d times", turns)
	}
}

// TestTheEmbeddedBrokerGivesNoProof for what moved while away: it keeps no order among the messages of one second,
// and does not let its server's account publish a mark.
func TestTheEmbeddedBrokerGivesNoProof(t *testing.T) {
	t.Parallel()
	b, err := broker.Start(broker.Config{
		Server: broker.Credentials{Username: serverName, PasswordHash: broker.HashPassword(serverPassword)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if err := b.Allow(broker.Account{
		Credentials: broker.Credentials{Username: "farm", PasswordHash: broker.HashPassword("f")},
		Reports:     []string{"farm/#"}, Commands: []string{"farm/left/command/door"},
	}); err != nil {
		t.Fatal(err)
	}
	f := newFarm(t, b.URL(), "f")
	f.aBeginning((*server).kill)
	f.door("open")
	f.start(nil).hears("open cached")
}

// TestNoOpeningOutlivesItsConnection: whatever breaks, and however often it is mended, a witness sees each opening
// at most once, and none that was answered "not done".
func TestNoOpeningOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	b := mosquitto.Start(t, everything(),
		mosquitto.User{Name: "farm", Password: "f", Writes: []string{"farm/#"}},
		mosquitto.User{Name: "witness", Password: "w", Reads: []string{"#"}})
	w := mosquitto.Watch(t, b.URL(), "witness", "w", "farm/+/command/door")
	f := newFarm(t, b.URL(), "f")
	s := f.start(nil)
	sent := map[event.PermitID]event.Outcome{}
	attempt := func(permit event.PermitID) {
		sent[permit], _ = open(t, s.dev, permit, 300*time.Millisecond)
	}
	securing := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 3 {
		attempt(event.PermitID("home1-p" + string(rune('a'+i))))
		go func() {
			_, _ = s.dev.(device.Securer).Secure(ctx) // its acknowledgment may be lost with the line
			securing <- struct{}{}
		}()
		s.line.Cut()
		attempt(event.PermitID("home1-q" + string(rune('a'+i))))
		s.line.Mend()
		s.ready()
	}
	cancel()
	for range 3 {
		<-securing
	}
	s.kill()
	s = f.start(nil)
	attempt("home1-last")
	if err := w.Wait(t.Context(), 1, func(m mosquitto.Message) bool { return m.Permit == "home1-last" }); err != nil {
		t.Fatal(err)
	}
	for permit, outcome := range sent {
		n := w.Count(func(m mosquitto.Message) bool { return m.Permit == string(permit) })
		if n > 1 || n == 1 && outcome == event.NotDone {
			t.Errorf("%s: %d seen, and the outcome was %q", permit, n, outcome)
		}
	}
	if lines := f.log.Lines(event.ActOpen); len(lines) < 4 {
		t.Errorf("the log has %d openings", len(lines))
	}
}

// TestARemovedDeviceLeavesTheSession: its messages must not fill the queue that waits for the others.
func TestARemovedDeviceLeavesTheSession(t *testing.T) {
	t.Parallel()
	f := atMosquitto(t, everything())
	s := f.start(nil)
	var last atomic.Value
	watch(t, s.client, "right", &last)
	waitFor(t, "the other door", func() bool {
		f.say("farm/right/status/door", "closed")
		return last.Load() != nil
	})
	s.kill()
	f.say("farm/right/status/door", "open")
	f.door("open")
	f.start(nil).hears("open live")
	waitFor(t, "the end of its subscription", func() bool {
		_, after, _ := strings.Cut(f.broker.Output(), "Received UNSUBSCRIBE from loquet-test")
		return strings.Contains(after, "farm/right/status/door")
	})
}
