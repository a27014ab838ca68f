package auth

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Mailbox is where somebody can be written to.
type Mailbox struct {
	// Address is the confirmed one, "" if there is none: somebody who reads its mail has followed a link in it.
	Address string
	// Pending is one that was named and not confirmed yet; "" if there is none.
	Pending string
	// At is when the confirmed address was confirmed.
	At event.Instant
}

// Mailboxes are people's e-mail addresses. An address stands sealed under the key of the person's site (a staff
// member's under the installation's own), and is found by a keyed hash: who has the store without the master key
// learns neither an address nor whether somebody's is in it. Safe for concurrent use.
type Mailboxes struct {
	deps  Deps
	vault *vault.Vault
}

// NewMailboxes works on the register's mailboxes.
func NewMailboxes(d Deps, v *vault.Vault) *Mailboxes { return &Mailboxes{d, v} }

// box is one address: sealed to be read, hashed to be found.
type box struct {
	Sealed []byte           `json:"sealed,omitempty"`
	Hash   event.Commitment `json:"hash,omitempty"`
	At     event.Instant    `json:"at,omitempty"`
}

// mailboxRecord is one person's.
type mailboxRecord struct {
	Confirmed box `json:"confirmed"`
	Pending   box `json:"pending"`
	// Left is the hash of the address before: should what found it still be there, it is erased with the rest.
	Left event.Commitment `json:"left,omitempty"`
}

// Of returns the member's mailbox; the zero value when none was ever named, or when it was erased.
func (m *Mailboxes) Of(ctx context.Context, member event.MemberID) (Mailbox, error) {
	return m.of(ctx, ofMember(member))
}

func (m *Mailboxes) of(ctx context.Context, h holder) (Mailbox, error) {
	r, _, err := load[mailboxRecord](ctx, m.deps.Register, kindMailbox, string(h))
	if err != nil {
		return Mailbox{}, absent(err, nil)
	}
	confirmed, err := m.open(ctx, h, r.Confirmed)
	if err != nil {
		return Mailbox{}, err
	}
	pending, err := m.open(ctx, h, r.Pending)
	return Mailbox{Address: confirmed, Pending: pending, At: r.Confirmed.At}, err
}

// open returns "" for no address, and for one of an erased site.
func (m *Mailboxes) open(ctx context.Context, h holder, b box) (string, error) {
	if b.Hash == "" {
		return "", nil
	}
	address, err := m.vault.Open(ctx, h.site(), "mailbox/"+string(h), b.Sealed)
	if errors.Is(err, vault.ErrErased) {
		return "", nil
	}
	return string(address), err
}

// propose names an address for the person, and returns its hash, by which a link that is sent there confirms it.
// Until then the earlier address stays the person's.
func (m *Mailboxes) propose(ctx context.Context, h holder, address string) (event.Commitment, error) {
	b, err := m.box(ctx, h, address)
	if err != nil {
		return "", err
	}
	return b.Hash, changeMailbox(ctx, m.deps, h, func(r *mailboxRecord) error {
		r.Pending = b
		return nil
	})
}

func (m *Mailboxes) box(ctx context.Context, h holder, address string) (box, error) {
	address, err := tidyAddress(address)
	if err != nil {
		return box{}, err
	}
	hashed, err := m.hash(ctx, address)
	if err != nil {
		return box{}, err
	}
	sealed, err := m.vault.Seal(ctx, h.site(), "mailbox/"+string(h), []byte(address))
	return box{Sealed: sealed, Hash: hashed, At: m.deps.now()}, err
}

// hash finds an address, however its ASCII letters are written. Other letters are not folded: two addresses that
// a mail server tells apart must never be one here.
func (m *Mailboxes) hash(ctx context.Context, tidy string) (event.Commitment, error) {
	return m.vault.Commit(ctx, vault.Own, "mailbox", asciiLower(tidy))
}

// found is somebody whose address was looked for.
type found struct {
	holder holder
	// address is as its owner wrote it. Mail goes there, never to what was typed by who asks.
	address string
}

// find returns everybody whose confirmed address has the hash, at most a household's worth of sites.
func (m *Mailboxes) find(ctx context.Context, hashed event.Commitment) ([]found, error) {
	const most = 50
	begin := string(hashed) + "/"
	records, err := m.deps.Register.List(ctx, kindAddress, begin, most)
	if err != nil {
		return nil, err
	}
	var all []found
	for _, r := range records {
		h, ours := strings.CutPrefix(r.ID, begin)
		if !ours {
			break
		}
		address, err := m.confirmed(ctx, holder(h), hashed)
		if err != nil {
			return nil, err
		}
		if address != "" {
			all = append(all, found{holder(h), address})
		}
	}
	return all, nil
}

// confirmed returns the holder's address if it has the hash. The person's own record decides: a row that finds it
// may be left over.
func (m *Mailboxes) confirmed(ctx context.Context, h holder, hashed event.Commitment) (string, error) {
	r, _, err := load[mailboxRecord](ctx, m.deps.Register, kindMailbox, string(h))
	if err != nil {
		return "", absent(err, nil)
	}
	if r.Confirmed.Hash != hashed {
		return "", nil
	}
	return m.open(ctx, h, r.Confirmed)
}

// confirm makes the pending address with this hash the person's own, after a link that was sent there came back.
// Nothing happens when another one is pending by now.
func confirm(ctx context.Context, d Deps, h holder, hashed event.Commitment) error {
	if hashed == "" {
		return nil
	}
	// What finds the record comes first: alone it says nothing.
	if err := point(ctx, d, h, hashed); err != nil {
		return err
	}
	var left event.Commitment
	err := changeMailbox(ctx, d, h, func(r *mailboxRecord) error {
		if r.Pending.Hash == hashed {
			r.Left = r.Confirmed.Hash
			r.Confirmed, r.Pending = r.Pending, box{}
			r.Confirmed.At = d.now()
		}
		left = r.Left
		return nil
	})
	if err != nil || left == "" || left == hashed {
		return err
	}
	return unpoint(ctx, d, h, left)
}

// point lets the hash of an address find the holder.
func point(ctx context.Context, d Deps, h holder, hashed event.Commitment) error {
	_, err := save(ctx, d.Register, store.Record{Kind: kindAddress, ID: string(hashed) + "/" + string(h)}, struct{}{})
	if errors.Is(err, store.ErrConflict) {
		return nil // it does already
	}
	return err
}

func unpoint(ctx context.Context, d Deps, h holder, hashed event.Commitment) error {
	return erase(ctx, d, kindAddress, string(hashed)+"/"+string(h))
}

// erase deletes a record, whatever its version; that there is none is fine.
func erase(ctx context.Context, d Deps, kind, id string) error {
	return retry(func() error {
		r, err := d.Register.Get(ctx, kind, id)
		if err != nil {
			return removed(err)
		}
		return removed(d.Register.Delete(ctx, kind, id, r.Version))
	})
}

func changeMailbox(ctx context.Context, d Deps, h holder, apply func(*mailboxRecord) error) error {
	return retry(func() error {
		r, version, err := load[mailboxRecord](ctx, d.Register, kindMailbox, string(h))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := apply(&r); err != nil {
			return err
		}
		_, err = save(ctx, d.Register, store.Record{Kind: kindMailbox, ID: string(h), Version: version}, r)
		return err
	})
}

// forgetMailbox erases the person's addresses, and what finds them.
func forgetMailbox(ctx context.Context, d Deps, h holder) error {
	r, _, err := load[mailboxRecord](ctx, d.Register, kindMailbox, string(h))
	if err != nil {
		return removed(err)
	}
	for _, hashed := range []event.Commitment{r.Confirmed.Hash, r.Pending.Hash, r.Left} {
		if err := unpoint(ctx, d, h, hashed); err != nil {
			return err
		}
	}
	return erase(ctx, d, kindMailbox, string(h))
}

// tidyAddress returns an address in the form to which mail is sent: one addr-spec (RFC 5322 section 3.4.1, RFC 6532),
// without name or quoting, its domain in ASCII. Errors: ErrAddress.
func tidyAddress(typed string) (string, error) {
	const longest = 254
	typed = norm.NFC.String(strings.TrimSpace(typed))
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Name != "" || parsed.Address != typed || len(typed) > longest {
		return "", ErrAddress
	}
	at := strings.LastIndexByte(typed, '@')
	local, domain := typed[:at], typed[at+1:]
	domain, err = idna.Lookup.ToASCII(domain)
	if err != nil || len(local) > 64 || !strings.Contains(domain, ".") || strings.ContainsAny(local, " \"<>()[]:;,\\") {
		return "", ErrAddress
	}
	return local + "@" + domain, nil
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
