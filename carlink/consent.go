package carlink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// AskedFor is how long a customer may take on the maker's page.
const AskedFor = 10 * time.Minute

// asked is a consent that was begun in a session, and waits for the customer to come back.
type asked struct {
	Maker    string         `json:"maker"`
	Member   event.MemberID `json:"member"`
	Session  string         `json:"session"`
	Verifier string         `json:"verifier"`
}

// stateChars is how long a state is: 160 random bits.
const stateChars = 32

// Begin returns where the member's browser goes to consent. What comes back from there is good once, for AskedFor, in
// the same session. Errors: ErrMaker.
func (l *Links) Begin(ctx context.Context, m auth.Member, name string) (address string, err error) {
	mk := l.Makers[name]
	if mk == nil {
		return "", ErrMaker
	}
	state, err := l.draw(stateChars)
	if err != nil {
		return "", err
	}
	address, verifier := mk.Office().Begin(state)
	id := askedID(state)
	sealed, err := vault.SealJSON(ctx, l.Vault, m.Site(), sealedAs(askedKind, id), asked{name, m.ID(), m.Session(), verifier})
	if err != nil {
		return "", err
	}
	_, err = l.Register.Put(ctx, store.Record{Kind: askedKind, ID: id, Data: sealed, Until: event.InstantOf(l.Now().Add(AskedFor))})
	if err != nil {
		return "", fmt.Errorf("carlink: %w", err)
	}
	return address, nil
}

// askedID finds what was begun by the state that comes back, which is not kept.
func askedID(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}

// Back is what the maker sent the customer's browser back with.
type Back struct {
	State string
	Code  string
	// Error is the maker's word for a refusal; "" for none.
	Error string
	// User is the maker's name for the customer; "" where it tells none.
	User string
}

// Finish ends what Begin began in the same session, and returns the maker's name. Errors: ErrAsked; ErrDeclined, with the
// maker's name; and those of package device for a maker that does not answer.
func (l *Links) Finish(ctx context.Context, m auth.Member, b Back) (name string, err error) {
	a, err := l.spend(ctx, m, b.State)
	if err != nil {
		return "", err
	}
	mk := l.Makers[a.Maker]
	switch {
	case mk == nil:
		return "", ErrMaker
	case b.Error != "" || b.Code == "":
		return a.Maker, ErrDeclined
	}
	token, err := mk.Office().Finish(ctx, b.Code, a.Verifier)
	if errors.Is(err, device.ErrRevoked) { // the code was not taken: too late, or not the maker's
		return a.Maker, ErrDeclined
	}
	if err != nil {
		return a.Maker, err
	}
	k := key{m.Site(), a.Maker}
	if err := l.given(ctx, k, m.ID(), b.User); err != nil {
		return a.Maker, err
	}
	if err := l.consent(k).Give(ctx, token); err != nil {
		return a.Maker, err
	}
	l.again(ctx, k)
	return a.Maker, nil
}

// again has cars looked for that were chosen under a consent before. They are found at the next visit in any case.
func (l *Links) again(ctx context.Context, k key) {
	_, o, err := l.read(ctx, k)
	if err == nil && len(o.Cars) > 0 {
		err = l.sites.ConsentGiven(ctx, k.site, o.devices())
	}
	if err != nil {
		l.Log.WarnContext(ctx, "a household's cars are not looked for, whose consent was given again", slog.String("maker", k.maker), slog.Any("error", err))
	}
}

// spend takes what was begun: of any number who try at once, one succeeds. Somebody else's session spends nothing.
func (l *Links) spend(ctx context.Context, m auth.Member, state string) (a asked, err error) {
	id := askedID(state)
	r, err := l.Register.Get(ctx, askedKind, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && event.InstantOf(l.Now()) >= r.Until {
		return a, ErrAsked
	}
	if err != nil {
		return a, fmt.Errorf("carlink: %w", err)
	}
	a, err = vault.OpenJSON[asked](ctx, l.Vault, m.Site(), sealedAs(askedKind, id), r.Data)
	switch {
	case errors.Is(err, vault.ErrErased), errors.Is(err, vault.ErrUnreadable):
		return a, ErrAsked // another household's
	case err != nil:
		return a, err
	case a.Member != m.ID() || a.Session != m.Session():
		return a, ErrAsked
	}
	err = l.Register.Delete(ctx, askedKind, id, r.Version)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return a, ErrAsked
	}
	return a, err
}

// Connection is a household's consent at a maker.
type Connection struct {
	Maker string
	By    event.MemberID
	At    event.Instant
	// LostAt is when the maker was found to refuse it; 0 while it stands.
	LostAt event.Instant
	Cars   []Car
}

// Car is a vehicle that was chosen.
type Car struct {
	ID string
	// VIN, and what the maker said of it.
	VIN     string
	Model   string
	Year    int
	Devices []Reserved
}

// Connections are a household's, in order of the makers' names.
func (l *Links) Connections(ctx context.Context, at event.SiteID) ([]Connection, error) {
	var all []Connection
	for _, name := range l.Names() {
		c, o, err := l.read(ctx, key{at, name})
		if errors.Is(err, ErrNoConsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one := Connection{Maker: name, By: c.By, At: c.At, LostAt: c.LostAt}
		for _, x := range o.Cars {
			one.Cars = append(one.Cars, Car{ID: x.ID, VIN: x.VIN, Model: x.Model, Year: x.Year, Devices: x.Devices})
		}
		all = append(all, one)
	}
	return all, nil
}

// Withdraw ends a consent: the household's site is told, its devices are forgotten, and so are its tokens. Told says
// whether the maker took it, too; where it did not, the customer ends it in the maker's account. Errors: ErrNoConsent, those
// of Sites, with which nothing has changed, and the store's; it may be repeated.
func (l *Links) Withdraw(ctx context.Context, at event.SiteID, name string) (told bool, err error) {
	k := key{at, name}
	if l.Makers[name] == nil {
		return false, ErrMaker
	}
	_, o, err := l.read(ctx, k)
	if err != nil {
		return false, err
	}
	if err := l.forgetDevices(ctx, at, o.Cars); err != nil {
		return false, err
	}
	told = l.leave(ctx, k, o)
	if err := l.erase(ctx, k, o); err != nil {
		return told, err
	}
	l.drop(k)
	return told, l.discard(ctx, connectionKind, k.String())
}

// leave tells the maker, and says whether it took it.
func (l *Links) leave(ctx context.Context, k key, o owned) bool {
	mk, by := l.Makers[k.maker], l.consented(k, o)
	err := errors.Join(mk.Leave(ctx, by, ""), by.Withdraw(ctx))
	if err != nil {
		l.Log.WarnContext(ctx, "a maker was not told that a consent ended", slog.String("maker", k.maker), slog.Any("error", err))
	}
	return err == nil && !mk.About().Elsewhere
}

// erase removes what is kept beside the connection: tokens, and who has which car.
func (l *Links) erase(ctx context.Context, k key, o owned) error {
	err := l.discard(ctx, tokenKind, k.String())
	for _, c := range o.Cars {
		err = errors.Join(err, l.release(ctx, k, c.VIN))
	}
	return err
}

// forgetDevices tells the site first: from then on nothing opens them.
func (l *Links) forgetDevices(ctx context.Context, at event.SiteID, cars []car) error {
	ids := owned{Cars: cars}.devices()
	if len(ids) == 0 {
		return nil
	}
	if err := l.sites.CarsParted(ctx, at, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := l.fleet.Remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Forget withdraws all that a household consented to. It may be repeated. Whether makers could be told changes nothing:
// without tokens nobody can ask them for anything.
func (l *Links) Forget(ctx context.Context, at event.SiteID) error {
	for _, name := range l.Names() {
		if _, err := l.Withdraw(ctx, at, name); err != nil && !errors.Is(err, ErrNoConsent) {
			return err
		}
	}
	return nil
}
