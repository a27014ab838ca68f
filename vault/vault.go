// Package vault keeps personal values (names, addresses, positions, notes) readable only here, and stands in for
// them where they must not stand.
//
// Each site has a data key of its own: 256 random bits, drawn when first needed, stored in a store.Register and
// wrapped there by the installation's master key. From it come, by HKDF (RFC 5869), one key that seals values
// (AES-256-GCM with random nonces: up to 2^32 values a site) and one that salts commitments (HMAC-SHA-256).
// Deleting the site's record erases everything sealed under it, wherever copies of the sealed values lie, and
// makes its commitments mute. A backup of the register still holds the wrapped key, so a site is erased for good
// once such backups are gone.
//
// Nothing here logs, and no error holds a value or a key.
package vault

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Errors that callers tell apart. Any other is the store's.
var (
	// ErrErased: the site has no key: it was erased, or nothing was ever sealed for it.
	ErrErased = errors.New("the site's personal values were erased")
	// ErrUnreadable: the sealed value was changed, or was sealed for another site, name or installation.
	ErrUnreadable = errors.New("the sealed value can't be opened")
	// ErrMasterKey: the site's key was wrapped by another master key than this one, or was changed.
	ErrMasterKey = errors.New("the site's key can't be unwrapped with this master key")
)

// kind of the records that hold the sites' wrapped keys.
const kind = "vault.site"

// Own stands in a site's place for what belongs to none: the installation's own secrets and personal values, such as
// those of its staff and couriers, and what must be found without knowing a site. No site can have this name. It is
// never erased.
const Own event.SiteID = "-"

// Deps is what a vault works with. All are required.
type Deps struct {
	Master   MasterKey
	Register store.Register
	// Now is the server's clock; it only ages the cache.
	Now func() time.Time
	// Random is a source fit for keys, safe for concurrent use: crypto/rand.Reader outside of tests.
	Random io.Reader
}

// Vault seals, opens and commits. Safe for concurrent use, over several processes too.
type Vault struct {
	deps  Deps
	cache *cache
}

// New makes a vault. Nothing is read or written until it is used.
func New(d Deps) *Vault { return &Vault{deps: d, cache: newCache(d.Now)} }

// Seal makes the value unreadable without the site's key. It can be opened only as the same site's value of the
// same name. A site without a key gets one.
func (v *Vault) Seal(ctx context.Context, site event.SiteID, name string, value []byte) ([]byte, error) {
	keys, err := v.keys(ctx, site, true)
	if err != nil {
		return nil, err
	}
	return seal(keys.seal, v.deps.Random, value, label("value", site, name))
}

// Open returns what was sealed. Errors: ErrErased, ErrUnreadable, ErrMasterKey, and the store's.
func (v *Vault) Open(ctx context.Context, site event.SiteID, name string, sealed []byte) ([]byte, error) {
	keys, err := v.keys(ctx, site, false)
	if err != nil {
		return nil, err
	}
	return unseal(keys.seal, sealed, label("value", site, name))
}

// Commit returns what stands in for a value: the same for the same site, purpose and value, and otherwise without
// any relation to it. The caller brings the value into its one canonical form first. A site without a key gets
// one; an erased site's commitments never come back.
func (v *Vault) Commit(ctx context.Context, site event.SiteID, purpose, value string) (event.Commitment, error) {
	keys, err := v.keys(ctx, site, true)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, keys.salt)
	// The length keeps "ab"+"c" apart from "a"+"bc".
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(purpose))))
	mac.Write([]byte(purpose))
	mac.Write([]byte(value))
	return event.Commitment(hex.EncodeToString(mac.Sum(nil))), nil
}

// Erase deletes the site's key, and with it everything sealed under it; a site without one is erased already.
// Another process may still hold the key in its memory, for at most a minute.
func (v *Vault) Erase(ctx context.Context, site event.SiteID) error {
	if site == Own {
		return errors.New("vault: what belongs to the installation itself is never erased as a whole")
	}
	defer v.cache.drop(site)
	return again(func() error {
		r, err := v.deps.Register.Get(ctx, kind, string(site))
		if err == nil {
			err = v.deps.Register.Delete(ctx, kind, string(site), r.Version)
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// siteKeys are the two keys that come from a site's data key.
type siteKeys struct{ seal, salt []byte }

// keys returns the site's keys from the cache or the register, and draws them if allowed to.
func (v *Vault) keys(ctx context.Context, site event.SiteID, create bool) (siteKeys, error) {
	if err := event.CheckSiteID(site); err != nil && site != Own {
		return siteKeys{}, fmt.Errorf("vault: %w", err)
	}
	keys, round, found := v.cache.get(site)
	if found {
		return keys, nil
	}
	data, err := v.dataKey(ctx, site, create)
	if err != nil {
		return siteKeys{}, err
	}
	if keys, err = derive(data); err != nil {
		return siteKeys{}, err
	}
	v.cache.put(site, keys, round)
	return keys, nil
}

func (v *Vault) dataKey(ctx context.Context, site event.SiteID, create bool) (data []byte, err error) {
	err = again(func() error {
		r, err := v.deps.Register.Get(ctx, kind, string(site))
		switch {
		case err == nil:
			data, err = v.unwrap(site, r.Data)
		case errors.Is(err, store.ErrNotFound) && create:
			data, err = v.draw(ctx, site)
		case errors.Is(err, store.ErrNotFound):
			err = ErrErased
		}
		return err
	})
	return data, err
}

// draw makes the site's data key; store.ErrConflict when somebody else did meanwhile.
func (v *Vault) draw(ctx context.Context, site event.SiteID) ([]byte, error) {
	data := make([]byte, keySize)
	if _, err := io.ReadFull(v.deps.Random, data); err != nil {
		return nil, fmt.Errorf("vault: no randomness: %w", err)
	}
	wrapped, err := seal(v.deps.Master.key[:], v.deps.Random, data, label("key", site, ""))
	if err != nil {
		return nil, err
	}
	if _, err := v.deps.Register.Put(ctx, store.Record{Kind: kind, ID: string(site), Data: wrapped}); err != nil {
		return nil, err
	}
	return data, nil
}

func (v *Vault) unwrap(site event.SiteID, wrapped []byte) ([]byte, error) {
	data, err := unseal(v.deps.Master.key[:], wrapped, label("key", site, ""))
	if err != nil || len(data) != keySize {
		return nil, ErrMasterKey
	}
	return data, nil
}

func derive(data []byte) (siteKeys, error) {
	sealKey, err := hkdf.Key(sha256.New, data, nil, "loquet vault 1 seal", keySize)
	if err != nil {
		return siteKeys{}, fmt.Errorf("vault: %w", err)
	}
	salt, err := hkdf.Key(sha256.New, data, nil, "loquet vault 1 commit", keySize)
	if err != nil {
		return siteKeys{}, fmt.Errorf("vault: %w", err)
	}
	return siteKeys{seal: sealKey, salt: salt}, nil
}

// again repeats a read and its write while others change the record in between; bounded, as that can't last.
func again(change func() error) error {
	var err error
	for range 16 {
		if err = change(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}
