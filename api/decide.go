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
	// natural orders do the same when they are repeated: their answers are made anew, and remembered nowhere.
	natural bool
}

// scoped names a principal; "" for one whose requests are not remembered.
func scoped(who any) string {
	switch p := who.(type) {
	case auth.Client:
		return "key/" + string(p.Role()) + "/" + p.Identity()
	case auth.Member:
		return "member/" + string(p.ID())
	case auth.Courier:
		return "courier/" + string(p.ID())
	default:
		return ""
	}
}

func byClient(c auth.Client, at event.SiteID, do site.Request) order {
	return order{by: scoped(c), site: at, do: do, facts: site.Facts{Actor: c.Actor()}}
}

func byMember(m auth.Member, do site.Request) order {
	return order{by: scoped(m), site: m.Site(), do: do, facts: site.Facts{Actor: m.Actor()}}
}

func byCourier(c auth.Courier, at event.SiteID, do site.Request, place *event.Place) order {
	return order{by: scoped(c), site: at, do: do, facts: site.Facts{Actor: c.Actor(), Signed: c.Signed(), Place: place}}
}

func (o order) attach(with ...dispatch.Attach) order {
	o.with = append(o.with, with...)
	return o
}

// decide has the order decided and committed, and makes the answer of it. With an Idempotency-Key the answer is
// remembered in the same commit; what was remembered before is given before anybody decides (see replayed).
// answer may be called more than once.
func decide[A any](ctx context.Context, a *API, o order, answer func(context.Context, dispatch.Result) (A, error)) (given A, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decideWithin)
	defer cancel()
	c := callOf(ctx)
	m := a.memory(c, o.by)
	if m == nil || o.natural {
		result, err := a.Dispatch.Do(ctx, o.site, site.Command{Facts: o.facts, Do: o.do}, o.with...)
		if err != nil {
			return given, err
		}
		return answer(ctx, result)
	}
	remember := func(r dispatch.Result) (more dispatch.Attachments, err error) {
		if given, err = answer(ctx, r); err != nil {
			return more, err
		}
		more.Remember, err = m.keep(ctx, o.site, struct{ Body A }{given})
		return more, err
	}
	_, err = a.Dispatch.Do(ctx, o.site, site.Command{Facts: o.facts, Do: o.do}, append(o.with, remember)...)
	if err == nil || errors.Is(err, store.ErrUncertain) {
		return given, err
	}
	// The same request may have been sent twice at once, and the other one was first: then its answer is ours.
	var first struct{ Body A }
	if known, recallErr := m.recall(ctx, &first); known && recallErr == nil {
		return first.Body, nil
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
type memory struct {
	api    *API
	key    string
	digest string
}

// memory returns nil for a request that is not to be remembered.
func (a *API) memory(c *call, by string) *memory {
	if c.key == "" || by == "" || c.method != http.MethodPost {
		return nil
	}
	return &memory{api: a, key: keyOf(by, c.key), digest: c.digest()}
}

// replayed gives the answer that was remembered for a request, before anything else looks at what stands now.
func replayed[O any](ctx context.Context, a *API, by string) (out *O, known bool, err error) {
	m := a.memory(callOf(ctx), by)
	if m == nil {
		return nil, false, nil
	}
	out = new(O)
	known, err = m.recall(ctx, out)
	return out, known, err
}

// kept is how an answer is remembered: sealed, as it may hold personal values.
type kept struct {
	Site   event.SiteID `json:"site"`
	Sealed []byte       `json:"sealed"`
}

func (m *memory) sealName() string { return "answer/" + m.key }

// recall decodes the remembered answer, a struct with its body.
func (m *memory) recall(ctx context.Context, into any) (known bool, err error) {
	r, err := m.api.Store.Recall(ctx, m.key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if r.Digest != m.digest {
		return true, problem(http.StatusUnprocessableEntity, "idempotency-key-reused",
			"This Idempotency-Key was used for another request. Nothing was done. Use a new key for a new request.")
	}
	var k kept
	if err := json.Unmarshal(r.Answer, &k); err != nil {
		return true, fmt.Errorf("api: a remembered answer: %w", err)
	}
	plain, err := m.api.Vault.Open(ctx, k.Site, m.sealName(), k.Sealed)
	if err != nil {
		return true, fmt.Errorf("api: a remembered answer: %w", err)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return true, fmt.Errorf("api: a remembered answer: %w", err)
	}
	return true, nil
}

func (m *memory) keep(ctx context.Context, at event.SiteID, answer any) (*store.Remembered, error) {
	plain, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("api: an answer: %w", err)
	}
	sealed, err := m.api.Vault.Seal(ctx, at, m.sealName(), plain)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(kept{at, sealed})
	if err != nil {
		return nil, fmt.Errorf("api: an answer: %w", err)
	}
	until := event.InstantOf(m.api.Now()).Add(rememberFor)
	return &store.Remembered{Key: m.key, Digest: m.digest, Answer: encoded, Until: until}, nil
}
