package notify

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	t, v, to, err := n.prepareTest(ctx, who, c)
	if err != nil {
		return Test{}, err
	}
	if err := n.fileTest(ctx, who, t); err != nil {
		return Test{}, err
	}
	m := n.testMessage(t, v)
	err = n.sendTest(ctx, to, m)
	no, final := refusedFor(err)
	switch {
	case err == nil:
		t.Taken = n.now()
	case final:
		t.Failed, t.Detail = no.reason, no.detail
	default:
		n.deps.Log.WarnContext(ctx, "a test was not handed over", "channel", c, "error", err)
		t.Failed = ReasonLate
	}
	return t.Test, n.fileTest(ctx, who, t)
}

// prepareTest gathers where a test goes, and in which words.
func (n *Notifier) prepareTest(ctx context.Context, who auth.Member, c Channel) (t trial, v voice, to []target, err error) {
	if n.senders[c] == nil {
		return t, v, nil, ErrUnavailable
	}
	s, err := n.deps.Sites.Load(ctx, who.Site())
	if err != nil {
		return t, v, nil, err
	}
	if !s.Open || !s.Member(who.ID()) {
		return t, v, nil, ErrMember
	}
	p, err := n.files.person(ctx, who.ID())
	if err != nil {
		return t, v, nil, err
	}
	if to, err = n.targets(ctx, p, who.ID(), []Channel{c}); err != nil {
		return t, v, nil, err
	}
	if len(to) == 0 {
		return t, v, nil, ErrNoAddress
	}
	last, err := n.lastTest(ctx, who, c)
	if err != nil {
		return t, v, nil, err
	}
	now := n.now()
	if last.SentAt != 0 && now.Since(last.SentAt) < betweenTests {
		return t, v, nil, ErrTooSoon
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return t, v, nil, fmt.Errorf("notify: %w", err)
	}
	token, err := n.draw()
	return trial{Test: Test{Channel: c, SentAt: now}, Token: token}, voice{lang: n.lang(p), zone: zone, now: now}, to, err
}

func (n *Notifier) draw() (string, error) {
	var b [16]byte
	random := n.deps.Random
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("notify: no randomness: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// sendTest sends to every address of the channel. One that takes it is enough.
func (n *Notifier) sendTest(ctx context.Context, to []target, m message) error {
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

func (n *Notifier) lastTest(ctx context.Context, who auth.Member, c Channel) (trial, error) {
	all, err := filed[trial](ctx, n.files, kindTrial, who.ID(), n.now())
	for _, t := range all {
		if t.Channel == c {
			return t, err
		}
	}
	return trial{}, err
}

func (n *Notifier) fileTest(ctx context.Context, who auth.Member, t trial) error {
	return file(ctx, n.files, kindTrial, who.ID(), string(t.Channel), t, t.SentAt.Add(testKept))
}

// TestArrived notes that a test has arrived: the link in it carries "arrived=<token>", and a browser that was pushed one
// calls that address. Errors: ErrTest, ErrMember, and the store's.
func (n *Notifier) TestArrived(ctx context.Context, who auth.Member, token string) (Test, error) {
	if err := n.check(ctx, who); err != nil {
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
