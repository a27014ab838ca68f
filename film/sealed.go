package film

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// keySize is how many bytes seal a clip.
const keySize = 32

func addressName(c event.CameraID) string { return "camera/" + string(c) }

func clipName(c event.ClipID) string { return "clip/" + string(c) }

// SealAddress makes the value that holds a camera's address, to be written with the event that adds it.
func (d *Director) SealAddress(ctx context.Context, c event.CameraID, address string) (store.Value, error) {
	sealed, err := d.Vault.Seal(ctx, event.SiteOf(c), addressName(c), []byte(address))
	return store.Value{Name: addressName(c), Sealed: sealed}, err
}

// ForgetAddress is the value that erases it.
func ForgetAddress(c event.CameraID) store.Value { return store.Value{Name: addressName(c)} }

// Address returns where a camera is, with its password: for the media service only, never for a page.
func (d *Director) Address(ctx context.Context, c event.CameraID) (string, error) {
	address, err := d.open(ctx, event.SiteOf(c), addressName(c))
	return string(address), err
}

// ClipKey opens what was kept of a visit; store.ErrNotFound once it is erased.
func (d *Director) ClipKey(ctx context.Context, c event.ClipID) ([]byte, error) {
	return d.open(ctx, event.SiteOf(c), clipName(c))
}

func (d *Director) open(ctx context.Context, at event.SiteID, name string) ([]byte, error) {
	sealed, err := d.Store.Value(ctx, at, name)
	if err != nil {
		return nil, err
	}
	return d.Vault.Open(ctx, at, name, sealed)
}

// drawKey returns the clip's key, and draws it when it is first needed: it is written before anything that it seals.
func (d *Director) drawKey(ctx context.Context, s site.State, c event.ClipID) ([]byte, error) {
	key, err := d.ClipKey(ctx, c)
	if !errors.Is(err, store.ErrNotFound) {
		return key, err
	}
	key = make([]byte, keySize)
	if _, err := io.ReadFull(d.Random, key); err != nil {
		return nil, fmt.Errorf("film: no randomness: %w", err)
	}
	sealed, err := d.Vault.Seal(ctx, s.Site, clipName(c), key)
	if err != nil {
		return nil, err
	}
	write := func(dispatch.Result) (dispatch.Attachments, error) {
		// Of two processes that draw, one is first: remembering it lets no second one replace what seals already.
		once := &store.Remembered{Key: clipName(c), Until: s.At.Add(event.Day)}
		return dispatch.Attachments{Values: []store.Value{{Name: clipName(c), Sealed: sealed}}, Remember: once}, nil
	}
	_, err = d.Dispatch.Do(ctx, s.Site, site.Command{Facts: site.Facts{Actor: system}, Do: site.Tick{}}, write)
	if errors.Is(err, store.ErrExists) {
		return d.ClipKey(ctx, c)
	}
	return key, err
}
