package auth

import (
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vault"
)

// Person is somebody who is signed in with a session: a Member or one of the Staff. No other type can be one.
type Person interface {
	// Session is the identifier of the session; no secret.
	Session() string
	// Way is how the session was begun.
	Way() Way
	// BegunAt is when.
	BegunAt() event.Instant
	// PasskeyAt is when the person last showed a passkey in this session, 0 if never.
	PasskeyAt() event.Instant

	holder() holder
}

// Way is how a session was begun.
type Way string

// Ways to sign in.
const (
	ByLink    Way = "link"
	ByPasskey Way = "passkey"
	ByOpenID  Way = "openid"
)

// sitting is what a person is known by beside the name: the session.
type sitting struct {
	session   string
	way       Way
	begunAt   event.Instant
	passkeyAt event.Instant
}

// Session is the identifier of the session; no secret.
func (s sitting) Session() string { return s.session }

// Way is how the session was begun.
func (s sitting) Way() Way { return s.way }

// BegunAt is when the session was begun.
func (s sitting) BegunAt() event.Instant { return s.begunAt }

// PasskeyAt is when a passkey was last shown in this session, 0 if never. A passkey always verifies the person: by
// fingerprint, face or PIN.
func (s sitting) PasskeyAt() event.Instant { return s.passkeyAt }

// RecentFor is how long after signing in, or after showing a passkey again, a person may change how to sign in.
const RecentFor = 15 * time.Minute

// Recent says whether the person signed in, or showed a passkey, at most RecentFor ago. What opens the account to
// others for good (a new passkey, another address) asks for it, so that a session left open on a shared computer, or
// stolen, is not enough.
func Recent(p Person, now event.Instant) bool {
	return within(max(p.BegunAt(), p.PasskeyAt()), now, RecentFor)
}

// FreshPasskey says whether the person showed a passkey in this session at most the given time ago: that it is
// really this person, now, at this device.
func FreshPasskey(p Person, now event.Instant, limit time.Duration) bool {
	return p.PasskeyAt() != 0 && within(p.PasskeyAt(), now, limit)
}

func within(at, now event.Instant, limit time.Duration) bool {
	return now.Since(at) <= event.Millis(limit/time.Millisecond)
}

// holder is whose a session, a link, a mailbox or a passkey is: "member/k3v9-m2" or "staff/…". Everything that is
// kept for a person stands under it.
type holder string

const (
	holdsMember = "member/"
	holdsStaff  = "staff/"
)

func ofMember(id event.MemberID) holder { return holder(holdsMember + string(id)) }

func ofStaff(id StaffID) holder { return holder(holdsStaff + string(id)) }

// member returns "" for staff.
func (h holder) member() event.MemberID {
	id, is := strings.CutPrefix(string(h), holdsMember)
	if !is {
		return ""
	}
	return event.MemberID(id)
}

// staff returns "" for a member.
func (h holder) staff() StaffID {
	id, is := strings.CutPrefix(string(h), holdsStaff)
	if !is {
		return ""
	}
	return StaffID(id)
}

// site is under whose key the holder's personal values are sealed: erasing the site erases them.
func (h holder) site() event.SiteID {
	if m := h.member(); m != "" {
		return event.SiteOf(m)
	}
	return vault.Own
}

// begin is how the identifiers of the holder's tickets begin: a site's stand together, and one staff member's.
func (h holder) begin() string {
	switch {
	case h.member() != "":
		return string(event.SiteOf(h.member())) + "-"
	case h.staff() != "":
		return string(h.staff()) + "-"
	default:
		return ""
	}
}
