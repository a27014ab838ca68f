package notify

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/outbound"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Subscription is what a browser's PushSubscription says (Push API, toJSON).
type Subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// ErrSubscription: it is no subscription of a push service on the public internet.
var ErrSubscription = errors.New("notify: no subscription that messages can be sent to")

// device checks a subscription.
func (s Subscription) device(policy outbound.Policy) (device, error) {
	const longest = 2000
	if len(s.Endpoint) > longest {
		return device{}, ErrSubscription
	}
	if err := policy.Check(s.Endpoint); err != nil {
		return device{}, errors.Join(ErrSubscription, err)
	}
	point, err := decodeKey(s.Keys.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(point)
	}
	secret, authErr := decodeKey(s.Keys.Auth)
	if err != nil || authErr != nil || len(secret) != 16 {
		return device{}, ErrSubscription
	}
	encode := base64.RawURLEncoding.EncodeToString
	return device{ID: digest("device", s.Endpoint), Endpoint: s.Endpoint, P256dh: encode(point), Auth: encode(secret)}, nil
}

func decodeKey(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

// PushSubject says whom a push service may turn to about our messages (RFC 8292): the given mailto: or https: address,
// else the public address, else the sender of our mail. It is "" when none of them will do: Apple's service refuses
// messages from localhost.
func PushSubject(given, public, from string) string {
	for _, s := range []string{given, public, from} {
		if subject := subjectOf(s); subject != "" {
			return subject
		}
	}
	return ""
}

// subjectOf returns https: addresses as they are and others as a mail address without a scheme, as webpush takes them.
func subjectOf(s string) string {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" {
		host := u.Hostname()
		if _, literal := netip.ParseAddr(host); literal == nil || local(host) {
			return ""
		}
		return s
	}
	address := strings.TrimPrefix(s, "mailto:")
	if i, j := strings.LastIndex(address, "<"), strings.LastIndex(address, ">"); i >= 0 && j > i {
		address = address[i+1 : j]
	}
	if _, domain, found := strings.Cut(address, "@"); !found || local(domain) {
		return ""
	}
	return address
}

// local says whether a name is of this machine or its network alone.
func local(host string) bool {
	return host == "" || !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local")
}

// pusher sends push messages. Safe for concurrent use.
type pusher struct {
	subject string
	policy  outbound.Policy
	client  *http.Client
	keys    func(context.Context) (keys, error)
}

func newPusher(subject string, policy outbound.Policy, keys func(context.Context) (keys, error)) *pusher {
	return &pusher{subject: subject, policy: policy, client: policy.Client(pushWithin), keys: keys}
}

// pushWithin bounds one call of a push service.
const pushWithin = 10 * time.Second

// payload is what the browser's service worker is given. Nothing in it is secret beyond what the person is told; a
// one-time code never is in it.
type payload struct {
	ID    string        `json:"id"`
	Tag   string        `json:"tag"`
	Topic Topic         `json:"topic,omitempty"`
	Lang  phrase.Lang   `json:"lang"`
	Title string        `json:"title"`
	Body  string        `json:"body"`
	URL   string        `json:"url"`
	At    event.Instant `json:"at"`
	// Urgent messages stay on the screen until they are looked at.
	Urgent bool `json:"urgent,omitempty"`
	// Actions are buttons besides the message itself.
	Actions []action `json:"actions,omitempty"`
}

type action struct {
	Action string `json:"action"`
	Title  string `json:"title"`
	URL    string `json:"url"`
}

func (p *pusher) send(ctx context.Context, to target, m message) error {
	own, err := p.keys(ctx)
	if err != nil {
		return trouble{err: err}
	}
	body, err := json.Marshal(payloadOf(m))
	if err != nil {
		return fmt.Errorf("notify: push: %w", err)
	}
	d := to.device
	res, err := webpush.SendNotificationWithContext(ctx, body, &webpush.Subscription{Endpoint: d.Endpoint, Keys: webpush.Keys{Auth: d.Auth, P256dh: d.P256dh}},
		&webpush.Options{HTTPClient: p.client, Subscriber: p.subject, Topic: digest("topic", m.tag), TTL: ttl(m), Urgency: urgency(m),
			VAPIDPublicKey: own.Public, VAPIDPrivateKey: own.Private})
	if err != nil {
		return trouble{err: fmt.Errorf("notify: push: %w", bare(err))}
	}
	defer res.Body.Close()
	// What it says is of no interest; reading it lets the connection be used again.
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	return pushed(res)
}

func payloadOf(m message) payload {
	p := payload{ID: m.id, Tag: m.tag, Topic: m.topic, Lang: m.lang, Title: m.title, Body: m.body, URL: m.link, At: m.at, Urgent: m.urgent}
	if m.block != "" {
		p.Actions = []action{{Action: "block", Title: m.blockLabel, URL: m.block}}
	}
	return p
}

// pushed sorts the answer of a push service (RFC 8030, 5 and 7.3).
func pushed(res *http.Response) error {
	said := strconv.Itoa(res.StatusCode)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return refusal{reason: ReasonExpired, detail: said}
	case code == http.StatusBadRequest, code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusRequestEntityTooLarge:
		return refusal{reason: ReasonRefused, detail: said}
	default:
		return trouble{err: fmt.Errorf("notify: the push service answered %s", said), wait: retryAfter(res)}
	}
}

// ttl is how many seconds the push service keeps the message for a browser that is away.
func ttl(m message) int { return max(0, int(m.left/event.Second)) }

func urgency(m message) webpush.Urgency {
	switch {
	case m.urgent, m.topic == Near, m.topic == Opened, m.topic == Question, m.topic == Foreign:
		return webpush.UrgencyHigh
	default:
		return webpush.UrgencyNormal
	}
}

// retryAfter is how long the other side asks to be left alone, an hour at most; 0 when it does not say.
func retryAfter(res *http.Response) time.Duration {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// bare takes the address out of an error: that of a subscription is as good as a name, and a secret.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// keys are the installation's own (VAPID, RFC 8292), base64url.
type keys struct {
	Private string `json:"private"`
	Public  string `json:"public"`
}

// keyring makes the keys when they are first needed, keeps them sealed in the register, and remembers them. Without them
// every subscription is void.
type keyring struct {
	files *files
	mu    sync.Mutex
	known keys
}

const keysName = "notify/vapid"

func (k *keyring) keys(ctx context.Context) (keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known != (keys{}) {
		return k.known, nil
	}
	return k.known, again(func() (err error) {
		k.known, err = k.load(ctx)
		return err
	})
}

func (k *keyring) load(ctx context.Context) (keys, error) {
	r, err := k.files.register.Get(ctx, kindKeys, "1")
	if err == nil {
		return vault.OpenJSON[keys](ctx, k.files.vault, vault.Own, keysName, r.Data)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return keys{}, err
	}
	var made keys
	if made.Private, made.Public, err = webpush.GenerateVAPIDKeys(); err != nil {
		return keys{}, fmt.Errorf("notify: no keys for push messages: %w", err)
	}
	sealed, err := vault.SealJSON(ctx, k.files.vault, vault.Own, keysName, made)
	if err != nil {
		return keys{}, err
	}
	if _, err := k.files.register.Put(ctx, store.Record{Kind: kindKeys, ID: "1", Data: sealed}); err != nil {
		return keys{}, err
	}
	return made, nil
}
