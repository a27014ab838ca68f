package auth

import (
	"fmt"
	"slices"
	"time"

	"github.com/loquet/loquet/event"
)

// StaffLife is how long a session of the operator's staff lasts at most, a long shift; StaffIdle how long without
// being used (noted each ten minutes). An open live page uses it.
const (
	StaffLife = 12 * time.Hour
	StaffIdle = 2 * time.Hour
)

// StaffID names an account of the operator's staff. It is drawn, and never used again.
type StaffID string

// StaffRole is what somebody of the operator's staff may do. Each role may do what those before it may.
type StaffRole string

// Roles of staff.
const (
	// Viewer sees the board and the stories, without personal data.
	Viewer StaffRole = "viewer"
	// Dispatcher books, answers alarms, suspends couriers, and sees personal data, each look recorded.
	Dispatcher StaffRole = "dispatcher"
	// Admin also keeps staff accounts and devices, and sees the list of API keys.
	Admin StaffRole = "admin"
)

// StaffRoles lists the roles, each with more rights than the one before.
func StaffRoles() []StaffRole { return []StaffRole{Viewer, Dispatcher, Admin} }

// reaches says whether the role may do what the other may. A role that is none may do nothing.
func (r StaffRole) reaches(other StaffRole) bool {
	mine, theirs := slices.Index(StaffRoles(), r), slices.Index(StaffRoles(), other)
	return theirs >= 0 && mine >= theirs
}

// scopes are what the role may ask of the API in the person's own name. A viewer's show no name, address or picture:
// sites:read shows addresses, and couriers:write names.
func (r StaffRole) scopes() []Scope {
	switch r {
	case Viewer:
		return []Scope{DeliveriesRead, JournalsRead}
	case Dispatcher:
		return []Scope{SitesRead, SitesWrite, CouriersWrite, DeliveriesRead, DeliveriesWrite, DeliveriesBlock, JournalsRead, PicturesRead, AlarmsWrite, StoriesRead}
	case Admin:
		return Scopes()
	default:
		return nil
	}
}

// Staff is somebody of the operator's staff who is signed in. Only this package makes one.
type Staff struct {
	sitting
	id   StaffID
	name string
	role StaffRole
}

// ID is the account.
func (s Staff) ID() StaffID { return s.id }

// Name is what colleagues call the person.
func (s Staff) Name() string { return s.name }

// Role is what the person may do, as it stood when the request began.
func (s Staff) Role() StaffRole { return s.role }

// Require returns nil if the person may do what the role may, and an error that wraps ErrRole otherwise.
func (s Staff) Require(r StaffRole) error {
	if !s.role.reaches(r) {
		return fmt.Errorf("%w: it needs the role %s", ErrRole, r)
	}
	return nil
}

// Client is the person as the API knows callers: an operator, with the scopes of the role. Journals and the record of
// looks so name the person, as "staff/<id>".
func (s Staff) Client() Client {
	if s.id == "" {
		return Client{}
	}
	return Client{key: string(s.holder()), role: Operator, identity: string(s.holder()), scopes: s.role.scopes()}
}

// Actor is the person as journals name it.
func (s Staff) Actor() event.Actor { return s.Client().Actor() }

func (s Staff) holder() holder { return ofStaff(s.id) }
