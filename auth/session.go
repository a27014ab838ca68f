package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// How long a sign-in link and a session last. A session ends then, used or not.
const (
	LinkLife    = time.Hour
	SessionLife = 30 * 24 * time.Hour
)

// Member is who is signed in. Only Sessions make one. Whether that person still decides at the site is the
// site's own decision, each time.
type Member struct {
	member  event.MemberID
	session string
}

// Site is where the member decides.
func (m Member) Site() event.SiteID { return event.SiteOf(m.member) }

// ID is the member.
func (m Member) ID() event.MemberID { return m.member }

// Session is the identifier of the session; no secret.
func (m Member) Session() string { return m.session }

// Actor is the member as journals name it.
func (m Member) Actor() event.Actor {
	return event.Actor{Kind: event.ActorMember, ID: string(m.member)}
}

// Link is a one-time link's token.
type Link struct {
	Token string
	Until event.Instant
}

// SignedIn is a session just begun. Token goes into a cookie that scripts and other hosts can't read (__Host-,
// Secure, HttpOnly, SameSite=Lax).
type SignedIn struct {
	Member Member
	Token  string
	Until  event.Instant
}

// Session is a session as it is listed.
type Session struct {
	ID      string
	Member  event.MemberID
	BegunAt event.Instant
	Until   event.Instant
}

// ticket is how links and sessions are stored. Their identifiers begin with "<site>-", so that a site's stand
// together.
type ticket struct {
	Hash   []byte         `json:"hash"`
	Member event.MemberID `json:"member"`
	MadeAt event.Instant  `json:"madeAt"`
	Until  event.Instant  `json:"until"`
}

// Sessions are the members' sessions of an installation. Safe for concurrent use.
type Sessions struct{ deps Deps }

// NewSessions works on the register's sessions.
func NewSessions(d Deps) *Sessions { return &Sessions{d} }

// Invite makes a link that signs the member in once. It is for somebody at the server's own console, or for the
// member's own mailbox: never an answer to an API key. Errors: ErrRequest, and the store's.
func (s *Sessions) Invite(ctx context.Context, member event.MemberID) (Link, error) {
	if err := event.CheckID(member, 'm'); err != nil {
		return Link{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	_, token, until, err := s.issue(ctx, kindLink, prefixLink, member, LinkLife)
	if err != nil {
		return Link{}, err
	}
	return Link{token, until}, nil
}

// Redeem spends a link and begins a session, always under a new token of our own making. Errors: ErrLink, and the
// store's; after one that leaves the outcome open, the link may be spent, and nobody is signed in.
func (s *Sessions) Redeem(ctx context.Context, token string) (SignedIn, error) {
	id, t, version, err := s.find(ctx, kindLink, prefixLink, token, ErrLink)
	if err != nil {
		return SignedIn{}, err
	}
	err = s.deps.Register.Delete(ctx, kindLink, id, version)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return SignedIn{}, ErrLink
	}
	if err != nil {
		return SignedIn{}, err
	}
	session, secret, until, err := s.issue(ctx, kindSession, prefixSession, t.Member, SessionLife)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Member{t.Member, session}, secret, until}, nil
}

// Check returns who is signed in with this token. Errors: ErrSession, and the store's.
func (s *Sessions) Check(ctx context.Context, token string) (Member, error) {
	id, t, _, err := s.find(ctx, kindSession, prefixSession, token, ErrSession)
	if err != nil {
		return Member{}, err
	}
	return Member{t.Member, id}, nil
}

// List returns the member's own sessions that still work, in order of identifier.
func (s *Sessions) List(ctx context.Context, m Member) ([]Session, error) {
	var sessions []Session
	now := s.deps.now()
	err := s.each(ctx, kindSession, m.member, func(r store.Record, t ticket) error {
		if now < t.Until {
			sessions = append(sessions, Session{r.ID, t.Member, t.MadeAt, t.Until})
		}
		return nil
	})
	return sessions, err
}

// End ends one of the member's own sessions; that it has ended already is not an error. Errors: ErrSession when
// it is somebody else's, and the store's.
func (s *Sessions) End(ctx context.Context, m Member, id string) error {
	return retry(func() error {
		t, version, err := load[ticket](ctx, s.deps.Register, kindSession, id)
		if err != nil {
			return removed(err)
		}
		if t.Member != m.member {
			return ErrSession
		}
		return removed(s.deps.Register.Delete(ctx, kindSession, id, version))
	})
}

// EndAll ends every session and open link of a member, who left the site or lost a phone.
func (s *Sessions) EndAll(ctx context.Context, member event.MemberID) error {
	// Links first: one that is being spent meanwhile leaves its session to the second pass.
	for _, kind := range []string{kindLink, kindSession} {
		err := s.each(ctx, kind, member, func(r store.Record, _ ticket) error {
			return removed(s.deps.Register.Delete(ctx, kind, r.ID, r.Version))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Sessions) issue(
	ctx context.Context, kind, prefix string, member event.MemberID, life time.Duration,
) (id, token string, until event.Instant, err error) {
	id, token, err = mint(s.deps.Random, prefix, string(event.SiteOf(member))+"-")
	if err != nil {
		return "", "", 0, err
	}
	now := s.deps.Now()
	t := ticket{hash(token), member, event.InstantOf(now), event.InstantOf(now.Add(life))}
	_, err = save(ctx, s.deps.Register, store.Record{Kind: kind, ID: id, Until: t.Until}, t)
	return id, token, t.Until, err
}

func (s *Sessions) find(
	ctx context.Context, kind, prefix, token string, refusal error,
) (id string, t ticket, version uint64, err error) {
	id, ok := tokenID(prefix, token)
	if !ok {
		return "", ticket{}, 0, refusal
	}
	t, version, err = load[ticket](ctx, s.deps.Register, kind, id)
	if err != nil {
		return "", ticket{}, 0, absent(err, refusal)
	}
	if !matches(token, t.Hash) || s.deps.now() >= t.Until {
		return "", ticket{}, 0, refusal
	}
	return id, t, version, nil
}

// each visits the member's tickets of one kind, page by page.
func (s *Sessions) each(ctx context.Context, kind string, member event.MemberID, visit func(store.Record, ticket) error) error {
	const page = 100
	begin := string(event.SiteOf(member)) + "-"
	for after := begin; ; {
		records, err := s.deps.Register.List(ctx, kind, after, page)
		if err != nil {
			return err
		}
		for _, r := range records {
			if !strings.HasPrefix(r.ID, begin) {
				return nil
			}
			t, err := decode[ticket](r)
			if err != nil {
				return err
			}
			if t.Member != member {
				continue
			}
			if err := visit(r, t); err != nil {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
		after = records[len(records)-1].ID
	}
}
