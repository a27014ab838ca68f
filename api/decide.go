package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Idempotent is in the input of every POST that a site decides upon.
type Idempotent struct {
	// Key is remembered per principal, for a day.
	Key string `header:"Idempotency-Key" minLength:"1" maxLength:"100" doc:"Repeating the request under the same key does its work once, and gives the same answer"`
}

// rememberFor is how long an answer is given again.
const rememberFor = event.Day

// decideWithin bounds a decision. A client that goes away does not end it: what it asked for is then decided,
// and not left half known.
const decideWithin = 15 * time.Second

// order is what a principal asks of a site.
type order struct {
	// by names the principal: idempotency keys are its own.
	by   string
	site event.SiteID
	do   site.Request
	// facts are who acts, and from where.
	facts site.Facts
	with  []dispatch.Attach
}

func byClient(c auth.Client, at event.SiteID, do site.Request) order {
	return order{by: "key/" + string(c.Role()) + "/" + c.Identity(), site: at, do: do, facts: site.Facts{Actor: c.Actor()}}
}

func byMember(m auth.Member, do site.Request) order {
	return order{by: "member/" + string(m.ID()), site: m.Site(), do: do, facts: site.Facts{Actor: m.Actor()}}
}

func byCourier(c auth.Courier, at event.SiteID, do site.Request, place *event.Place) order {
	return order{by: "courier/" + string(c.ID()), site: at, do: do, facts: site.Facts{Actor: c.Actor(), Signed: c.Signed(), Place: place}}
}

func (o order) attach(with ...dispatch.Attach) order {
	o.with = append(o.with, with...)
	return o
}

// decide has the order decided and committed, and makes the answer of it. With an Idempotency-Key the answer is
// remembered in the same commit, and given again instead of deciding twice. answer may be called more than once.
func decide[A any](ctx context.Context, a *API, o order, answer func(context.Context, dispatch.Result) (A, error)) (A, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decideWithin)
	defer cancel()
	c := callOf(ctx)
	if c.key == "" || c.method != http.MethodPost {
		result, err := a.Dispatch.Do(ctx, o.site, site.Command{Facts: o.facts, Do: o.do}, o.with...)
		if err != nil {
			var none A
			return none, err
		}
		return answer(ctx, result)
	}
	memory := memory[A]{api: a, key: keyOf(o.by, c.key), digest: c.digest()}
	if given, known, err := memory.recall(ctx); known || err != nil {
		return given, err
	}
	given, err := memory.decide(ctx, o, answer)
	if errors.Is(err, store.ErrExists) {
		// The same request, sent twice at once: the other one was first.
		given, _, err = memory.recall(ctx)
	}
	return given, err
}

// keyOf scopes a client's key to its principal, in a form of fixed length.
func keyOf(by, key string) string {
	// The length keeps "ab"+"c" apart from "a"+"bc".
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s", len(by), by, key))
	return hex.EncodeToString(sum[:])
}

// memory is the answer to one request with an idempotency key.
type memory[A any] struct {
	api    *API
	key    string
	digest string
}

// kept is how an answer is remembered: sealed, as it may hold personal values or a one-time code.
type kept struct {
	Site   event.SiteID `json:"site"`
	Sealed []byte       `json:"sealed"`
}

func (m memory[A]) sealName() string { return "answer/" + m.key }

func (m memory[A]) recall(ctx context.Context) (given A, known bool, err error) {
	r, err := m.api.Store.Recall(ctx, m.key)
	if errors.Is(err, store.ErrNotFound) {
		return given, false, nil
	}
	if err != nil {
		return given, false, err
	}
	if r.Digest != m.digest {
		return given, true, problem(http.StatusUnprocessableEntity, "idempotency-key-reused",
			"This Idempotency-Key was used for another request. Nothing was done. Use a new key for a new request.")
	}
	var k kept
	if err := json.Unmarshal(r.Answer, &k); err != nil {
		return given, true, fmt.Errorf("api: a remembered answer: %w", err)
	}
	plain, err := m.api.Vault.Open(ctx, k.Site, m.sealName(), k.Sealed)
	if err != nil {
		return given, true, fmt.Errorf("api: a remembered answer: %w", err)
	}
	return given, true, json.Unmarshal(plain, &given)
}

func (m memory[A]) decide(ctx context.Context, o order, answer func(context.Context, dispatch.Result) (A, error)) (given A, err error) {
	remember := func(r dispatch.Result) (more dispatch.Attachments, err error) {
		if given, err = answer(ctx, r); err != nil {
			return more, err
		}
		plain, err := json.Marshal(given)
		if err != nil {
			return more, fmt.Errorf("api: an answer: %w", err)
		}
		sealed, err := m.api.Vault.Seal(ctx, o.site, m.sealName(), plain)
		if err != nil {
			return more, err
		}
		encoded, err := json.Marshal(kept{o.site, sealed})
		if err != nil {
			return more, fmt.Errorf("api: an answer: %w", err)
		}
		until := event.InstantOf(m.api.Now()).Add(rememberFor)
		more.Remember = &store.Remembered{Key: m.key, Digest: m.digest, Answer: encoded, Until: until}
		return more, nil
	}
	_, err = m.api.Dispatch.Do(ctx, o.site, site.Command{Facts: o.facts, Do: o.do}, append(o.with, remember)...)
	return given, err
}
