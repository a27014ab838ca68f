package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
)

// Errors that pages tell apart, besides ErrNumber and ErrSubscription. Any other is the store's.
var (
	// ErrMember: the person no longer decides at the site.
	ErrMember = errors.New("notify: no member of a site")
	// ErrRequest: a topic, channel, language or time that there is not.
	ErrRequest = errors.New("notify: the choice can't be read")
	// ErrUnavailable: the operator has not set up this channel.
	ErrUnavailable = errors.New("notify: the channel is not set up")
	// ErrNoAddress: the person gave no address for this channel.
	ErrNoAddress = errors.New("notify: no address for this channel")
	// ErrTooMany: the person has as many devices as there may be.
	ErrTooMany = errors.New("notify: too many devices")
	// ErrTooSoon: the last test on this channel is less than half a minute old.
	ErrTooSoon = errors.New("notify: the last test was just now")
	// ErrTest: the test is unknown, or too old.
	ErrTest = errors.New("notify: no such test")
)

// Choice is how a person hears one topic.
type Choice struct {
	Topic    Topic
	Channels []Channel
}

// By says whether the topic is heard on a channel.
func (c Choice) By(channel Channel) bool { return slices.Contains(c.Channels, channel) }

// Device is a browser that receives push messages.
type Device struct {
	ID string
	// Name is what the browser called itself when it was added.
	Name  string
	Since event.Instant
	// Session in which it was added.
	Session string
}

// Settings are everything that a person's page of notifications shows.
type Settings struct {
	// Lang is what messages are written in; "" until the person has chosen.
	Lang phrase.Lang
	// Choices are one for each topic, in order of Topics.
	Choices []Choice
	Quiet   Quiet
	// Available are the channels that the operator has set up, in order of Channels.
	Available []Channel
	// Email is where mail goes, "" without an address that was confirmed; Phone is in E.164, "" for none.
	Email, Phone string
	Devices      []Device
	// Failures are the last on each channel, Tests too.
	Failures []Failure
	Tests    []Test
}

// Preferences are what a person chooses. Topics that are missing from Choices stay as they were; Lang "" too.
type Preferences struct {
	Lang    phrase.Lang
	Choices []Choice
	Quiet   Quiet
}

// Settings returns a person's own settings. Errors: ErrMember, and the store's.
func (n *Notifier) Settings(ctx context.Context, who auth.Member) (Settings, error) {
	if _, err := n.home(ctx, who); err != nil {
		return Settings{}, err
	}
	p, err := n.files.person(ctx, who.ID())
	if err != nil {
		return Settings{}, err
	}
	s := Settings{Lang: p.Lang, Quiet: p.Quiet, Phone: p.Phone}
	for _, t := range Topics() {
		s.Choices = append(s.Choices, Choice{Topic: t, Channels: slices.Clone(p.by(t))})
	}
	s.Available = n.Available()
	devices, err := n.signedIn(ctx, who.ID(), p.Devices)
	if err != nil {
		return Settings{}, err
	}
	for _, d := range devices {
		s.Devices = append(s.Devices, Device{ID: d.ID, Name: d.Name, Since: d.Since, Session: d.Session})
	}
	return s, n.fillSettings(ctx, who.ID(), &s)
}

// Available are the channels that the operator has set up, in order of Channels.
func (n *Notifier) Available() []Channel {
	var all []Channel
	for _, c := range Channels() {
		if n.senders[c] != nil {
			all = append(all, c)
		}
	}
	return all
}

func (n *Notifier) fillSettings(ctx context.Context, who event.MemberID, s *Settings) (err error) {
	if n.deps.Addresses != nil {
		box, err := n.deps.Addresses.Of(ctx, who)
		if err != nil {
			return err
		}
		s.Email = box.Address
	}
	if s.Failures, err = filed[Failure](ctx, n.files, kindFailure, who, n.now()); err != nil {
		return err
	}
	tests, err := filed[trial](ctx, n.files, kindTrial, who, n.now())
	for _, t := range tests {
		s.Tests = append(s.Tests, t.Test)
	}
	return err
}

// home is the state of a person's site; ErrMember unless they decide there.
func (n *Notifier) home(ctx context.Context, who auth.Member) (site.State, error) {
	s, err := n.deps.Sites.Load(ctx, who.Site())
	if err == nil && (!s.Open || !s.Member(who.ID())) {
		err = ErrMember
	}
	return s, err
}

// change changes what is kept of a person at their own wish.
func (n *Notifier) change(ctx context.Context, who auth.Member, by func(*person) error) error {
	if _, err := n.home(ctx, who); err != nil {
		return err
	}
	return n.files.change(ctx, who.ID(), true, by)
}

// SetPreferences keeps what a person has chosen. Errors: ErrRequest, ErrMember, and the store's.
func (n *Notifier) SetPreferences(ctx context.Context, who auth.Member, chosen Preferences) error {
	if err := chosen.check(); err != nil {
		return err
	}
	return n.change(ctx, who, func(p *person) error {
		p.Quiet = chosen.Quiet
		if chosen.Lang != "" {
			p.Lang = chosen.Lang
		}
		if p.Chosen == nil {
			p.Chosen = make(map[Topic][]Channel)
		}
		for _, c := range chosen.Choices {
			p.Chosen[c.Topic] = inOrder(c.Channels)
		}
		return nil
	})
}

// inOrder brings channels into their order, each once.
func inOrder(chosen []Channel) []Channel {
	all := []Channel{}
	for _, c := range Channels() {
		if slices.Contains(chosen, c) {
			all = append(all, c)
		}
	}
	return all
}

func (p Preferences) check() error {
	if !p.Quiet.valid() {
		return fmt.Errorf("%w: quiet hours are minutes of a day", ErrRequest)
	}
	if _, known := languages[p.Lang]; p.Lang != "" && !known {
		return fmt.Errorf("%w: the language", ErrRequest)
	}
	for _, c := range p.Choices {
		if c.Topic.custom().topic == "" {
			return fmt.Errorf("%w: the topic", ErrRequest)
		}
		for _, channel := range c.Channels {
			if !slices.Contains(Channels(), channel) {
				return fmt.Errorf("%w: the channel", ErrRequest)
			}
		}
	}
	return nil
}

// SetLang has messages written in the language that a person chose to read in. Errors: ErrRequest, ErrMember, and the
// store's.
func (n *Notifier) SetLang(ctx context.Context, who auth.Member, lang phrase.Lang) error {
	if _, known := languages[lang]; !known {
		return fmt.Errorf("%w: the language", ErrRequest)
	}
	return n.change(ctx, who, func(p *person) error {
		p.Lang = lang
		return nil
	})
}

// Reads is SetLang for whoever has not chosen: messages are written in the language in which a person was met first.
func (n *Notifier) Reads(ctx context.Context, who auth.Member, lang phrase.Lang) error {
	p, err := n.files.person(ctx, who.ID())
	if err != nil || p.Lang != "" {
		return err
	}
	return n.SetLang(ctx, who, lang)
}

// SetPhone keeps the number for text messages, and returns it in its one form; "" removes it. Errors: ErrNumber,
// ErrMember, and the store's.
func (n *Notifier) SetPhone(ctx context.Context, who auth.Member, number string) (string, error) {
	var err error
	if number != "" {
		if number, err = parseNumber(number, n.deps.Country); err != nil {
			return "", err
		}
	}
	err = n.change(ctx, who, func(p *person) error {
		p.Phone = number
		return nil
	})
	if err != nil {
		return "", err
	}
	return number, n.files.unfile(ctx, kindFailure, who.ID(), string(SMS))
}

// PushKey is the key that a browser subscribes with (applicationServerKey): base64url of an uncompressed point. Errors:
// ErrUnavailable, and the store's.
func (n *Notifier) PushKey(ctx context.Context) (string, error) {
	if n.senders[Push] == nil {
		return "", ErrUnavailable
	}
	k, err := n.keyring.keys(ctx)
	return k.Public, err
}

// mostDevices of one person.
const mostDevices = 10

// Subscribe has a browser receive push messages, and returns the identifier of its device. The same subscription again
// changes its name only. Errors: ErrUnavailable, ErrSubscription, ErrTooMany, ErrMember, and the store's.
func (n *Notifier) Subscribe(ctx context.Context, who auth.Member, s Subscription, name string) (string, error) {
	if n.senders[Push] == nil {
		return "", ErrUnavailable
	}
	d, err := s.device(n.policy)
	if err != nil {
		return "", err
	}
	d.Name, d.Session, d.Since = clip(name, 100), who.Session(), n.now()
	err = n.change(ctx, who, func(p *person) error {
		p.Devices = slices.DeleteFunc(p.Devices, func(x device) bool { return x.ID == d.ID })
		if len(p.Devices) >= mostDevices {
			return ErrTooMany
		}
		p.Devices = append(p.Devices, d)
		return nil
	})
	if err != nil {
		return "", err
	}
	return d.ID, n.files.unfile(ctx, kindFailure, who.ID(), string(Push))
}

// Unsubscribe has a device receive nothing any more; one that does not is no error.
func (n *Notifier) Unsubscribe(ctx context.Context, who auth.Member, id string) error {
	return n.files.dropDevice(ctx, who.ID(), func(d device) bool { return d.ID == id })
}

// signedIn are those of a person's browsers in which the session lasts that they were added in. The others are removed:
// whoever signs a phone out, here or from another, does not want it to tell of their home.
func (n *Notifier) signedIn(ctx context.Context, who event.MemberID, all []device) ([]device, error) {
	var ended []string
	for _, d := range all {
		lasts, err := n.deps.Sessions.Lasts(ctx, who, d.Session)
		if err != nil {
			return nil, err
		}
		if !lasts {
			ended = append(ended, d.Session)
		}
	}
	if len(ended) == 0 {
		return all, nil
	}
	out := func(d device) bool { return slices.Contains(ended, d.Session) }
	return slices.DeleteFunc(slices.Clone(all), out), n.files.dropDevice(ctx, who, out)
}
