package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// MailKind is what a mail with a link is about.
type MailKind string

// Kinds of mails.
const (
	// MailSignIn: somebody, most likely the reader, wants to sign in.
	MailSignIn MailKind = "sign-in"
	// MailInvitation: a member of the household has named the reader as another.
	MailInvitation MailKind = "invitation"
	// MailConfirmation: the reader named this address as the own one.
	MailConfirmation MailKind = "confirmation"
	// MailStaff: an admin made an account for the reader.
	MailStaff MailKind = "staff-invitation"
)

// Mailer sends mails, each with one link. It is safe for concurrent use.
type Mailer interface {
	// Send hands a mail over for delivery, in the reader's language. The link is a whole address, works once and for
	// LinkLife, and is a secret of the reader's.
	Send(ctx context.Context, to string, lang phrase.Lang, kind MailKind, link string) error
}

// LinkPath is where links lead, below the public address; the token follows.
const LinkPath = "/sign-in/link/"

// LinksDeps is what Links work with. All are required.
type LinksDeps struct {
	Deps
	Sessions  *Sessions
	Staffs    *Staffs
	Mailboxes *Mailboxes
	Mailer    Mailer
	// PublicURL is scheme and host under which browsers reach this server.
	PublicURL string
	// Failed is told when a mail that somebody asked for could not be sent. The error names no address.
	Failed func(error)
}

// Links sign people in by mail. Safe for concurrent use.
type Links struct {
	LinksDeps
	mailed book
	gate   gate
	// to limits the mails to one address; asked are those that wait for Run.
	to    *Limiter
	asked chan asked
}

// asked is a mail that somebody wants, if the address is anybody's.
type asked struct {
	address string
	lang    phrase.Lang
	next    string
}

// NewLinks makes them. What is asked for is sent while Run runs.
func NewLinks(d LinksDeps) *Links {
	return &Links{
		LinksDeps: d,
		mailed:    book{d.Deps, kindMailLink, prefixMailLink, ErrLink},
		gate:      gate{from: NewLimiter(5, time.Minute, 10_000, d.Now), all: NewLimiter(200, 500*time.Millisecond, 1, d.Now)},
		to:        NewLimiter(3, 10*time.Minute, 10_000, d.Now),
		asked:     make(chan asked, 256),
	}
}

// AskRequest asks for a mail with a link.
type AskRequest struct {
	Address string
	Lang    phrase.Lang
	// From is the remote address, to limit tries.
	From string
	// Next is the own page to go to after signing in; "" for the person's home. Anything else is left out.
	Next string
}

// Ask has a link mailed to the address if it is the confirmed one of a member or of one of the staff. What it answers,
// and how long that takes, does not depend on whether it is: it only puts the request in a queue. Errors: ErrAddress
// and *TooMany.
func (l *Links) Ask(r AskRequest) error {
	if err := l.gate.allow(r.From); err != nil {
		return err
	}
	address, err := tidyAddress(r.Address)
	if err != nil {
		return err
	}
	if err := l.to.Allow(asciiLower(address)); err != nil {
		return err
	}
	select {
	case l.asked <- asked{address, r.Lang, OwnPath(r.Next)}:
		return nil
	default:
		return &TooMany{After: 10 * time.Second}
	}
}

// Run sends what is asked for, until the context ends. What waits then is lost: who waits for a mail asks again.
func (l *Links) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-l.asked:
			l.sendOrTell(ctx, a)
		}
	}
}

func (l *Links) sendOrTell(ctx context.Context, a asked) {
	if err := l.send(ctx, a); err != nil && ctx.Err() == nil {
		l.Failed(err)
	}
}

func (l *Links) send(ctx context.Context, a asked) error {
	hashed, err := l.Mailboxes.hash(ctx, a.address)
	if err != nil {
		return err
	}
	those, err := l.able(ctx, hashed)
	if err != nil || len(those) == 0 {
		return err
	}
	link, err := l.mailed.link(ctx, "", hashed)
	if err != nil {
		return err
	}
	return l.Mailer.Send(ctx, those[0].address, a.lang, MailSignIn, l.address(link, a.next))
}

// address is the whole link.
func (l *Links) address(link Link, next string) string {
	whole := LinkAddress(l.PublicURL, link)
	if next != "" {
		whole += "?" + url.Values{"next": {next}}.Encode()
	}
	return whole
}

// LinkAddress is the whole link for a token, as a browser opens it; public is scheme and host of this server.
func LinkAddress(public string, l Link) string {
	return strings.TrimSuffix(public, "/") + LinkPath + l.Token
}

// able returns who has the address and may sign in.
func (l *Links) able(ctx context.Context, hashed event.Commitment) ([]found, error) {
	all, err := l.Mailboxes.find(ctx, hashed)
	if err != nil {
		return nil, err
	}
	var able []found
	for _, f := range all {
		if id := f.holder.staff(); id != "" {
			_, err := l.Staffs.enabled(ctx, id)
			if errors.Is(err, ErrStaff) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		able = append(able, f)
	}
	return able, nil
}

// Invite mails a link to the address of somebody whom a member has named as another of the same household. Following
// it confirms the address. Errors: ErrRequest for another household's, ErrAddress, *TooMany, the mailer's and the
// store's.
func (l *Links) Invite(ctx context.Context, by Member, member event.MemberID, address string, lang phrase.Lang) error {
	if by.Site() == "" || event.SiteOf(member) != by.Site() {
		return fmt.Errorf("%w: this is not a member of your household", ErrRequest)
	}
	return l.Welcome(ctx, member, address, lang)
}

// Welcome does the same for the first member of a household. It is for somebody at the server's own console: whoever
// names a member's address could name an own one. Errors: as Invite.
func (l *Links) Welcome(ctx context.Context, member event.MemberID, address string, lang phrase.Lang) error {
	if err := event.CheckID(member, 'm'); err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return l.propose(ctx, ofMember(member), address, lang, MailInvitation)
}

// Change mails a link to a new address of a member's own, which becomes the member's when it is followed; the earlier
// one works until then. Errors: as Invite, and ErrRecent.
func (l *Links) Change(ctx context.Context, m Member, address string, lang phrase.Lang) error {
	if !Recent(m, l.now()) {
		return ErrRecent
	}
	return l.propose(ctx, m.holder(), address, lang, MailConfirmation)
}

func (l *Links) propose(ctx context.Context, h holder, address string, lang phrase.Lang, kind MailKind) error {
	address, err := tidyAddress(address)
	if err != nil {
		return err
	}
	if err := l.to.Allow(asciiLower(address)); err != nil {
		return err
	}
	hashed, err := l.Mailboxes.propose(ctx, h, address)
	if err != nil {
		return err
	}
	link, err := l.Sessions.invite(ctx, h.member(), hashed)
	if err != nil {
		return err
	}
	return l.Mailer.Send(ctx, address, lang, kind, l.address(link, ""))
}

// InviteStaff makes an account for a colleague and mails the link. Errors: ErrRole, those of Staffs.Add, and the
// mailer's, after which the account exists and a link can be asked for.
func (l *Links) InviteStaff(ctx context.Context, by Staff, n NewStaff, lang phrase.Lang) (Account, error) {
	if err := by.Require(Admin); err != nil {
		return Account{}, err
	}
	a, err := l.Staffs.add(ctx, n, by.id)
	if err != nil {
		return Account{}, err
	}
	link, err := l.Staffs.links.link(ctx, ofStaff(a.ID), "")
	if err != nil {
		return a, err
	}
	return a, l.Mailer.Send(ctx, a.Address, lang, MailStaff, l.address(link, ""))
}

// Choice is somebody whom a link can sign in: a member or an account of the staff, the other is "".
type Choice struct {
	Member event.MemberID
	Staff  StaffID
}

// Key names the choice in a form.
func (c Choice) Key() string {
	if c.Staff != "" {
		return string(ofStaff(c.Staff))
	}
	return string(ofMember(c.Member))
}

func (h holder) choice() Choice { return Choice{h.member(), h.staff()} }

// Peek says whom a link can sign in, at least one, and spends nothing: it is for the page that asks for the press of
// a button, because programs that look at mails follow every link in them. Errors: ErrLink, *TooMany, and the store's.
func (l *Links) Peek(ctx context.Context, token string, a Arrival) ([]Choice, error) {
	if err := l.Sessions.gate.allow(a.From); err != nil {
		return nil, err
	}
	_, t, _, err := l.bookOf(token).find(ctx, token)
	if err != nil {
		return nil, err
	}
	return l.choices(ctx, t)
}

// bookOf tells the kinds of links apart by their prefix.
func (l *Links) bookOf(token string) book {
	switch prefix, _, _ := strings.Cut(token, "_"); prefix {
	case prefixMailLink:
		return l.mailed
	case prefixStaffLink:
		return l.Staffs.links
	default:
		return l.Sessions.links
	}
}

// choices returns whom a ticket can sign in. A mailed link is for whoever has the address now, not for who had it when
// it was sent: who left meanwhile can't come back by it.
func (l *Links) choices(ctx context.Context, t ticket) ([]Choice, error) {
	if t.Holder != "" {
		return []Choice{t.Holder.choice()}, nil
	}
	able, err := l.able(ctx, t.Address)
	if err != nil {
		return nil, err
	}
	if len(able) == 0 {
		return nil, ErrLink
	}
	var all []Choice
	for _, f := range able {
		all = append(all, f.holder.choice())
	}
	return all, nil
}

// Redeem spends a link and begins a session for the choice with this key; "" where there is only one. Errors: ErrLink;
// ErrChoose, with the link not spent; *TooMany; and the store's, after which the link may be spent and nobody is
// signed in.
func (l *Links) Redeem(ctx context.Context, token, choice string, a Arrival) (SignedIn, error) {
	switch l.bookOf(token).kind {
	case kindStaffLink:
		return l.Staffs.redeem(ctx, token, a)
	case kindMailLink:
		return l.redeemMailed(ctx, token, choice, a)
	default:
		return l.Sessions.Redeem(ctx, token, a)
	}
}

func (l *Links) redeemMailed(ctx context.Context, token, choice string, a Arrival) (SignedIn, error) {
	all, err := l.Peek(ctx, token, a)
	if err != nil {
		return SignedIn{}, err
	}
	if choice == "" && len(all) == 1 {
		choice = all[0].Key()
	}
	at := slices.IndexFunc(all, func(c Choice) bool { return c.Key() == choice })
	if at < 0 {
		return SignedIn{}, ErrChoose
	}
	if _, err := l.mailed.spend(ctx, token); err != nil {
		return SignedIn{}, err
	}
	if all[at].Staff != "" {
		return l.Staffs.begin(ctx, all[at].Staff, ByLink, a)
	}
	return l.Sessions.begin(ctx, all[at].Member, ByLink, a)
}
