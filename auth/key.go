package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Scope is one thing that an API key may do. There is none for consenting, binding a courier's device or scanning.
type Scope string

// Scopes.
const (
	SitesRead       Scope = "sites:read"
	SitesWrite      Scope = "sites:write"
	DevicesWrite    Scope = "devices:write"
	CouriersWrite   Scope = "couriers:write"
	DeliveriesRead  Scope = "deliveries:read"
	DeliveriesWrite Scope = "deliveries:write"
	DeliveriesBlock Scope = "deliveries:block"
	JournalsRead    Scope = "journals:read"
	PicturesRead    Scope = "pictures:read"
	AlarmsWrite     Scope = "alarms:write"
	StoriesRead     Scope = "stories:read"
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{
		SitesRead, SitesWrite, DevicesWrite, CouriersWrite, DeliveriesRead, DeliveriesWrite, DeliveriesBlock, JournalsRead,
		PicturesRead, AlarmsWrite, StoriesRead,
	}
}

// Role is whose program an API key belongs to. Its words are those of event.ActorKind.
type Role string

// Roles of API keys.
const (
	Merchant Role = "merchant"
	Carrier  Role = "carrier"
	Operator Role = "operator"
)

// Client is who calls with an API key. Only Keys.Check makes one.
type Client struct {
	key      string
	role     Role
	identity string
	scopes   []Scope
}

// Key is the identifier of the API key; no secret.
func (c Client) Key() string { return c.key }

// Role is whose program it is.
func (c Client) Role() Role { return c.role }

// Identity is the merchant's, carrier's or operator's own identifier.
func (c Client) Identity() string { return c.identity }

// Actor is the client as journals name it.
func (c Client) Actor() event.Actor {
	return event.Actor{Kind: event.ActorKind(c.role), ID: c.identity}
}

// Require returns nil if the key has the scope, and an error that wraps ErrScope otherwise.
func (c Client) Require(s Scope) error {
	if !slices.Contains(c.scopes, s) {
		return fmt.Errorf("%w: it needs the scope %s", ErrScope, s)
	}
	return nil
}

// KeyRequest is an API key to be made.
type KeyRequest struct {
	Role Role
	// Identity is the merchant, carrier or operator that the key speaks for.
	Identity string
	// Label tells the operator's keys apart; free text of up to 100 characters.
	Label  string
	Scopes []Scope
}

func (r KeyRequest) check() error {
	const longest = 100
	if r.Role != Merchant && r.Role != Carrier && r.Role != Operator {
		return fmt.Errorf("%w: a key belongs to a merchant, a carrier or an operator", ErrRequest)
	}
	if r.Identity == "" || len(r.Identity) > longest || utf8.RuneCountInString(r.Label) > longest {
		return fmt.Errorf("%w: a key has an identity, and its label is at most %d characters", ErrRequest, longest)
	}
	if len(r.Scopes) == 0 {
		return fmt.Errorf("%w: a key has at least one scope", ErrRequest)
	}
	for _, s := range r.Scopes {
		if !slices.Contains(Scopes(), s) {
			return fmt.Errorf("%w: the scopes are %s", ErrRequest, join(Scopes()))
		}
	}
	return nil
}

func join(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// Key is an API key as it is listed: everything but its secret.
type Key struct {
	ID        string
	Role      Role
	Identity  string
	Label     string
	Scopes    []Scope
	CreatedAt event.Instant
	// RevokedAt is 0 while the key works.
	RevokedAt event.Instant
}

// keyRecord is how an API key is stored.
type keyRecord struct {
	Hash      []byte        `json:"hash"`
	Role      Role          `json:"role"`
	Identity  string        `json:"identity"`
	Label     string        `json:"label,omitempty"`
	Scopes    []Scope       `json:"scopes"`
	CreatedAt event.Instant `json:"createdAt"`
	RevokedAt event.Instant `json:"revokedAt,omitempty"`
}

func (r keyRecord) key(id string) Key {
	return Key{id, r.Role, r.Identity, r.Label, r.Scopes, r.CreatedAt, r.RevokedAt}
}

// Keys are the API keys of an installation. Safe for concurrent use.
type Keys struct{ deps Deps }

// NewKeys works on the register's API keys.
func NewKeys(d Deps) *Keys { return &Keys{d} }

// Create makes a key and returns its text, which is shown once and can't be had again. Errors: ErrRequest, and
// the store's; when one says that the outcome is not known, list the keys and revoke the new one.
func (k *Keys) Create(ctx context.Context, r KeyRequest) (Key, string, error) {
	if err := r.check(); err != nil {
		return Key{}, "", err
	}
	id, text, err := mint(k.deps.Random, prefixKey, "")
	if err != nil {
		return Key{}, "", err
	}
	data := keyRecord{
		Hash: hash(text), Role: r.Role, Identity: r.Identity, Label: r.Label,
		Scopes: slices.Clone(r.Scopes), CreatedAt: k.deps.now(),
	}
	if _, err := save(ctx, k.deps.Register, store.Record{Kind: kindKey, ID: id}, data); err != nil {
		return Key{}, "", err
	}
	return data.key(id), text, nil
}

// Check returns who calls with this key. Errors: ErrUnknownKey, and the store's.
func (k *Keys) Check(ctx context.Context, text string) (Client, error) {
	id, ok := tokenID(prefixKey, text)
	if !ok {
		return Client{}, ErrUnknownKey
	}
	data, _, err := load[keyRecord](ctx, k.deps.Register, kindKey, id)
	if err != nil {
		return Client{}, absent(err, ErrUnknownKey)
	}
	if !matches(text, data.Hash) || data.RevokedAt != 0 {
		return Client{}, ErrUnknownKey
	}
	return Client{id, data.Role, data.Identity, data.Scopes}, nil
}

// List returns up to limit keys after the given identifier, in order of identifier, revoked ones too.
func (k *Keys) List(ctx context.Context, after string, limit int) ([]Key, error) {
	records, err := k.deps.Register.List(ctx, kindKey, after, limit)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(records))
	for _, r := range records {
		data, err := decode[keyRecord](r)
		if err != nil {
			return nil, err
		}
		keys = append(keys, data.key(r.ID))
	}
	return keys, nil
}

// Revoke ends a key at once; revoking it again changes nothing. Errors: ErrUnknownKey, and the store's.
func (k *Keys) Revoke(ctx context.Context, id string) error {
	return retry(func() error {
		data, version, err := load[keyRecord](ctx, k.deps.Register, kindKey, id)
		if err != nil {
			return absent(err, ErrUnknownKey)
		}
		if data.RevokedAt != 0 {
			return nil
		}
		data.RevokedAt = k.deps.now()
		_, err = save(ctx, k.deps.Register, store.Record{Kind: kindKey, ID: id, Version: version}, data)
		return err
	})
}
