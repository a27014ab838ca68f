package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
)

// mail is one that was handed over.
type mail struct {
	to   string
	lang phrase.Lang
	kind auth.MailKind
	link string
}

// token is what stands in the mail's link.
func (m mail) token() string {
	rest, _ := strings.CutPrefix(m.link, "https://loquet.example/sign-in/link/")
	token, _, _ := strings.Cut(rest, "?")
	return token
}

// post keeps mails.
type post struct {
	mu    sync.Mutex
	mails []mail
	err   error
	// sent is told of each mail, if somebody waits for it.
	sent chan struct{}
}

func (p *post) Send(_ context.Context, to string, lang phrase.Lang, kind auth.MailKind, link string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.mails = append(p.mails, mail{to, lang, kind, link})
	if p.sent != nil {
		p.sent <- struct{}{}
	}
	return nil
}

// take returns the mails so far and forgets them.
func (p *post) take() []mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	mails := p.mails
	p.mails = nil
	return mails
}

// office is everything that signs in by mail.
type office struct {
	*bench
	post     *post
	members  *auth.Sessions
	staffs   *auth.Staffs
	boxes    *auth.Mailboxes
	links    *auth.Links
	failures []error
}

func (b *bench) office() *office {
	o := &office{bench: b, post: &post{}, members: auth.NewSessions(b.deps), staffs: auth.NewStaffs(b.deps, b.vault), boxes: auth.NewMailboxes(b.deps, b.vault)}
	o.links = auth.NewLinks(auth.LinksDeps{Deps: b.deps, Sessions: o.members, Staffs: o.staffs, Mailboxes: o.boxes, Mailer: o.post,
		PublicURL: "https://loquet.example", Failed: func(err error) { o.failures = append(o.failures, err) }})
	return o
}

// welcome gives a member a confirmed address.
func (o *office) welcome(member event.MemberID, address string) auth.SignedIn {
	o.t.Helper()
	if err := o.links.Welcome(o.t.Context(), member, address, phrase.English); err != nil {
		o.t.Fatal(err)
	}
	in, err := o.links.Redeem(o.t.Context(), o.one().token(), "", o.arrival())
	if err != nil {
		o.t.Fatal(err)
	}
	return in
}

// one is the only mail.
func (o *office) one() mail {
	o.t.Helper()
	mails := o.post.take()
	if len(mails) != 1 {
		o.t.Fatalf("%d mails", len(mails))
	}
	return mails[0]
}

// ask asks, has what waits sent, and returns the mails.
func (o *office) ask(r auth.AskRequest) ([]mail, error) {
	o.t.Helper()
	if r.From == "" {
		r.From = o.arrival().From
	}
	err := o.links.Ask(r)
	o.sent()
	return o.post.take(), err
}

// sent has everything sent that waits.
func (o *office) sent() { o.links.SendAsked(o.t.Context()) }

func TestAnAddressIsTheMembersOnceALinkComesBack(t *testing.T) {
	o := newBench(t).office()
	if err := o.links.Welcome(t.Context(), "maple-m2", "Ana@Example.org", phrase.French); err != nil {
		t.Fatal(err)
	}
	m := o.one()
	if m.to != "Ana@example.org" || m.lang != phrase.French || m.kind != auth.MailInvitation {
		t.Errorf("sent %+v", m)
	}
	if box, err := o.boxes.Of(t.Context(), "maple-m2"); err != nil || box.Address != "" || box.Pending != "Ana@example.org" {
		t.Errorf("before: %+v, %v", box, err)
	}
	if mails, err := o.ask(auth.AskRequest{Address: "ana@example.org"}); err != nil || len(mails) != 0 {
		t.Errorf("before: %v, %v", mails, err)
	}
	in, err := o.links.Redeem(t.Context(), m.token(), "", o.arrival())
	if err != nil || in.Member.ID() != "maple-m2" {
		t.Fatalf("%+v, %v", in, err)
	}
	box, err := o.boxes.Of(t.Context(), "maple-m2")
	if err != nil || box != (auth.Mailbox{Address: "Ana@example.org", At: event.InstantOf(o.clock.now())}) {
		t.Errorf("after: %+v, %v", box, err)
	}
	for _, part := range []string{"ana@", "Ana@", "example.org"} {
		if strings.Contains(o.stored(), part) {
			t.Errorf("the register holds %q", part)
		}
	}
}

func TestALinkComesByMail(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "Ana@example.org")
	mails, err := o.ask(auth.AskRequest{Address: "  ANA@EXAMPLE.ORG ", Lang: phrase.French, Next: "/home/deliveries/maple-d7"})
	if err != nil || len(mails) != 1 {
		t.Fatalf("%v, %v", mails, err)
	}
	m := mails[0]
	if m.to != "Ana@example.org" || m.lang != phrase.French || m.kind != auth.MailSignIn || !strings.HasSuffix(m.link, "?next=%2Fhome%2Fdeliveries%2Fmaple-d7") {
		t.Errorf("sent %+v", m)
	}
	for range 3 { // looking spends nothing
		choices, err := o.links.Peek(t.Context(), m.token(), o.arrival())
		if err != nil || !slices.Equal(choices, []auth.Choice{{Member: "maple-m2"}}) {
			t.Fatalf("%+v, %v", choices, err)
		}
	}
	o.clock.move(auth.LinkLife - time.Millisecond)
	in, err := o.links.Redeem(t.Context(), m.token(), "", o.arrival())
	if err != nil || in.Member.ID() != "maple-m2" || in.Member.Way() != auth.ByLink {
		t.Fatalf("%+v, %v", in, err)
	}
	_, err = o.links.Redeem(t.Context(), m.token(), "", o.arrival())
	want(t, "the used link", err, auth.ErrLink)
	_, err = o.links.Peek(t.Context(), m.token(), o.arrival())
	want(t, "looking at it", err, auth.ErrLink)
}

func TestAMailedLinkEndsInTime(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	mails, _ := o.ask(auth.AskRequest{Address: "ana@example.org"})
	o.clock.move(auth.LinkLife)
	_, err := o.links.Redeem(t.Context(), mails[0].token(), "", o.arrival())
	want(t, "an hour later", err, auth.ErrLink)
}

// Whether an address is known shows in nothing that the asker sees: neither in the answer nor in what was done before
// it, which is nothing.
func TestAskingTellsNothing(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	o.clock.move(time.Hour)
	before := o.stored()
	for i := range 5 {
		known := o.links.Ask(auth.AskRequest{Address: "ana@example.org", From: o.arrival().From})
		unknown := o.links.Ask(auth.AskRequest{Address: "bob@example.org", From: o.arrival().From})
		if fmt.Sprint(known) != fmt.Sprint(unknown) || tooMany(known) != (i >= 3) {
			t.Errorf("try %d: %v and %v", i, known, unknown)
		}
	}
	if o.stored() != before || len(o.post.take()) != 0 {
		t.Error("something was done before the answer")
	}
	o.sent()
	if mails := o.post.take(); len(mails) != 3 || slices.ContainsFunc(mails, func(m mail) bool { return m.to != "ana@example.org" }) {
		t.Errorf("sent %v", mails)
	}
}

func TestAskingIsLimited(t *testing.T) {
	o := newBench(t).office()
	ask := func(address, from string) bool {
		return tooMany(o.links.Ask(auth.AskRequest{Address: address, From: from}))
	}
	for i := range 3 {
		if ask("ana@example.org", o.arrival().From) {
			t.Fatalf("mail %d was refused", i)
		}
	}
	if !ask("ANA@example.org", o.arrival().From) {
		t.Error("a fourth mail to one address at once")
	}
	o.clock.move(10 * time.Minute)
	if ask("ana@example.org", o.arrival().From) {
		t.Error("ten minutes later")
	}
	for i := range 5 {
		if ask(fmt.Sprintf("p%d@example.org", i), "198.51.100.7") {
			t.Fatalf("asker's mail %d was refused", i)
		}
	}
	if !ask("q@example.org", "198.51.100.7") {
		t.Error("a sixth mail for one asker at once")
	}
	refused := 0
	for i := range 400 {
		if ask(fmt.Sprintf("r%d@example.org", i), o.arrival().From) {
			refused++
		}
	}
	if refused == 0 {
		t.Error("everybody together is not limited")
	}
}

// One person may be a member of several households and of the staff: one mail, and the page asks as whom.
func TestOneAddressOfSeveral(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	o.welcome("oak-m1", "Ana@example.org")
	o.clock.move(time.Hour)
	staff, _, err := o.staffs.Add(t.Context(), auth.NewStaff{Name: "Ana", Address: "ana@example.org", Role: auth.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	all := []auth.Choice{{Member: "maple-m2"}, {Member: "oak-m1"}, {Staff: staff.ID}}
	for _, choice := range all {
		o.clock.move(time.Hour)
		mails, err := o.ask(auth.AskRequest{Address: "ana@example.org"})
		if err != nil || len(mails) != 1 {
			t.Fatalf("%v, %v", mails, err)
		}
		token := mails[0].token()
		if choices, err := o.links.Peek(t.Context(), token, o.arrival()); err != nil || !slices.Equal(choices, all) {
			t.Fatalf("%+v, %v", choices, err)
		}
		for _, wrong := range []string{"", "member/pine-m1", "staff/", "member/maple-m3"} {
			_, err := o.links.Redeem(t.Context(), token, wrong, o.arrival())
			want(t, "as "+wrong, err, auth.ErrChoose)
		}
		in, err := o.links.Redeem(t.Context(), token, choice.Key(), o.arrival())
		if err != nil || in.Member.ID() != choice.Member || in.Staff.ID() != choice.Staff {
			t.Errorf("as %+v: %+v, %v", choice, in, err)
		}
		_, err = o.links.Redeem(t.Context(), token, choice.Key(), o.arrival())
		want(t, "again", err, auth.ErrLink)
	}
}

// A mailed link is for who has the address when it is followed.
func TestWhoLeftDoesNotComeBackByAnOldMail(t *testing.T) {
	o := newBench(t).office()
	in := o.welcome("maple-m2", "ana@example.org")
	o.welcome("maple-m3", "paul@example.org")
	mails, _ := o.ask(auth.AskRequest{Address: "ana@example.org"})
	handed := o.link(o.members, "maple-m2")
	for range 2 {
		if err := o.members.Forget(t.Context(), "maple-m2"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := o.members.Check(t.Context(), in.Token)
	want(t, "the session", err, auth.ErrSession)
	for _, token := range []string{mails[0].token(), handed} {
		_, err := o.links.Peek(t.Context(), token, o.arrival())
		want(t, "looking", err, auth.ErrLink)
		_, err = o.links.Redeem(t.Context(), token, "member/maple-m2", o.arrival())
		want(t, "the link", err, auth.ErrLink)
	}
	o.clock.move(time.Hour)
	if mails, err := o.ask(auth.AskRequest{Address: "ana@example.org"}); err != nil || len(mails) != 0 {
		t.Errorf("a new mail: %v, %v", mails, err)
	}
	if box, err := o.boxes.Of(t.Context(), "maple-m2"); err != nil || box != (auth.Mailbox{}) {
		t.Errorf("her box: %+v, %v", box, err)
	}
	for _, kind := range []string{"auth.mailbox", "auth.address"} {
		records, err := o.reg.List(t.Context(), kind, "", 10)
		if err != nil || len(records) != 1 {
			t.Errorf("%s: %d records, %v", kind, len(records), err)
		}
	}
	if box, err := o.boxes.Of(t.Context(), "maple-m3"); err != nil || box.Address != "paul@example.org" {
		t.Errorf("the other's: %+v, %v", box, err)
	}
}

func TestAnErasedSitesAddressesAreGone(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	o.clock.move(time.Hour)
	if err := o.vault.Erase(t.Context(), "maple"); err != nil {
		t.Fatal(err)
	}
	if box, err := o.boxes.Of(t.Context(), "maple-m2"); err != nil || box.Address != "" {
		t.Errorf("%+v, %v", box, err)
	}
	if mails, err := o.ask(auth.AskRequest{Address: "ana@example.org"}); err != nil || len(mails) != 0 {
		t.Errorf("%v, %v", mails, err)
	}
}

func TestChangingTheOwnAddress(t *testing.T) {
	o := newBench(t).office()
	in := o.welcome("maple-m2", "ana@example.org")
	if err := o.links.Change(t.Context(), in.Member, "ana@new.example", phrase.English); err != nil {
		t.Fatal(err)
	}
	confirmation := o.one()
	if confirmation.to != "ana@new.example" || confirmation.kind != auth.MailConfirmation {
		t.Errorf("sent %+v", confirmation)
	}
	if mails, _ := o.ask(auth.AskRequest{Address: "ana@example.org"}); len(mails) != 1 {
		t.Error("the old address does not work until the new one is confirmed")
	}
	if _, err := o.links.Redeem(t.Context(), confirmation.token(), "", o.arrival()); err != nil {
		t.Fatal(err)
	}
	if box, err := o.boxes.Of(t.Context(), "maple-m2"); err != nil || box.Address != "ana@new.example" || box.Pending != "" {
		t.Errorf("%+v, %v", box, err)
	}
	o.clock.move(time.Hour)
	if mails, _ := o.ask(auth.AskRequest{Address: "ana@example.org"}); len(mails) != 0 {
		t.Error("the old address still works")
	}
	if mails, _ := o.ask(auth.AskRequest{Address: "ana@new.example"}); len(mails) != 1 {
		t.Error("the new address does not work")
	}
	want(t, "an hour after signing in", o.links.Change(t.Context(), in.Member, "eve@evil.example", phrase.English), auth.ErrRecent)
}

// Of two addresses named one after the other, the last counts: a link to the first signs in, and confirms nothing.
func TestAnAddressNamedByMistake(t *testing.T) {
	o := newBench(t).office()
	in := o.welcome("maple-m2", "ana@example.org")
	if err := o.links.Change(t.Context(), in.Member, "anna@mistake.example", phrase.English); err != nil {
		t.Fatal(err)
	}
	mistake := o.one()
	if err := o.links.Change(t.Context(), in.Member, "ana@right.example", phrase.English); err != nil {
		t.Fatal(err)
	}
	right := o.one()
	if _, err := o.links.Redeem(t.Context(), mistake.token(), "", o.arrival()); err != nil {
		t.Fatal(err)
	}
	if box, _ := o.boxes.Of(t.Context(), "maple-m2"); box.Address != "ana@example.org" || box.Pending != "ana@right.example" {
		t.Errorf("after the first: %+v", box)
	}
	if _, err := o.links.Redeem(t.Context(), right.token(), "", o.arrival()); err != nil {
		t.Fatal(err)
	}
	if box, _ := o.boxes.Of(t.Context(), "maple-m2"); box.Address != "ana@right.example" || box.Pending != "" {
		t.Errorf("after the second: %+v", box)
	}
}

func TestMembersInviteTheirOwnHouseholdOnly(t *testing.T) {
	o := newBench(t).office()
	in := o.welcome("maple-m2", "ana@example.org")
	if err := o.links.Invite(t.Context(), in.Member, "maple-m3", "paul@example.org", phrase.French); err != nil {
		t.Fatal(err)
	}
	m := o.one()
	if m.to != "paul@example.org" || m.kind != auth.MailInvitation {
		t.Errorf("sent %+v", m)
	}
	if in, err := o.links.Redeem(t.Context(), m.token(), "", o.arrival()); err != nil || in.Member.ID() != "maple-m3" {
		t.Errorf("%+v, %v", in, err)
	}
	want(t, "another household's", o.links.Invite(t.Context(), in.Member, "oak-m1", "eve@example.org", phrase.French), auth.ErrRequest)
	want(t, "no member", o.links.Invite(t.Context(), in.Member, "maple-d1", "eve@example.org", phrase.French), auth.ErrRequest)
	want(t, "as nobody", o.links.Invite(t.Context(), auth.Member{}, "oak-m1", "eve@example.org", phrase.French), auth.ErrRequest)
	want(t, "no address", o.links.Invite(t.Context(), in.Member, "maple-m4", "eve", phrase.French), auth.ErrAddress)
	if mails := o.post.take(); len(mails) != 0 {
		t.Errorf("sent %v", mails)
	}
}

func TestAdminsInviteStaffByMail(t *testing.T) {
	o := newBench(t).office()
	admin, viewer := o.signInStaff(o.staffs, auth.Admin).Staff, o.signInStaff(o.staffs, auth.Dispatcher).Staff
	a, err := o.links.InviteStaff(t.Context(), admin, auth.NewStaff{Name: "Bo", Address: "bo@example.org", Role: auth.Viewer}, phrase.French)
	if err != nil || a.ChangedBy != admin.ID() {
		t.Fatalf("%+v, %v", a, err)
	}
	m := o.one()
	if m.to != "bo@example.org" || m.kind != auth.MailStaff {
		t.Errorf("sent %+v", m)
	}
	if choices, err := o.links.Peek(t.Context(), m.token(), o.arrival()); err != nil || !slices.Equal(choices, []auth.Choice{{Staff: a.ID}}) {
		t.Errorf("%+v, %v", choices, err)
	}
	if in, err := o.links.Redeem(t.Context(), m.token(), "", o.arrival()); err != nil || in.Staff.Name() != "Bo" {
		t.Errorf("%+v, %v", in, err)
	}
	_, err = o.links.InviteStaff(t.Context(), viewer, auth.NewStaff{Name: "Cy", Address: "cy@example.org", Role: auth.Admin}, phrase.French)
	want(t, "a dispatcher", err, auth.ErrRole)
	o.clock.move(time.Hour)
	if mails, err := o.ask(auth.AskRequest{Address: "bo@example.org"}); err != nil || len(mails) != 1 {
		t.Errorf("asking: %v, %v", mails, err)
	}
	o.clock.move(time.Hour)
	admin2 := o.signInStaff(o.staffs, auth.Admin).Staff
	if err := o.staffs.Disable(t.Context(), admin2, a.ID); err != nil {
		t.Fatal(err)
	}
	if mails, err := o.ask(auth.AskRequest{Address: "bo@example.org"}); err != nil || len(mails) != 0 {
		t.Errorf("asking when disabled: %v, %v", mails, err)
	}
}

func TestAMailThatCannotBeSentIsReported(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	o.post.err = errors.New("no line to the mail server")
	if mails, err := o.ask(auth.AskRequest{Address: "ana@example.org"}); err != nil || len(mails) != 0 {
		t.Fatalf("%v, %v", mails, err)
	}
	if len(o.failures) != 1 || !errors.Is(o.failures[0], o.post.err) {
		t.Errorf("reported %v", o.failures)
	}
	o.deps.Register = &faulty{Register: o.reg, before: map[string]error{"List auth.address": store.ErrUncertain}}
	broken := o.office()
	if _, err := broken.ask(auth.AskRequest{Address: "ana@example.org"}); err != nil || len(broken.failures) != 1 {
		t.Errorf("%v, reported %v", err, broken.failures)
	}
}

func TestRunSendsUntilItIsToldToEnd(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "ana@example.org")
	o.post.sent = make(chan struct{}, 2)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { o.links.Run(ctx); close(ended) }()
	for range 2 {
		if err := o.links.Ask(auth.AskRequest{Address: "ana@example.org", From: o.arrival().From}); err != nil {
			t.Fatal(err)
		}
		<-o.post.sent
	}
	stop()
	<-ended
	if mails := o.post.take(); len(mails) != 2 || mails[0].token() == mails[1].token() || len(o.failures) != 0 {
		t.Errorf("sent %v, reported %v", mails, o.failures)
	}
}

// Any number who ask at once are answered at once, whatever the mail server does; beyond that they are told to wait.
func TestTheQueueIsBounded(t *testing.T) {
	o := newBench(t).office()
	full := 0
	for i := range 1000 {
		o.clock.move(time.Minute)
		if err := o.links.Ask(auth.AskRequest{Address: fmt.Sprintf("p%d@example.org", i), From: o.arrival().From}); err != nil {
			if !tooMany(err) {
				t.Fatal(err)
			}
			full++
		}
	}
	if full != 1000-256 {
		t.Errorf("%d were told to wait", full)
	}
	o.sent()
	if err := o.links.Ask(auth.AskRequest{Address: "last@example.org", From: o.arrival().From}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWhatAnAddressIs(t *testing.T) {
	for _, good := range []string{"a@b.example", "a.b+c@example.org", "o'neill@example.org", "ünï@example.org", "ana@müller.example",
		"用户@例子.example", strings.Repeat("a", 64) + "@example.org"} {
		o := newBench(t).office()
		if err := o.links.Ask(auth.AskRequest{Address: good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "@", "a@", "@b.example", "a b@example.org", "a@b@example.org", "Ana <a@example.org>", "a@example.org, b@example.org",
		`"a b"@example.org`, "a@[192.0.2.1]", "a@localhost", "a@example..org", "a@-x.example", "a@example.org\r\nBcc: b@example.org",
		"a@exam ple.org", strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("b", 250) + ".org", "a(comment)@example.org", "\xff@example.org"} {
		o := newBench(t).office()
		want(t, fmt.Sprintf("%q", bad), o.links.Ask(auth.AskRequest{Address: bad}), auth.ErrAddress)
	}
}

// The letters of two addresses that a mail server tells apart never find one another's owner: only A to Z are folded.
func TestLookAlikesAreOthers(t *testing.T) {
	o := newBench(t).office()
	o.welcome("maple-m2", "mike@example.org")
	for _, other := range []string{"mıke@example.org", "m\u0456ke@example.org", "mike@example.оrg"} {
		o.clock.move(time.Hour)
		mails, err := o.ask(auth.AskRequest{Address: other})
		if err == nil && len(mails) != 0 {
			t.Errorf("%q finds %v", other, mails)
		}
	}
	o.clock.move(time.Hour)
	if mails, err := o.ask(auth.AskRequest{Address: "MIKE@EXAMPLE.ORG"}); err != nil || len(mails) != 1 {
		t.Errorf("in capitals: %v, %v", mails, err)
	}
}

// A failure at any write while a link confirms an address leaves either the old or the new one, and the person gets
// there by asking again.
func TestAFailureWhileConfirming(t *testing.T) {
	for _, method := range []string{"Put auth.address", "Put auth.mailbox", "Get auth.mailbox", "Delete auth.address", "Get auth.address", "Put auth.session"} {
		o := newBench(t).office()
		in := o.welcome("maple-m2", "old@example.org")
		if err := o.links.Change(t.Context(), in.Member, "new@example.org", phrase.English); err != nil {
			t.Fatal(err)
		}
		token := o.one().token()
		o.deps.Register = &faulty{Register: o.reg, before: map[string]error{method: store.ErrUncertain}}
		_, err := o.office().links.Redeem(t.Context(), token, "", o.arrival())
		want(t, method, err, store.ErrUncertain)
		box, err := o.boxes.Of(t.Context(), "maple-m2")
		if err != nil || box.Address != "old@example.org" && box.Address != "new@example.org" {
			t.Fatalf("%s: %+v, %v", method, box, err)
		}
		o.clock.move(time.Hour)
		mails, err := o.ask(auth.AskRequest{Address: box.Address})
		if err != nil || len(mails) != 1 {
			t.Errorf("%s: asking %s: %v, %v", method, box.Address, mails, err)
		}
		other := map[string]string{"old@example.org": "new@example.org", "new@example.org": "old@example.org"}[box.Address]
		if mails, err := o.ask(auth.AskRequest{Address: other}); err != nil || len(mails) != 0 {
			t.Errorf("%s: asking %s, which is not the address: %v, %v", method, other, mails, err)
		}
		if err := o.members.Forget(t.Context(), "maple-m2"); err != nil {
			t.Fatal(err)
		}
		if records, err := o.reg.List(t.Context(), "auth.address", "", 10); err != nil || len(records) != 0 {
			t.Errorf("%s: %d rows are left, %v", method, len(records), err)
		}
	}
}

// Whoever asks for an address gets a mail exactly if it is somebody's confirmed one, in a naive twin's view.
func TestMailboxesAgainstATwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newBench(t).office()
		members := []event.MemberID{"maple-m1", "maple-m2", "oak-m1"}
		addresses := []string{"a@example.org", "b@example.org", "c@example.org"}
		confirmed := map[event.MemberID]string{}
		member := rapid.SampledFrom(members)
		address := rapid.SampledFrom(addresses)
		rt.Repeat(map[string]func(*rapid.T){
			"confirm": func(rt *rapid.T) {
				m, a := member.Draw(rt, "member"), address.Draw(rt, "address")
				o.clock.move(time.Hour)
				o.welcome(m, a)
				confirmed[m] = a
			},
			"name only": func(rt *rapid.T) {
				o.clock.move(time.Hour)
				if err := o.links.Welcome(t.Context(), member.Draw(rt, "member"), address.Draw(rt, "address"), phrase.English); err != nil {
					rt.Fatal(err)
				}
				o.post.take()
			},
			"forget": func(rt *rapid.T) {
				m := member.Draw(rt, "member")
				if err := o.members.Forget(t.Context(), m); err != nil {
					rt.Fatal(err)
				}
				delete(confirmed, m)
			},
			"ask": func(rt *rapid.T) {
				a := address.Draw(rt, "address")
				o.clock.move(time.Hour)
				mails, err := o.ask(auth.AskRequest{Address: a})
				if err != nil {
					rt.Fatal(err)
				}
				var owners []auth.Choice
				for _, m := range members {
					if confirmed[m] == a {
						owners = append(owners, auth.Choice{Member: m})
					}
				}
				if len(mails) != min(len(owners), 1) {
					rt.Fatalf("%d mails for %v", len(mails), owners)
				}
				if len(mails) == 1 {
					if choices, err := o.links.Peek(t.Context(), mails[0].token(), o.arrival()); err != nil || !slices.Equal(choices, owners) {
						rt.Fatalf("%v for %v, %v", choices, owners, err)
					}
				}
			},
		})
	})
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"a@example.org", "Ana <a@example.org>", "\"a\"@b.c", "ü@müller.example", "a@[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		o := newBench(t).office()
		if err := o.links.Welcome(t.Context(), "maple-m2", typed, phrase.English); err != nil {
			if !errors.Is(err, auth.ErrAddress) {
				t.Fatalf("%q: %v", typed, err)
			}
			return
		}
		to := o.one().to
		if strings.ContainsAny(to, "\r\n\t <>,;\"") || strings.Count(to, "@") != 1 || len(to) > 320 {
			t.Fatalf("%q became %q", typed, to)
		}
	})
}
