package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

func (w *world) settings(n *Notifier) Settings {
	w.t.Helper()
	s, err := n.Settings(w.t.Context(), w.paul)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func choiceOf(s Settings, t Topic) Choice {
	return s.Choices[slices.IndexFunc(s.Choices, func(c Choice) bool { return c.Topic == t })]
}

// TestSettingsOfWhoeverNeverChose are the defaults, and store nothing.
func TestSettingsOfWhoeverNeverChose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		if err := n.Unsubscribe(t.Context(), w.paul, "x"); err != nil {
			t.Error(err)
		}
		s := w.settings(n)
		if s.Email != "paul" || s.Phone != "" || s.Lang != "" || s.Quiet != (Quiet{}) || len(s.Devices) != 0 || len(s.Failures) != 0 || len(s.Tests) != 0 {
			t.Errorf("%+v", s)
		}
		if !slices.Equal(s.Available, Channels()) || len(s.Choices) != len(Topics()) {
			t.Errorf("%+v", s)
		}
		if alarm := choiceOf(s, Alarm); !alarm.By(Email) || !alarm.By(Push) || alarm.By(SMS) {
			t.Errorf("%+v", alarm)
		}
		if records, err := w.store.List(t.Context(), kindPerson, "", 10); err != nil || len(records) != 1 {
			t.Errorf("%d records, %v", len(records), err)
		}
	})
}

// TestWhatAPersonChoosesIsKept, and what they don't mention stays.
func TestWhatAPersonChoosesIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		quiet := Quiet{22 * 60, 6*60 + 30}
		w.choose(n, w.paul, quiet, Choice{Near, []Channel{SMS, Push, SMS}}, Choice{Alarm, nil})
		if err := n.SetPreferences(t.Context(), w.paul, Preferences{Lang: phrase.French, Quiet: quiet, Choices: []Choice{{Planned, Channels()}}}); err != nil {
			t.Fatal(err)
		}
		if err := n.SetPreferences(t.Context(), w.paul, Preferences{Quiet: quiet}); err != nil {
			t.Fatal(err)
		}
		s := w.settings(n)
		if s.Lang != phrase.French || s.Quiet != quiet {
			t.Errorf("%+v", s)
		}
		for topic, want := range map[Topic][]Channel{Near: {Push, SMS}, Alarm: nil, Planned: Channels(), Opened: {Push}} {
			if got := choiceOf(s, topic).Channels; !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", topic, got, want)
			}
		}
		number, err := n.SetPhone(t.Context(), w.paul, "06 12 34 56 79")
		if err != nil || number != "+33612345679" || w.settings(n).Phone != number {
			t.Errorf("%q, %v", number, err)
		}
		if _, err := n.SetPhone(t.Context(), w.paul, "06 12"); !errors.Is(err, ErrNumber) || w.settings(n).Phone != number {
			t.Errorf("a bad number: %v", err)
		}
		if _, err := n.SetPhone(t.Context(), w.paul, ""); err != nil || w.settings(n).Phone != "" {
			t.Errorf("no number: %v", err)
		}
	})
}

func TestChoicesThatThereAreNot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		for what, p := range map[string]Preferences{
			"a topic":      {Choices: []Choice{{"weather", nil}}},
			"no topic":     {Choices: []Choice{{"", nil}}},
			"a channel":    {Choices: []Choice{{Near, []Channel{"pigeon"}}}},
			"a language":   {Lang: "de"},
			"before a day": {Quiet: Quiet{From: -1}},
			"after a day":  {Quiet: Quiet{To: 1440}},
		} {
			if err := n.SetPreferences(t.Context(), w.paul, p); !errors.Is(err, ErrRequest) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := n.SetLang(t.Context(), w.paul, "de"); !errors.Is(err, ErrRequest) {
			t.Errorf("a language: %v", err)
		}
	})
}

// TestDevices come and go: by their owner, with their session, and never more than ten.
func TestDevices(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		first := w.subscribe(n, w.paul, "phone")
		if again, err := n.Subscribe(t.Context(), w.paul, subscription(t, "phone"), strings.Repeat("é", 300)); err != nil || again != first {
			t.Errorf("again: %s, %v", again, err)
		}
		s := w.settings(n)
		if len(s.Devices) != 1 || s.Devices[0].ID != first || len([]rune(s.Devices[0].Name)) != 100 || s.Devices[0].Session != w.paul.Session() ||
			s.Devices[0].Since != event.InstantOf(time.Now()) {
			t.Errorf("%+v", s.Devices)
		}
		for i := range mostDevices - 1 {
			w.subscribe(n, w.paul, fmt.Sprint("browser", i))
		}
		if _, err := n.Subscribe(t.Context(), w.paul, subscription(t, "one more"), ""); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
		if err := n.Unsubscribe(t.Context(), w.anna, first); err != nil || len(w.settings(n).Devices) != mostDevices {
			t.Errorf("somebody else removed it: %v", err)
		}
		for range 2 {
			if err := n.Unsubscribe(t.Context(), w.paul, first); err != nil || len(w.settings(n).Devices) != mostDevices-1 {
				t.Errorf("unsubscribed: %v", err)
			}
		}
		other := w.signIn(w.paul.ID())
		w.subscribe(n, other, "tablet")
		if err := sessionsIn(w.store).End(t.Context(), other, w.paul.Session()); err != nil {
			t.Fatal(err)
		}
		if s := w.settings(n); len(s.Devices) != 1 || s.Devices[0].Name != "tablet" {
			t.Errorf("left are %+v", s.Devices)
		}
		if _, err := n.Subscribe(t.Context(), w.paul, Subscription{Endpoint: "javascript:alert(1)"}, ""); !errors.Is(err, ErrSubscription) {
			t.Errorf("nonsense: %v", err)
		}
	})
}

// TestWhatTheOperatorHasNotSetUp is not offered, and sends nothing.
func TestWhatTheOperatorHasNotSetUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		n.senders = map[Channel]sender{}
		if s := w.settings(n); len(s.Available) != 0 {
			t.Errorf("%v", s.Available)
		}
		if _, err := n.PushKey(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("the key: %v", err)
		}
		if _, err := n.Subscribe(t.Context(), w.paul, subscription(t, "phone"), ""); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a subscription: %v", err)
		}
		for _, c := range append(Channels(), "pigeon") {
			if _, err := n.SendTest(t.Context(), w.paul, c); !errors.Is(err, ErrUnavailable) {
				t.Errorf("a test by %s: %v", c, err)
			}
		}
		defer w.run(d)()
		w.breakIn(d)
		synctest.Wait()
		if len(w.box.all()) != 0 {
			t.Errorf("sent %v", w.box.all())
		}
		w.noWorkLeft()
	})
}

// TestNewSetsUpWhatItIsGiven.
func TestNewSetsUpWhatItIsGiven(t *testing.T) {
	mail := newMail(t, MailConfig{Host: "localhost", Port: 25, TLS: MailNoTLS, From: "loquet@home.test"})
	texts, err := NewTextMessages(SMSConfig{URL: "https://sms.example/", Secret: smsSecret}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		deps Deps
		want []Channel
	}{
		{Deps{}, nil},
		{Deps{Mail: mail}, nil},
		{Deps{Mail: mail, Addresses: addresses{}}, []Channel{Email}},
		{Deps{SMS: texts, PushSubject: "ops@loquet.example"}, []Channel{Push, SMS}},
	} {
		if got := New(c.deps).Available(); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// TestWhoIsNoMemberChoosesNothing, though a session may still live.
func TestWhoIsNoMemberChoosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.do(d, member(w.anna.ID()), site.RemoveMember{Member: w.paul.ID()})
		for what, err := range map[string]error{
			"preferences":  n.SetPreferences(t.Context(), w.paul, Preferences{}),
			"a language":   n.SetLang(t.Context(), w.paul, phrase.French),
			"a number":     errorOf(n.SetPhone(t.Context(), w.paul, "06 12 34 56 78")),
			"a device":     errorOf(n.Subscribe(t.Context(), w.paul, subscription(t, "phone"), "")),
			"a test":       errorOf(n.SendTest(t.Context(), w.paul, Email)),
			"an arrival":   errorOf(n.TestArrived(t.Context(), w.paul, "x")),
			"the settings": errorOf(n.Settings(t.Context(), w.paul)),
		} {
			if !errors.Is(err, ErrMember) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if records, err := w.store.List(t.Context(), kindPerson, "", 10); err != nil || len(records) != 1 {
			t.Errorf("%d records, %v", len(records), err)
		}
	})
}

func errorOf[T any](_ T, err error) error { return err }

// TestASignedOutPhoneIsToldNothing, however its session ended, and nothing is kept of it.
func TestASignedOutPhoneIsToldNothing(t *testing.T) {
	under := func(session func(*world) string) func(*world, *Notifier, auth.Member) error {
		return func(w *world, n *Notifier, _ auth.Member) error {
			return n.files.change(w.t.Context(), w.paul.ID(), false, func(p *person) error { p.Devices[0].Session = session(w); return nil })
		}
	}
	for how, end := range map[string]func(w *world, n *Notifier, elsewhere auth.Member) error{
		"": func(*world, *Notifier, auth.Member) error { return nil },
		"signed out on the phone": func(w *world, _ *Notifier, _ auth.Member) error {
			return sessionsIn(w.store).End(w.t.Context(), w.paul, w.paul.Session())
		},
		"ended from another phone": func(w *world, _ *Notifier, elsewhere auth.Member) error {
			return sessionsIn(w.store).End(w.t.Context(), elsewhere, w.paul.Session())
		},
		"all others ended": func(w *world, _ *Notifier, elsewhere auth.Member) error {
			return sessionsIn(w.store).EndOthers(w.t.Context(), elsewhere)
		},
		"all ended at the console": func(w *world, _ *Notifier, _ auth.Member) error {
			return sessionsIn(w.store).EndAll(w.t.Context(), w.paul.ID())
		},
		"erased": func(w *world, _ *Notifier, _ auth.Member) error {
			return sessionsIn(w.store).Forget(w.t.Context(), w.paul.ID())
		},
		"not used for long":        func(*world, *Notifier, auth.Member) error { pass(auth.SessionIdle); return nil },
		"somebody else's session":  under(func(w *world) string { return w.anna.Session() }),
		"a session that never was": under(func(*world) string { return "home-m3-0" }),
	} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				d, n := w.process(w.store)
				w.subscribe(n, w.paul, "phone")
				if err := end(w, n, w.signIn(w.paul.ID())); err != nil {
					t.Fatal(err)
				}
				defer w.run(d)()
				w.breakIn(d)
				synctest.Wait()
				told := how == ""
				if got := w.titles("phone by push"); (len(got) > 0) != told {
					t.Errorf("the phone is told %q", got)
				}
				if p, err := n.files.person(t.Context(), w.paul.ID()); err != nil || (len(p.Devices) > 0) != told {
					t.Errorf("kept of it: %+v, %v", p.Devices, err)
				}
			})
		})
	}
}
