package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/loquet/loquet/store"
)

// claims are what a provider says of a person.
type claims map[string]any

// identity is whom a provider vouches for.
type identity struct {
	issuer, subject string
	name            string
	// address is one that the provider has verified, or "".
	address string
	// role is what the claims give, or "".
	role StaffRole
}

func (c claims) identity(issuer, subject string, roles []RoleClaim) identity {
	who := identity{issuer: issuer, subject: subject, name: c.text("name"), role: c.role(roles)}
	if verified := c["email_verified"]; verified == true || verified == "true" {
		who.address, _ = tidyAddress(c.text("email")) // "" for what is none
	}
	who.name = clip(cmp.Or(strings.TrimSpace(who.name), c.text("preferred_username"), who.address, subject))
	return who
}

// clip keeps a provider's text to what an account's name may be.
func clip(s string) string {
	const longest = 100
	letters := []rune(strings.ToValidUTF8(s, ""))
	return string(letters[:min(len(letters), longest)])
}

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// role is the highest that any claim gives, "" for none.
func (c claims) role(roles []RoleClaim) StaffRole {
	var best StaffRole
	for _, r := range roles {
		if contains(c.values(r.Claim), r.Value) && (best == "" || r.Role.reaches(best)) {
			best = r.Role
		}
	}
	return best
}

// values are a claim's, as text.
func (c claims) values(name string) []string {
	switch v := c.value(name).(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, fmt.Sprint(one))
		}
		return all
	default:
		return []string{fmt.Sprint(v)}
	}
}

// value finds a claim by its whole name first, then along its dots.
func (c claims) value(name string) any {
	if v, ok := c[name]; ok {
		return v
	}
	head, rest, found := strings.Cut(name, ".")
	inside, is := c[head].(map[string]any)
	if !found || !is {
		return nil
	}
	return claims(inside).value(rest)
}

func contains(all []string, one string) bool { return slices.Contains(all, one) }

// key finds an account by the provider's name for the person, which no person is known by outside of it.
func (i identity) key() string {
	sum := sha256.Sum256([]byte(i.issuer + "\x00" + i.subject))
	return hex.EncodeToString(sum[:])
}

// arrive signs in whom the provider vouches for.
func (s *Staffs) arrive(ctx context.Context, who identity, a Arrival) (SignedIn, error) {
	id, err := s.recognise(ctx, who)
	if errors.Is(err, ErrTaken) { // the same person comes for the first time twice at once
		err = ErrOpenID
	}
	if err != nil {
		return SignedIn{}, err
	}
	in, err := s.begin(ctx, id, ByOpenID, a)
	if errors.Is(err, ErrStaff) {
		err = ErrNoRole
	}
	return in, err
}

func (s *Staffs) recognise(ctx context.Context, who identity) (StaffID, error) {
	known, _, err := load[staffPointer](ctx, s.deps.Register, kindStaffOpenID, who.key())
	if errors.Is(err, store.ErrNotFound) {
		return s.welcome(ctx, who)
	}
	if err != nil {
		return "", err
	}
	r, _, err := load[staffRecord](ctx, s.deps.Register, kindStaff, string(known.Staff))
	switch {
	case errors.Is(err, store.ErrNotFound): // its making broke off
		return s.welcome(ctx, who)
	case err != nil:
		return "", err
	case r.DisabledAt != 0:
		return "", ErrNoRole
	}
	return known.Staff, s.follow(ctx, known.Staff, r, who)
}

// follow takes over the role that the claims give, for an account that came from the provider: there it is withdrawn
// too. A role that an admin gave by hand stays.
func (s *Staffs) follow(ctx context.Context, id StaffID, r staffRecord, who identity) error {
	if !r.Provider || r.Role == who.role {
		return nil
	}
	if who.role == "" {
		return ErrNoRole
	}
	return s.update(ctx, id, func(r *staffRecord) { r.Role = who.role })
}

// welcome finds or makes the account of somebody who comes from the provider for the first time.
func (s *Staffs) welcome(ctx context.Context, who identity) (StaffID, error) {
	if who.address != "" {
		id, err := s.byAddress(ctx, who.address)
		if err == nil {
			return id, s.claim(ctx, kindStaffOpenID, who.key(), id)
		}
		if !errors.Is(err, ErrStaff) {
			return "", err
		}
	}
	if who.role == "" {
		return "", ErrNoRole
	}
	return s.adopt(ctx, who)
}

// adopt makes an account for somebody whom a claim gives a role.
func (s *Staffs) adopt(ctx context.Context, who identity) (StaffID, error) {
	id, err := s.draw()
	if err != nil {
		return "", err
	}
	if err := s.claim(ctx, kindStaffOpenID, who.key(), id); err != nil {
		return "", err
	}
	r := staffRecord{Role: who.role, Provider: true, CreatedAt: s.deps.now()}
	return id, s.create(ctx, id, NewStaff{Name: who.name, Address: who.address, Role: who.role}, r)
}

// depart ends the sessions of whom the provider has signed out; that nobody is known by that name is fine.
func (s *Staffs) depart(ctx context.Context, issuer, subject string) error {
	known, _, err := load[staffPointer](ctx, s.deps.Register, kindStaffOpenID, identity{issuer: issuer, subject: subject}.key())
	if err != nil {
		return removed(err)
	}
	return s.sittings.endAll(ctx, ofStaff(known.Staff), "")
}
