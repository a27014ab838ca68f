package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// NewStaff is an account to be made.
type NewStaff struct {
	// Name is what colleagues call the person, 1 to 100 characters.
	Name string
	// Address is where links to sign in are sent.
	Address string
	Role    StaffRole
}

func (n NewStaff) check() error {
	const longest = 100
	if strings.TrimSpace(n.Name) == "" || !utf8.ValidString(n.Name) || utf8.RuneCountInString(n.Name) > longest {
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrRequest, longest)
	}
	if !n.Role.reaches(Viewer) {
		return fmt.Errorf("%w: the roles are viewer, dispatcher and admin", ErrRequest)
	}
	return nil
}

// Account is an account of the operator's staff, as an admin sees it listed.
type Account struct {
	ID      StaffID
	Name    string
	Address string
	Role    StaffRole
	// Provider says that the account came with a sign-in at the identity provider, which decides its role.
	Provider  bool
	CreatedAt event.Instant
	// ChangedBy is who changed it last, and ChangedAt when; "" and 0 when nobody did.
	ChangedBy StaffID
	ChangedAt event.Instant
	// DisabledAt is 0 while the person may sign in.
	DisabledAt event.Instant
}

// staffRecord is how an account is stored.
type staffRecord struct {
	// Sealed is the name.
	Sealed     []byte        `json:"sealed"`
	Role       StaffRole     `json:"role"`
	Provider   bool          `json:"provider,omitempty"`
	CreatedAt  event.Instant `json:"createdAt"`
	ChangedBy  StaffID       `json:"changedBy,omitempty"`
	ChangedAt  event.Instant `json:"changedAt,omitempty"`
	DisabledAt event.Instant `json:"disabledAt,omitempty"`
}

// staffPointer finds an account: by its address's hash, or by the identity provider's name for the person.
type staffPointer struct {
	Staff StaffID       `json:"staff"`
	At    event.Instant `json:"at"`
}

// claimLife is how long a claim stands without its account: far longer than making one takes.
const claimLife = event.Minute

// Staffs are the accounts and sessions of the operator's staff. Safe for concurrent use.
type Staffs struct {
	deps      Deps
	vault     *vault.Vault
	mailboxes *Mailboxes
	links     book
	sittings  sittings
	gate      gate
}

// NewStaffs works on the register's staff accounts.
func NewStaffs(d Deps, v *vault.Vault) *Staffs {
	return &Staffs{
		deps: d, vault: v, mailboxes: NewMailboxes(d, v),
		links:    book{d, kindStaffLink, prefixStaffLink, ErrLink},
		sittings: sittings{book{d, kindStaffSession, prefixStaffSession, ErrSession}, StaffLife, StaffIdle, 10 * time.Minute},
		gate:     newGate(d.Now),
	}
}

// Add makes an account, and a link that signs the person in once. It is for somebody at the server's own console, who
// so makes the first admin; admins invite others by Links.InviteStaff. Errors: ErrRequest, ErrAddress, ErrTaken, and
// the store's.
func (s *Staffs) Add(ctx context.Context, n NewStaff) (Account, Link, error) {
	a, err := s.add(ctx, n, "")
	if err != nil {
		return Account{}, Link{}, err
	}
	link, err := s.links.link(ctx, ofStaff(a.ID), "")
	return a, link, err
}

func (s *Staffs) add(ctx context.Context, n NewStaff, by StaffID) (Account, error) {
	if n.Address == "" {
		return Account{}, ErrAddress
	}
	id, err := s.draw()
	if err != nil {
		return Account{}, err
	}
	r := staffRecord{Role: n.Role, CreatedAt: s.deps.now()}
	if by != "" {
		r.ChangedBy, r.ChangedAt = by, r.CreatedAt
	}
	if err := s.create(ctx, id, n, r); err != nil {
		return Account{}, err
	}
	return s.account(ctx, id)
}

// create makes a new account, with an address or without. The account itself comes last: until it is there, its
// address says nothing and can be taken again.
func (s *Staffs) create(ctx context.Context, id StaffID, n NewStaff, r staffRecord) error {
	if err := n.check(); err != nil {
		return err
	}
	if n.Address != "" {
		b, err := s.mailboxes.box(ctx, ofStaff(id), n.Address)
		if err != nil {
			return err
		}
		if err := s.claim(ctx, kindStaffAddress, string(b.Hash), id); err != nil {
			return err
		}
		if err := s.settle(ctx, id, b); err != nil {
			return err
		}
	}
	return s.write(ctx, id, r, n.Name)
}

func (s *Staffs) draw() (StaffID, error) {
	id, _, err := mint(s.deps.Random, "", "")
	return StaffID(id), err
}

// claim lets a name find the account, unless it finds another: each address, and each of the provider's names, is one
// account's. A claim whose account was never written, because the server died in between, gives way after a minute.
func (s *Staffs) claim(ctx context.Context, kind, name string, id StaffID) error {
	return retry(func() error {
		holder, version, err := load[staffPointer](ctx, s.deps.Register, kind, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := s.deps.now()
		if version > 0 {
			if err := s.stands(ctx, holder, now); err != nil {
				return err
			}
		}
		_, err = save(ctx, s.deps.Register, store.Record{Kind: kind, ID: name, Version: version}, staffPointer{id, now})
		return err
	})
}

// stands returns ErrTaken while a claim counts.
func (s *Staffs) stands(ctx context.Context, p staffPointer, now event.Instant) error {
	if now.Since(p.At) < claimLife {
		return ErrTaken
	}
	_, err := s.deps.Register.Get(ctx, kindStaff, string(p.Staff))
	if err == nil {
		return ErrTaken
	}
	return removed(err)
}

// settle makes an address the account's own: who made the account vouches for it.
func (s *Staffs) settle(ctx context.Context, id StaffID, b box) error {
	h := ofStaff(id)
	if err := changeMailbox(ctx, s.deps, h, func(r *mailboxRecord) error { r.Pending = b; return nil }); err != nil {
		return err
	}
	return confirm(ctx, s.deps, h, b.Hash)
}

// write makes a new account's record.
func (s *Staffs) write(ctx context.Context, id StaffID, r staffRecord, name string) (err error) {
	if r.Sealed, err = s.vault.Seal(ctx, vault.Own, nameOf(id), []byte(name)); err != nil {
		return err
	}
	_, err = save(ctx, s.deps.Register, store.Record{Kind: kindStaff, ID: string(id)}, r)
	return err
}

func nameOf(id StaffID) string { return "name/" + string(ofStaff(id)) }

// account reads one account, disabled or not. Errors: ErrStaff, and the store's.
func (s *Staffs) account(ctx context.Context, id StaffID) (Account, error) {
	r, _, err := load[staffRecord](ctx, s.deps.Register, kindStaff, string(id))
	if err != nil {
		return Account{}, absent(err, ErrStaff)
	}
	return s.open(ctx, id, r)
}

func (s *Staffs) open(ctx context.Context, id StaffID, r staffRecord) (Account, error) {
	name, err := s.vault.Open(ctx, vault.Own, nameOf(id), r.Sealed)
	if err != nil {
		return Account{}, err
	}
	box, err := s.mailboxes.of(ctx, ofStaff(id))
	if err != nil {
		return Account{}, err
	}
	return Account{ID: id, Name: string(name), Address: box.Address, Role: r.Role, Provider: r.Provider, CreatedAt: r.CreatedAt,
		ChangedBy: r.ChangedBy, ChangedAt: r.ChangedAt, DisabledAt: r.DisabledAt}, nil
}

// List returns every account, in order of name, disabled ones too. Errors: ErrRole, and the store's.
func (s *Staffs) List(ctx context.Context, by Staff) ([]Account, error) {
	if err := by.Require(Admin); err != nil {
		return nil, err
	}
	const page = 100
	var all []Account
	for after := ""; ; {
		records, err := s.deps.Register.List(ctx, kindStaff, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			data, err := decode[staffRecord](r)
			if err != nil {
				return nil, err
			}
			a, err := s.open(ctx, StaffID(r.ID), data)
			if err != nil {
				return nil, err
			}
			all = append(all, a)
		}
		if len(records) < page {
			break
		}
		after = records[len(records)-1].ID
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// SetRole changes what a colleague may do, from that colleague's next request on. Nobody changes the own role, so one
// admin always remains. Errors: ErrRole, ErrOwnAccount, ErrRequest, ErrStaff, and the store's.
func (s *Staffs) SetRole(ctx context.Context, by Staff, id StaffID, role StaffRole) error {
	if !role.reaches(Viewer) {
		return fmt.Errorf("%w: the roles are viewer, dispatcher and admin", ErrRequest)
	}
	return s.change(ctx, by, id, func(r *staffRecord) { r.Role = role })
}

// Disable ends a colleague's sessions and links at once, and lets that account sign in no more. Errors: as SetRole.
func (s *Staffs) Disable(ctx context.Context, by Staff, id StaffID) error {
	err := s.change(ctx, by, id, func(r *staffRecord) {
		if r.DisabledAt == 0 {
			r.DisabledAt = s.deps.now()
		}
	})
	if err != nil {
		return err
	}
	// The account itself refuses from here on: what follows only tidies, and may be repeated.
	if err := s.links.endAll(ctx, ofStaff(id), ""); err != nil {
		return err
	}
	return s.sittings.endAll(ctx, ofStaff(id), "")
}

// Enable lets a disabled account sign in again. Errors: as SetRole.
func (s *Staffs) Enable(ctx context.Context, by Staff, id StaffID) error {
	return s.change(ctx, by, id, func(r *staffRecord) { r.DisabledAt = 0 })
}

func (s *Staffs) change(ctx context.Context, by Staff, id StaffID, apply func(*staffRecord)) error {
	if err := by.Require(Admin); err != nil {
		return err
	}
	if by.id == id {
		return ErrOwnAccount
	}
	return s.update(ctx, id, func(r *staffRecord) {
		apply(r)
		r.ChangedBy, r.ChangedAt = by.id, s.deps.now()
	})
}

func (s *Staffs) update(ctx context.Context, id StaffID, apply func(*staffRecord)) error {
	return retry(func() error {
		r, version, err := load[staffRecord](ctx, s.deps.Register, kindStaff, string(id))
		if err != nil {
			return absent(err, ErrStaff)
		}
		apply(&r)
		_, err = save(ctx, s.deps.Register, store.Record{Kind: kindStaff, ID: string(id), Version: version}, r)
		return err
	})
}

// Link makes another link for the account with this address. It is for somebody at the server's own console. Errors:
// ErrAddress, ErrStaff (a disabled account too), and the store's.
func (s *Staffs) Link(ctx context.Context, address string) (Link, error) {
	id, err := s.byAddress(ctx, address)
	if err != nil {
		return Link{}, err
	}
	if _, err := s.enabled(ctx, id); err != nil {
		return Link{}, err
	}
	return s.links.link(ctx, ofStaff(id), "")
}

// byAddress finds an account, disabled or not. Errors: ErrAddress, ErrStaff, and the store's.
func (s *Staffs) byAddress(ctx context.Context, address string) (StaffID, error) {
	address, err := tidyAddress(address)
	if err != nil {
		return "", err
	}
	hashed, err := s.mailboxes.hash(ctx, address)
	if err != nil {
		return "", err
	}
	p, _, err := load[staffPointer](ctx, s.deps.Register, kindStaffAddress, string(hashed))
	if err == nil {
		_, err = s.deps.Register.Get(ctx, kindStaff, string(p.Staff)) // its making may have broken off
	}
	return p.Staff, absent(err, ErrStaff)
}

// enabled reads an account's record. Errors: ErrStaff when it is unknown or disabled, and the store's.
func (s *Staffs) enabled(ctx context.Context, id StaffID) (staffRecord, error) {
	r, _, err := load[staffRecord](ctx, s.deps.Register, kindStaff, string(id))
	if err != nil {
		return staffRecord{}, absent(err, ErrStaff)
	}
	if r.DisabledAt != 0 {
		return staffRecord{}, ErrStaff
	}
	return r, nil
}

// staff is the person behind an account that may sign in.
func (s *Staffs) staff(ctx context.Context, id StaffID, in sitting) (Staff, error) {
	r, err := s.enabled(ctx, id)
	if err != nil {
		return Staff{}, err
	}
	name, err := s.vault.Open(ctx, vault.Own, nameOf(id), r.Sealed)
	return Staff{in, id, string(name), r.Role}, err
}

// redeem spends a staff link. Errors: as Sessions.Redeem.
func (s *Staffs) redeem(ctx context.Context, token string, a Arrival) (SignedIn, error) {
	if err := s.gate.allow(a.From); err != nil {
		return SignedIn{}, err
	}
	t, err := s.links.spend(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	in, err := s.begin(ctx, t.Holder.staff(), ByLink, a)
	if errors.Is(err, ErrStaff) {
		err = ErrLink
	}
	return in, err
}

// begin signs the account in. Errors: ErrStaff when it is unknown or disabled, and the store's.
func (s *Staffs) begin(ctx context.Context, id StaffID, way Way, a Arrival) (SignedIn, error) {
	if _, err := s.enabled(ctx, id); err != nil {
		return SignedIn{}, err
	}
	in, token, until, err := s.sittings.begin(ctx, ofStaff(id), way, a)
	if err != nil {
		return SignedIn{}, err
	}
	who, err := s.staff(ctx, id, in)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Staff: who, Token: token, Until: until}, nil
}

// Check returns who of the staff is signed in with this token, with the role as it stands now, and notes now and then
// that the session is used. Errors: ErrSession, and the store's.
func (s *Staffs) Check(ctx context.Context, token string) (Staff, error) {
	h, in, err := s.sittings.check(ctx, token)
	if err != nil {
		return Staff{}, err
	}
	who, err := s.staff(ctx, h.staff(), in)
	if errors.Is(err, ErrStaff) {
		err = ErrSession
	}
	return who, err
}

// Sessions returns the person's own sessions that still work, the last used first.
func (s *Staffs) Sessions(ctx context.Context, who Staff) ([]Session, error) {
	return s.sittings.list(ctx, who.holder())
}

// End ends one of the person's own sessions; that it has ended already is not an error. Errors: ErrSession when it is
// somebody else's, and the store's.
func (s *Staffs) End(ctx context.Context, who Staff, id string) error {
	return s.sittings.end(ctx, who.holder(), id)
}

// EndOthers ends the person's own sessions but the one that asks.
func (s *Staffs) EndOthers(ctx context.Context, who Staff) error {
	return s.sittings.endAll(ctx, who.holder(), who.Session())
}
