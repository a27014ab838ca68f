package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/outbound"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// giveUpAfter is how long a message is tried again, and how long an address may fail before it is disabled.
const giveUpAfter = 3 * event.Day

// tellWithin bounds one call of a webhook.
const tellWithin = 10 * time.Second

// Webhooks tells merchants and operators of events, at least once each. Safe for concurrent use.
type Webhooks struct {
	store  store.Store
	vault  *vault.Vault
	now    func() time.Time
	random io.Reader
	log    *slog.Logger
	source string
	policy outbound.Policy
	client *http.Client
}

func newWebhooks(d Deps) *Webhooks {
	calls := outbound.Policy{Local: d.LocalWebhooks}
	return &Webhooks{store: d.Store, vault: d.Vault, now: d.Now, random: d.Random, log: d.Log, source: d.PublicURL, policy: calls,
		client: calls.Client(tellWithin)}
}

// message is a CloudEvent (version 1.0, JSON format).
type message struct {
	SpecVersion string        `json:"specversion"`
	ID          string        `json:"id"`
	Source      string        `json:"source"`
	Type        string        `json:"type"`
	Time        event.Instant `json:"time"`
	Subject     string        `json:"subject"`
	ContentType string        `json:"datacontenttype"`
	Data        Happening     `json:"data"`
}

// eventType is the prefix of the types of our CloudEvents.
const eventType = "com.github.loquet."

func (w *Webhooks) message(h Happening) message {
	return message{SpecVersion: "1.0", ID: h.ID, Source: w.source + "/v1/sites/" + string(h.Site), Type: eventType + string(h.Kind), Time: h.At,
		Subject: string(h.Deliveries[0]), ContentType: "application/json", Data: h}
}

// Tell brings an event to every webhook that it concerns: the handler of dispatch.WorkTell. With an error it is to
// be called again; addresses that have the event already are then left alone.
func (w *Webhooks) Tell(ctx context.Context, work store.Work) error {
	var t dispatch.Telling
	if err := json.Unmarshal(work.Data, &t); err != nil {
		return fmt.Errorf("api: what to tell can't be read: %w", err)
	}
	calls, err := w.calls(ctx, t)
	if err != nil || len(calls) == 0 {
		return err
	}
	progress, err := w.progress(ctx, work)
	if err != nil {
		return err
	}
	failed := w.callAll(ctx, calls, &progress)
	if len(failed) == 0 {
		return progress.forget(ctx, w.store)
	}
	if event.InstantOf(w.now()).Since(t.Event.At) > giveUpAfter {
		w.log.Warn("a webhook was not told, and will not be", "work", work.ID, "error", errors.Join(failed...))
		return progress.forget(ctx, w.store)
	}
	return errors.Join(append(failed, progress.save(ctx, w.store, event.InstantOf(w.now())))...)
}

// delivery is one message to one address.
type delivery struct {
	to   endpoint
	body []byte
	id   string
}

// calls finds whom to tell what: each merchant of its own deliveries alone.
func (w *Webhooks) calls(ctx context.Context, t dispatch.Telling) ([]delivery, error) {
	h, ok := happeningOf(phrase.English, "", t.Event)
	if !ok || len(t.Deliveries) == 0 {
		return nil, nil
	}
	h.Deliveries = t.Deliveries
	all, err := w.callsOf(ctx, operators, h)
	if err != nil {
		return nil, err
	}
	for _, m := range t.Merchants {
		own := h
		if own.Deliveries, err = w.ofMerchant(ctx, m, t.Deliveries); err != nil {
			return nil, err
		}
		if len(own.Deliveries) == 0 {
			continue
		}
		more, err := w.callsOf(ctx, merchants(m), own)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (w *Webhooks) ofMerchant(ctx context.Context, m event.MerchantID, ids []event.DeliveryID) ([]event.DeliveryID, error) {
	var own []event.DeliveryID
	for _, id := range ids {
		_, err := w.store.Row(ctx, dispatch.MerchantDeliveries(m), string(id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		own = append(own, id)
	}
	return own, nil
}

func (w *Webhooks) callsOf(ctx context.Context, g string, h Happening) ([]delivery, error) {
	endpoints, err := w.of(ctx, g)
	if err != nil {
		return nil, err
	}
	var all []delivery
	for _, e := range endpoints {
		if e.Disabled != 0 {
			continue
		}
		body, err := json.Marshal(w.message(h))
		if err != nil {
			return nil, fmt.Errorf("api: a message: %w", err)
		}
		all = append(all, delivery{to: e, body: body, id: h.ID})
	}
	return all, nil
}

// callAll calls every address that has not the event yet, all at once, and returns what failed.
func (w *Webhooks) callAll(ctx context.Context, calls []delivery, p *progress) []error {
	var under sync.WaitGroup
	errs := make([]error, len(calls))
	for i, c := range calls {
		if p.has(c.to.recordID) {
			continue
		}
		under.Go(func() { errs[i] = w.call(ctx, c) })
	}
	under.Wait()
	var failed []error
	for i, c := range calls {
		if errs[i] != nil {
			failed = append(failed, errs[i])
		} else {
			p.add(c.to.recordID)
		}
	}
	return failed
}

// errGone: the address said that nothing is to be sent there any more.
var errGone = errors.New("api: the webhook's address is gone")

// call sends one message, and keeps whether the address works.
func (w *Webhooks) call(ctx context.Context, d delivery) error {
	err := w.post(ctx, d)
	now := event.InstantOf(w.now())
	e := d.to
	switch {
	case err == nil && e.FailingSince == 0:
		return nil
	case err == nil:
		e.FailingSince = 0
	case errors.Is(err, errGone), e.FailingSince != 0 && now.Since(e.FailingSince) > giveUpAfter:
		e.Disabled = now
	case e.FailingSince == 0:
		e.FailingSince = now
	default:
		return err
	}
	if putErr := w.put(ctx, e); putErr != nil && !errors.Is(putErr, store.ErrConflict) {
		return errors.Join(err, putErr)
	}
	if e.Disabled != 0 {
		w.log.Warn("a webhook was disabled", "webhook", e.id, "error", err)
		return nil
	}
	return err
}

func (w *Webhooks) post(ctx context.Context, d delivery) error {
	key, err := w.vault.Open(ctx, vault.Own, webhookSecretName(d.to.recordID), d.to.Secret)
	if err != nil {
		return fmt.Errorf("api: a webhook's secret: %w", err)
	}
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return fmt.Errorf("api: a webhook's secret: %w", err)
	}
	at := w.now()
	signature, err := signer.Sign(d.id, at, d.body)
	if err != nil {
		return fmt.Errorf("api: a webhook's signature: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.to.URL, bytes.NewReader(d.body))
	if err != nil {
		return fmt.Errorf("api: a webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("User-Agent", "Loquet")
	req.Header.Set(standardwebhooks.HeaderWebhookID, d.id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("api: webhook %s: %w", d.to.id, err)
	}
	defer res.Body.Close()
	// What it says is of no interest; reading it lets the connection be used again.
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusGone:
		return errGone
	default:
		return fmt.Errorf("api: webhook %s answered %d", d.to.id, res.StatusCode)
	}
}
