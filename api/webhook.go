package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/outbound"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// WebhookRequest asks that events be told to an address.
type WebhookRequest struct {
	URL string `json:"url" minLength:"1" maxLength:"500" doc:"Where to POST events; https" example:"https://shop.example/loquet"`
}

// Webhook is an address to which events are told.
type Webhook struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Secret is shown once.
	Secret  string        `json:"secret,omitempty" doc:"Signs each message (Standard Webhooks); shown this once" example:"whsec_…"`
	Created event.Instant `json:"created" format:"date-time"`
	// FailingSince is since when nothing arrives; Disabled when it was given up.
	FailingSince event.Instant `json:"failingSince,omitempty" format:"date-time"`
	Disabled     event.Instant `json:"disabled,omitempty" format:"date-time" doc:"When it was given up; delete it and add it anew"`
}

// WebhookList are a client's webhooks.
type WebhookList struct {
	Webhooks []Webhook `json:"webhooks"`
}

// WebhookInput names a webhook.
type WebhookInput struct {
	Webhook string `path:"webhook" maxLength:"64"`
}

// WebhookOutput is a webhook.
type WebhookOutput struct{ Body Webhook }

func (a *API) registerWebhooks() {
	forClient(a, route{method: http.MethodPost, path: "/v1/webhooks", id: "addWebhook", summary: "Have events told to an address",
		about: "A merchant is told of its own deliveries, an operator of all. Each message is a CloudEvent, signed after Standard Webhooks, and may " +
			"come more than once under the same id. Repeating the request changes nothing, and does not show the secret again.",
		tag: "Webhooks", status: http.StatusCreated, scope: auth.DeliveriesRead}, a.AddWebhook)
	forClient(a, route{method: http.MethodGet, path: "/v1/webhooks", id: "listWebhooks", summary: "List webhooks", tag: "Webhooks",
		scope: auth.DeliveriesRead}, a.ListWebhooks)
	forClient(a, route{method: http.MethodDelete, path: "/v1/webhooks/{webhook}", id: "deleteWebhook", summary: "Tell no more", tag: "Webhooks",
		status: http.StatusNoContent, scope: auth.DeliveriesRead}, a.DeleteWebhook)
}

// kindWebhook is the register of webhooks; identifiers begin with their group's, so that a group's stand together.
const kindWebhook = "api.webhook"

// webhooksAtMost is how many webhooks one merchant, or all operators together, may have.
const webhooksAtMost = 20

type webhookRecord struct {
	URL          string        `json:"url"`
	Secret       []byte        `json:"secret"`
	Created      event.Instant `json:"created"`
	FailingSince event.Instant `json:"failingSince,omitempty"`
	Disabled     event.Instant `json:"disabled,omitempty"`
}

func (r webhookRecord) shown(id string) Webhook {
	return Webhook{ID: id, URL: r.URL, Created: r.Created, FailingSince: r.FailingSince, Disabled: r.Disabled}
}

// operators is the group of every operator's webhooks.
var operators = group("operator")

func merchants(m event.MerchantID) string { return group("merchant/" + string(m)) }

// group is the beginning of its webhooks' record identifiers.
func group(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16]) + "-"
}

func groupOf(c auth.Client) (string, error) {
	switch c.Role() {
	case auth.Operator:
		return operators, nil
	case auth.Merchant:
		return merchants(event.MerchantID(c.Identity())), nil
	default:
		return "", forbidden("A carrier's API key can't do this.")
	}
}

// webhookID names an address within its group, so that adding it again finds it.
func webhookID(address string) string {
	sum := sha256.Sum256([]byte(address))
	return "wh" + hex.EncodeToString(sum[:8])
}

func webhookSecretName(recordID string) string { return "webhook/" + recordID }

// AddWebhookInput is what AddWebhook takes.
type AddWebhookInput struct {
	Body WebhookRequest
}

// AddWebhook is the operation addWebhook: have events told to an address.
func (a *API) AddWebhook(ctx context.Context, c auth.Client, in *AddWebhookInput) (*WebhookOutput, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	if err := a.Webhooks.checkAddress(in.Body.URL); err != nil {
		return nil, err
	}
	all, err := a.Webhooks.of(ctx, g)
	if err != nil {
		return nil, err
	}
	id := webhookID(in.Body.URL)
	for _, w := range all {
		if w.id == id {
			return &WebhookOutput{w.webhookRecord.shown(id)}, nil
		}
	}
	if len(all) >= webhooksAtMost {
		return nil, problem(http.StatusConflict, "too-many-webhooks", "There are 20 webhooks already. Nothing was added. Delete one first.")
	}
	made, err := a.Webhooks.add(context.WithoutCancel(ctx), g, id, in.Body.URL)
	return &WebhookOutput{made}, err
}

// ListWebhooks is the operation listWebhooks: list webhooks.
func (a *API) ListWebhooks(ctx context.Context, c auth.Client, _ *struct{}) (*struct{ Body WebhookList }, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	all, err := a.Webhooks.of(ctx, g)
	if err != nil {
		return nil, err
	}
	list := WebhookList{Webhooks: []Webhook{}}
	for _, w := range all {
		list.Webhooks = append(list.Webhooks, w.webhookRecord.shown(w.id))
	}
	return &struct{ Body WebhookList }{list}, nil
}

// DeleteWebhook is the operation deleteWebhook: tell no more.
func (a *API) DeleteWebhook(ctx context.Context, c auth.Client, in *WebhookInput) (*struct{}, error) {
	g, err := groupOf(c)
	if err != nil {
		return nil, err
	}
	r, err := a.Store.Get(ctx, kindWebhook, g+in.Webhook)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound("webhook")
	}
	if err != nil {
		return nil, err
	}
	return nil, a.Store.Delete(context.WithoutCancel(ctx), kindWebhook, r.ID, r.Version)
}

// endpoint is a webhook with its place in the register.
type endpoint struct {
	webhookRecord
	id       string
	recordID string
	version  uint64
}

// of lists a group's webhooks.
func (w *Webhooks) of(ctx context.Context, g string) ([]endpoint, error) {
	records, err := w.store.List(ctx, kindWebhook, g, webhooksAtMost+1)
	if err != nil {
		return nil, err
	}
	var all []endpoint
	for _, r := range records {
		id, ours := strings.CutPrefix(r.ID, g)
		if !ours {
			break
		}
		e := endpoint{id: id, recordID: r.ID, version: r.Version}
		if err := json.Unmarshal(r.Data, &e.webhookRecord); err != nil {
			return nil, fmt.Errorf("api: a webhook's record: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

func (w *Webhooks) add(ctx context.Context, g, id, address string) (Webhook, error) {
	var key [32]byte
	if _, err := io.ReadFull(w.random, key[:]); err != nil {
		return Webhook{}, errors.Join(errNoRandom, err)
	}
	sealed, err := w.vault.Seal(ctx, vault.Own, webhookSecretName(g+id), key[:])
	if err != nil {
		return Webhook{}, err
	}
	rec := webhookRecord{URL: address, Secret: sealed, Created: event.InstantOf(w.now())}
	if err := w.put(ctx, endpoint{webhookRecord: rec, recordID: g + id}); err != nil {
		return Webhook{}, err
	}
	shown := rec.shown(id)
	shown.Secret = "whsec_" + base64.StdEncoding.EncodeToString(key[:])
	return shown, nil
}

func (w *Webhooks) put(ctx context.Context, e endpoint) error {
	data, err := json.Marshal(e.webhookRecord)
	if err != nil {
		return fmt.Errorf("api: a webhook's record: %w", err)
	}
	_, err = w.store.Put(ctx, store.Record{Kind: kindWebhook, ID: e.recordID, Version: e.version, Data: data})
	return err
}

// checkAddress takes https, and http on this machine where local webhooks are allowed.
func (w *Webhooks) checkAddress(raw string) error {
	err := w.policy.Check(raw)
	switch {
	case errors.Is(err, outbound.ErrAddress):
		return invalid("body.url", "an address such as https://shop.example/loquet, without user and fragment")
	case errors.Is(err, outbound.ErrScheme):
		return invalid("body.url", "https only")
	case err != nil:
		return invalid("body.url", "not an address of the public internet")
	}
	return nil
}
