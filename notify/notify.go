package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/outbound"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Addresses knows where members get their mail: auth.Mailboxes does. Safe for concurrent use.
type Addresses interface {
	Of(ctx context.Context, m event.MemberID) (auth.Mailbox, error)
}

// Sessions knows which sessions of members still work: auth.Sessions does. Safe for concurrent use.
type Sessions interface {
	Lasts(ctx context.Context, m event.MemberID, session string) (bool, error)
}

// Sites reads the sites' states. Safe for concurrent use; a dispatch.Dispatcher is one.
type Sites interface {
	Load(ctx context.Context, id event.SiteID) (site.State, error)
}

// Deps is what a Notifier works with. Addresses, Mail, SMS and PushSubject may be missing, and with them their channel;
// Counted may be missing too.
type Deps struct {
	Register  store.Register
	Sites     Sites
	Vault     *vault.Vault
	Sessions  Sessions
	Addresses Addresses
	Mail      *Mail
	SMS       *TextMessages
	// PushSubject is what PushSubject returned.
	PushSubject string
	// LocalPush lets push services be on this machine and in our own networks; for trying things out.
	LocalPush bool
	// Country is that of telephone numbers without a country's code (ISO 3166-1 alpha-2); "" refuses them.
	Country string
	// Lang is spoken to whoever has not chosen.
	Lang phrase.Lang
	// PublicURL is scheme and host of the pages that messages lead to.
	PublicURL string
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	// Counted is told of each message that was handed over, or given up. It must not block.
	Counted func(c Channel, handedOver bool)
}

// Notifier tells people, and knows how they want to hear. Safe for concurrent use.
type Notifier struct {
	deps    Deps
	files   *files
	sent    ledger
	keyring *keyring
	policy  outbound.Policy
	senders map[Channel]sender
	busy    sync.Map // keys of what is being told
}

// New makes a Notifier. Nothing is read or written until it is used.
func New(d Deps) *Notifier {
	if d.Counted == nil {
		d.Counted = func(Channel, bool) {}
	}
	f := &files{register: d.Register, vault: d.Vault}
	n := &Notifier{deps: d, files: f, sent: ledger{d.Register}, keyring: &keyring{files: f}, policy: outbound.Policy{Local: d.LocalPush},
		senders: make(map[Channel]sender)}
	if d.Mail != nil && d.Addresses != nil {
		n.senders[Email] = d.Mail
	}
	if d.SMS != nil {
		n.senders[SMS] = d.SMS
	}
	if d.PushSubject != "" {
		n.senders[Push] = newPusher(d.PushSubject, n.policy, n.keyring.keys)
	}
	return n
}

func (n *Notifier) now() event.Instant { return event.InstantOf(n.deps.Now()) }

// While a message is being told, another that says the same waits.
const whileBusy = 2 * event.Second

// Notify tells a site's people of an event: the handler of dispatch.WorkNotify. It may be given the same work again, and
// sends again only what it does not know to have been taken. What is to be tried again, or is held by somebody's quiet
// hours, it wants back as dispatch.Later.
func (n *Notifier) Notify(ctx context.Context, w store.Work) error {
	var notice dispatch.Notice
	if err := json.Unmarshal(w.Data, &notice); err != nil {
		return fmt.Errorf("notify: what to tell can't be read: %w", err)
	}
	s, err := n.deps.Sites.Load(ctx, w.Site)
	if err != nil {
		return err
	}
	x, ok := newsOf(notice, s, dueAt(notice))
	if !ok || !s.Open {
		return nil
	}
	if _, busy := n.busy.LoadOrStore(x.key, true); busy {
		return dispatch.Later{At: n.now().Add(whileBusy)}
	}
	defer n.busy.Delete(x.key)
	return n.tellAll(ctx, x, s)
}

// dueAt is since when a notice could be told: what its work says is moved by each attempt.
func dueAt(n dispatch.Notice) event.Instant {
	switch b := n.Event.Body.(type) {
	case event.VisitBegun:
		return max(n.Event.At, b.ETA.Add(-dispatch.NearBy))
	case event.VisitEstimated:
		return max(n.Event.At, b.ETA.Add(-dispatch.NearBy))
	case event.DeliveryUnconsented:
		return n.Event.At.Add(dispatch.SettledAfter)
	}
	return n.Event.At
}

// tellAll tells everybody at once, so that nobody waits for another's mail server.
func (n *Notifier) tellAll(ctx context.Context, x news, s site.State) error {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	var all sync.WaitGroup
	outcomes := make([]outcome, len(s.Members))
	for i, m := range s.Members {
		if m.ID == x.by {
			continue
		}
		all.Go(func() { outcomes[i] = n.tell(ctx, x, m.ID, zone) })
	}
	all.Wait()
	sum := sumOf(outcomes)
	switch {
	case sum.err != nil:
		return sum.err
	case sum.again != 0:
		return dispatch.Later{At: sum.again}
	}
	return nil
}

// outcome is what became of telling somebody: handed over, or to be tried again at a time, or that it is not known what
// to do.
type outcome struct {
	handed bool
	again  event.Instant
	err    error
}

// sumOf is the outcome of several: handed over if one was, and again as soon as one is to be.
func sumOf(all []outcome) outcome {
	var sum outcome
	for _, o := range all {
		sum.handed = sum.handed || o.handed
		sum.err = errors.Join(sum.err, o.err)
		if sum.again == 0 || o.again != 0 && o.again < sum.again {
			sum.again = o.again
		}
	}
	return sum
}

// alarmWaits is how long an alarm waits for the chosen channels before it goes by e-mail too.
const alarmWaits = 2 * event.Minute

// tell tells one person, on every channel that they have chosen. An alarm that all of these refuse, or that none takes for
// a while, goes by e-mail too.
func (n *Notifier) tell(ctx context.Context, x news, who event.MemberID, zone *time.Location) outcome {
	p, err := n.files.person(ctx, who)
	if err != nil {
		return outcome{err: err}
	}
	now := n.now()
	if end := event.InstantOf(p.Quiet.end(now.Time().In(zone))); !x.urgent && end > now {
		return held(end, x.until)
	}
	if now > x.until {
		return outcome{}
	}
	say := voice{lang: n.lang(p), zone: zone, now: now}
	channels := p.by(x.topic)
	sum := n.sendBy(ctx, x, p, who, say, channels)
	waits := sum.again != 0 && now.Since(x.due) < alarmWaits
	if x.topic != Alarm || waits || sum.handed || sum.err != nil || slices.Contains(channels, Email) {
		return sum
	}
	return sumOf([]outcome{sum, n.sendBy(ctx, x, p, who, say, []Channel{Email})})
}

// held is until the end of quiet hours, if it is worth telling then.
func held(end, until event.Instant) outcome {
	if end > until {
		return outcome{}
	}
	return outcome{again: end}
}

func (n *Notifier) lang(p person) phrase.Lang {
	if p.Lang != "" {
		return p.Lang
	}
	return n.deps.Lang
}

// sendBy sends one piece of news to every address that a person has on some channels, all at once.
func (n *Notifier) sendBy(ctx context.Context, x news, p person, who event.MemberID, v voice, channels []Channel) outcome {
	targets, err := n.targets(ctx, p, who, channels)
	if err != nil {
		return outcome{err: err}
	}
	var all sync.WaitGroup
	outcomes := make([]outcome, len(targets))
	for i, t := range targets {
		all.Go(func() { outcomes[i] = n.sendOnce(ctx, x, who, v, t) })
	}
	all.Wait()
	return sumOf(outcomes)
}

// targets are the addresses of a person on channels that are set up.
func (n *Notifier) targets(ctx context.Context, p person, who event.MemberID, channels []Channel) ([]target, error) {
	var all []target
	for _, c := range channels {
		if n.senders[c] == nil {
			continue
		}
		switch c {
		case Push:
			devices, err := n.signedIn(ctx, who, p.Devices)
			if err != nil {
				return nil, err
			}
			for _, d := range devices {
				all = append(all, target{channel: Push, id: "push/" + d.ID, device: d})
			}
		case SMS:
			if p.Phone != "" {
				all = append(all, target{channel: SMS, id: "sms", address: p.Phone})
			}
		case Email:
			box, err := n.deps.Addresses.Of(ctx, who)
			if err != nil {
				return nil, err
			}
			if box.Address != "" {
				all = append(all, target{channel: Email, id: "email", address: box.Address})
			}
		}
	}
	return all, nil
}

// sendWithin bounds the handing over of one message; putWithin the noting of what became of it.
const (
	sendWithin = 20 * time.Second
	putWithin  = 5 * time.Second
)

// sendOnce sends one message to one address, unless it is known to have been taken or given up.
func (n *Notifier) sendOnce(ctx context.Context, x news, who event.MemberID, v voice, to target) outcome {
	id := x.key + "/" + string(who) + "/" + to.id
	was, known, err := n.sent.find(ctx, id)
	if err != nil || known {
		return outcome{handed: known && !was.Failed, err: err}
	}
	sending, cancel := context.WithTimeout(ctx, sendWithin)
	err = n.senders[to.channel].send(sending, to, n.message(x, v, digest(id)))
	cancel()
	// What was done is to be remembered, even if the process was told to end meanwhile.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), putWithin)
	defer cancel()
	if err == nil {
		return n.handedOver(ctx, x, who, to, id)
	}
	return n.failed(ctx, x, who, to, id, err)
}

func (n *Notifier) handedOver(ctx context.Context, x news, who event.MemberID, to target, id string) outcome {
	n.deps.Counted(to.channel, true)
	err := errors.Join(n.sent.note(ctx, id, verdict{}, x.until), n.files.unfile(ctx, kindFailure, who, string(to.channel)))
	return outcome{handed: true, err: err}
}

// failed decides whether a message is tried again.
func (n *Notifier) failed(ctx context.Context, x news, who event.MemberID, to target, id string, err error) outcome {
	n.deps.Log.WarnContext(ctx, "a message was not handed over", slog.Any("channel", to.channel), slog.Any("topic", x.topic), slog.Any("key", x.key), slog.Any("error", err))
	no, final := refusedFor(err)
	again := retryAt(x, n.now(), err)
	if !final && again <= x.until {
		return outcome{again: again}
	}
	if !final {
		no = refusal{reason: ReasonLate}
	}
	n.deps.Counted(to.channel, false)
	if err := n.remember(ctx, who, to, no); err != nil {
		return outcome{err: err}
	}
	return outcome{err: n.sent.note(ctx, id, verdict{Failed: true}, x.until)}
}

// remember keeps for the person what went wrong, and removes a browser that is gone.
func (n *Notifier) remember(ctx context.Context, who event.MemberID, to target, no refusal) error {
	now := n.now()
	f := Failure{Channel: to.channel, At: now, Reason: no.reason, Detail: no.detail}
	err := file(ctx, n.files, kindFailure, who, string(to.channel), f, now.Add(failureKept))
	if err != nil || no.reason != ReasonExpired {
		return err
	}
	return n.files.dropDevice(ctx, who, func(d device) bool { return d.ID == to.device.ID })
}

// Between two attempts: half of the time since it was due, within bounds.
const (
	leastPause      = 5 * event.Second
	mostPause       = 10 * event.Minute
	mostUrgentPause = 2 * event.Minute
)

// retryAt is when a message is to be tried again.
func retryAt(x news, now event.Instant, err error) event.Instant {
	most := mostPause
	if x.urgent {
		most = mostUrgentPause
	}
	pause := min(max(now.Since(x.due)/2, leastPause), most)
	if t, ok := errors.AsType[trouble](err); ok {
		pause = max(pause, event.Millis(t.wait.Milliseconds()))
	}
	return now.Add(pause)
}

// message puts a piece of news into words.
func (n *Notifier) message(x news, v voice, id string) message {
	m := message{id: id, thread: x.thread, tag: x.tag, topic: x.topic, lang: v.lang, text: v.compose(x), link: n.deps.PublicURL + x.path,
		settings: n.deps.PublicURL + settingsPath, urgent: x.urgent, at: x.due, left: x.until.Since(v.now)}
	if x.block != "" {
		m.block, m.blockLabel = n.deps.PublicURL+x.block, v.say("near.block")
	}
	return m
}

// settingsPath is the page where it is chosen what to hear.
const settingsPath = "/home/notifications"
