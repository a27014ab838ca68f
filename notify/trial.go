package notify

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

// Test is the last message on a channel that a person has asked for to see whether it arrives.
type Test struct {
	Channel Channel       `json:"channel"`
	SentAt  event.Instant `json:"sentAt"`
	// Taken is when the other side took it: a mail server, a gateway or a push service, not the person yet.
	Taken event.Instant `json:"taken,omitempty"`
	// Arrived is when the person's browser, or the link in the message, said that it is there.
	Arrived event.Instant `json:"arrived,omitempty"`
	// Failed says why it was not taken: a refusal of the person's address, or "late" for whatever may pass.
	Failed Reason `json:"failed,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// trial is a test with what shows that it arrived.
type trial struct {
	Test
	Token string `json:"token"`
}

// How often a person may test a channel, and how long a test is shown.
const (
	betweenTests = 30 * event.Second
	testKept     = event.Day
)

// SendTest sends a person a message on a channel of their own, at once, whatever they have chosen and at any hour. It
// returns what became of it when the other side has answered. Nothing is tried again. Errors: ErrUnavailable,
// ErrNoAddress, ErrTooSoon, ErrMember, and the store's.
func (n *Notifier) SendTest(ctx context.Context, who auth.Member, c Channel) (Test, error) {
	v, to, err := n.recipient(ctx, who, c)
	if err != nil {
		return Test{}, err
	}
	t, err := n.newTest(ctx, who, c)
	if err != nil {
		return Test{}, err
	}
	err = n.sendNow(ctx, to, n.testMessage(t, v))
	no, final := refusedFor(err)
	switch {
	case err == nil:
		t.Taken = n.now()
	case final:
		t.Failed, t.Detail = no.reason, no.detail
	default:
		n.deps.Log.WarnContext(ctx, "a test was not handed over", slog.Any("channel", c), slog.Any("error", err))
		t.Failed = ReasonLate
	}
	return t.Test, n.fileTest(ctx, who, t)
}

// recipient says in which words and to which addresses a person is told by a channel now, whatever was chosen.
func (n *Notifier) recipient(ctx context.Context, who auth.Member, c Channel) (v voice, to []target, err error) {
	if n.senders[c] == nil {
		return v, nil, ErrUnavailable
	}
	s, err := n.home(ctx, who)
	if err != nil {
		return v, nil, err
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return v, nil, fmt.Errorf("notify: %w", err)
	}
	p, err := n.files.person(ctx, who.ID())
	if err != nil {
		return v, nil, err
	}
	if to, err = n.targets(ctx, p, who.ID(), []Channel{c}); err == nil && len(to) == 0 {
		err = ErrNoAddress
	}
	return voice{lang: n.lang(p), zone: zone, now: n.now()}, to, err
}

// newTest begins a test, unless the last one was just now.
func (n *Notifier) newTest(ctx context.Context, who auth.Member, c Channel) (trial, error) {
	all, err := filed[trial](ctx, n.files, kindTrial, who.ID(), n.now())
	if err != nil {
		return trial{}, err
	}
	now := n.now()
	for _, last := range all {
		if last.Channel == c && now.Since(last.SentAt) < betweenTests {
			return trial{}, ErrTooSoon
		}
	}
	var token [16]byte
	if _, err := io.ReadFull(n.deps.Random, token[:]); err != nil {
		return trial{}, fmt.Errorf("notify: no randomness: %w", err)
	}
	t := trial{Test: Test{Channel: c, SentAt: now}, Token: hex.EncodeToString(token[:])}
	return t, n.fileTest(ctx, who, t)
}

// sendNow sends to every address of the channel, once. One that takes it is enough.
func (n *Notifier) sendNow(ctx context.Context, to []target, m message) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	var failed error
	for _, t := range to {
		err := n.senders[t.channel].send(ctx, t, m)
		if err == nil {
			return nil
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (n *Notifier) testMessage(t trial, v voice) message {
	return message{id: digest("test", t.Token), tag: "test", lang: v.lang,
		text: text{title: v.say("trial.title"), body: v.say("trial.body", "time", v.exact(t.SentAt)), action: v.say("trial.action")},
		link: n.deps.PublicURL + settingsPath + "?arrived=" + t.Token, settings: n.deps.PublicURL + settingsPath,
		urgent: true, at: t.SentAt, left: event.Hour}
}

func (n *Notifier) fileTest(ctx context.Context, who auth.Member, t trial) error {
	return file(ctx, n.files, kindTrial, who.ID(), string(t.Channel), t, t.SentAt.Add(testKept))
}

// TestArrived notes that a test has arrived: the link in it carries "arrived=<token>", and a browser that was pushed one
// calls that address. Errors: ErrTest, ErrMember, and the store's.
func (n *Notifier) TestArrived(ctx context.Context, who auth.Member, token string) (Test, error) {
	if _, err := n.home(ctx, who); err != nil {
		return Test{}, err
	}
	all, err := filed[trial](ctx, n.files, kindTrial, who.ID(), n.now())
	if err != nil {
		return Test{}, err
	}
	for _, t := range all {
		if subtle.ConstantTimeCompare([]byte(t.Token), []byte(token)) != 1 {
			continue
		}
		if t.Arrived == 0 {
			t.Arrived = n.now()
			err = n.fileTest(ctx, who, t)
		}
		return t.Test, err
	}
	return Test{}, ErrTest
}
