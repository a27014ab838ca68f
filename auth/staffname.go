package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/loquet/loquet/vault"
)

// NameOf is what colleagues call whoever acted under an identity, as journals and the record of looks name it
// ("staff/<id>"), disabled or not; "" for an identity that is none of the staff's. Errors: ErrRole for nobody, and the
// store's.
func (s *Staffs) NameOf(ctx context.Context, by Staff, identity string) (string, error) {
	if err := by.Require(Viewer); err != nil {
		return "", err
	}
	id, staff := strings.CutPrefix(identity, string(ofStaff("")))
	if !staff {
		return "", nil
	}
	r, _, err := load[staffRecord](ctx, s.deps.Register, kindStaff, id)
	if err != nil {
		if err = absent(err, ErrStaff); errors.Is(err, ErrStaff) {
			return "", nil
		}
		return "", err
	}
	name, err := s.vault.Open(ctx, vault.Own, nameOf(StaffID(id)), r.Sealed)
	return string(name), err
}
