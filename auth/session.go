package auth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loquet/loquet/event"
)

// How long a sign-in link and a member's session last: a session ends SessionLife after it was begun, and when it
// was not used for SessionIdle (noted each hour).
const (
	LinkLife    = time.Hour
	SessionLife = 30 * 24 * time.Hour
	SessionIdle = 14 * 24 * time.Hour
)

// Member is who is signed in. Only this package makes one. Whether that person still decides at the site is the
// site's own decision, each time.
type Member struct {
	sitting
	member event.MemberID
}

// Site is where the member decides.
func (m Member) Site() event.SiteID { return event.SiteOf(m.member) }

// ID is the member.
func (m Member) ID() event.MemberID { return m.member }

// Actor is the member as journals name it.
func (m Member) Actor() event.Actor {
	return event.Actor{Kind: event.ActorMember, ID: string(m.member)}
}

func (m Member) holder() holder { return ofMember(m.member) }

// Link is a one-time link's token.
type Link struct {
	Token string
	Until event.Instant
}

// SignedIn is a session just begun, a member's or one of the staff's: the other is the zero value. Token goes into
// the cookie that Cookie makes.
type SignedIn struct {
	Member Member
	Staff  Staff
	Token  string
	// Until is when the session ends at the latest.
	Until event.Instant
}

// Person is who signed in.
func (s SignedIn) Person() Person {
	if s.Staff.id != "" {
		return s.Staff
	}
	return s.Member
}

// Session is a session as its own person sees it listed.
type Session struct {
	ID  string
	Way Way
	// Browser is a label such as "Firefox, Android", "" when it is not known.
	Browser string
	BegunAt event.Instant
	// SeenAt is when it was last used, to an hour (staff: to ten minutes).
	SeenAt event.Instant
	// Until is when it ends if it is not used any more.
	Until     event.Instant
	PasskeyAt event.Instant
}

func lastUsedFirst(s []Session) []Session {
	slices.SortStableFunc(s, func(a, b Session) int {
		return cmp.Or(cmp.Compare(b.SeenAt, a.SeenAt), cmp.Compare(b.BegunAt, a.BegunAt), cmp.Compare(a.ID, b.ID))
	})
	return s
}

// Sessions are the members' sessions of an installation. Safe for concurrent use.
type Sessions struct {
	deps     Deps
	links    book
	sittings sittings
	gate     gate
}

// NewSessions works on the register's sessions.
func NewSessions(d Deps) *Sessions {
	return &Sessions{
		deps:     d,
		links:    book{d, kindLink, prefixLink, ErrLink},
		sittings: sittings{book{d, kindSession, prefixSession, ErrSession}, SessionLife, SessionIdle, time.Hour},
		gate:     newGate(d.Now),
	}
}

// Invite makes a link that signs the member in once. It is for somebody at the server's own console, or for the
// member's own mailbox: never an answer to an API key. Errors: ErrRequest, and the store's.
func (s *Sessions) Invite(ctx context.Context, member event.MemberID) (Link, error) {
	return s.invite(ctx, member, "")
}

func (s *Sessions) invite(ctx context.Context, member event.MemberID, address event.Commitment) (Link, error) {
	if err := event.CheckID(member, 'm'); err != nil {
		return Link{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return s.links.link(ctx, ofMember(member), address)
}

// Redeem spends a member's link and begins a session, always under a new token of our own making. If the link had
// been sent to an address, that is the member's from now on. Errors: ErrLink, *TooMany, and the store's; after one
// that leaves the outcome open, the link may be spent, and nobody is signed in.
func (s *Sessions) Redeem(ctx context.Context, token string, a Arrival) (SignedIn, error) {
	if err := s.gate.allow(a.From); err != nil {
		return SignedIn{}, err
	}
	t, err := s.links.spend(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	if err := confirm(ctx, s.deps, t.Holder, t.Address); err != nil {
		return SignedIn{}, err
	}
	return s.begin(ctx, t.Holder.member(), ByLink, a)
}

func (s *Sessions) begin(ctx context.Context, member event.MemberID, way Way, a Arrival) (SignedIn, error) {
	now, token, until, err := s.sittings.begin(ctx, ofMember(member), way, a)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Member: Member{now, member}, Token: token, Until: until}, nil
}

// Check returns who is signed in with this token, and notes now and then that the session is used. Errors:
// ErrSession, and the store's.
func (s *Sessions) Check(ctx context.Context, token string) (Member, error) {
	h, now, err := s.sittings.check(ctx, token)
	if err != nil {
		return Member{}, err
	}
	return Member{now, h.member()}, nil
}

// List returns the member's own sessions that still work, the last used first.
func (s *Sessions) List(ctx context.Context, m Member) ([]Session, error) {
	return s.sittings.list(ctx, m.holder())
}

// Lasts says whether a session of the member's still works: it was neither ended nor has it run out.
func (s *Sessions) Lasts(ctx context.Context, m event.MemberID, id string) (bool, error) {
	return s.sittings.lasts(ctx, ofMember(m), id)
}

// End ends one of the member's own sessions; that it has ended already is not an error. Errors: ErrSession when
// it is somebody else's, and the store's.
func (s *Sessions) End(ctx context.Context, m Member, id string) error {
	return s.sittings.end(ctx, m.holder(), id)
}

// EndOthers ends the member's own sessions but the one that asks.
func (s *Sessions) EndOthers(ctx context.Context, m Member) error {
	return s.sittings.endAll(ctx, m.holder(), m.Session())
}

// EndAll ends every session and open link of a member who lost a phone.
func (s *Sessions) EndAll(ctx context.Context, member event.MemberID) error {
	// Links first: one that is being spent meanwhile leaves its session to the second pass.
	if err := s.links.endAll(ctx, ofMember(member), ""); err != nil {
		return err
	}
	return s.sittings.endAll(ctx, ofMember(member), "")
}

// Forget ends everything by which somebody who left the site could come back (mailbox, passkeys, links and
// sessions), and erases it. It may be repeated.
func (s *Sessions) Forget(ctx context.Context, member event.MemberID) error {
	h := ofMember(member)
	if err := forgetMailbox(ctx, s.deps, h); err != nil {
		return err
	}
	if err := forgetPasskeys(ctx, s.deps, h); err != nil {
		return err
	}
	return s.EndAll(ctx, member)
}
