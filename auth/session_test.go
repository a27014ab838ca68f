package auth_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

func (b *bench) link(s *auth.Sessions, member event.MemberID) string {
	b.t.Helper()
	link, err := s.Invite(b.t.Context(), member)
	if err != nil {
		b.t.Fatal(err)
	}
	return link.Token
}

func (b *bench) signIn(s *auth.Sessions, member event.MemberID) auth.SignedIn {
	b.t.Helper()
	in, err := s.Redeem(b.t.Context(), b.link(s, member), b.arrival())
	if err != nil {
		b.t.Fatal(err)
	}
	return in
}

func TestALinkSignsInOnce(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	link, err := s.Invite(t.Context(), "maple-m2")
	if err != nil {
		t.Fatal(err)
	}
	if link.Until != event.InstantOf(b.clock.now().Add(time.Hour)) {
		t.Errorf("the link lives until %s", link.Until)
	}
	if !regexp.MustCompile(`^ll_maple-[a-z2-7]{16}_[a-z2-7]{52}$`).MatchString(link.Token) {
		t.Errorf("the link reads %q", link.Token)
	}
	in, err := s.Redeem(t.Context(), link.Token, b.arrival())
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Check(t.Context(), in.Token)
	if err != nil || m != in.Member || m.ID() != "maple-m2" || m.Site() != "maple" {
		t.Errorf("signed in as %+v, %v", m, err)
	}
	if m.Actor() != (event.Actor{Kind: event.ActorMember, ID: "maple-m2"}) {
		t.Errorf("acts as %+v", m.Actor())
	}
	_, err = s.Redeem(t.Context(), link.Token, b.arrival())
	want(t, "the used link", err, auth.ErrLink)
	for _, secret := range []string{link.Token, in.Token} {
		if strings.Contains(b.stored(), strings.Split(secret, "_")[2]) {
			t.Error("the register holds a secret")
		}
	}
}

func TestOfTwoWhoFollowOneLinkOneIsSignedIn(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	for range 50 {
		token := b.link(s, "maple-m2")
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() { _, errs[i] = s.Redeem(t.Context(), token, b.arrival()) })
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v", errs)
		}
		want(t, "the other", errors.Join(errs...), auth.ErrLink)
	}
}

// Nobody can choose the token of somebody else's session: neither a link nor a made-up token becomes one, and
// each sign-in has a new token.
func TestASessionCannotBeFixed(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	token := b.link(s, "maple-m2")
	asSession := "ls" + strings.TrimPrefix(token, "ll")
	for name, wrong := range map[string]string{"the link itself": token, "the link under a session's prefix": asSession} {
		_, err := s.Check(t.Context(), wrong)
		want(t, name, err, auth.ErrSession)
	}
	in, err := s.Redeem(t.Context(), token, b.arrival())
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Check(t.Context(), asSession)
	want(t, "the link's secret after signing in", err, auth.ErrSession)
	if again := b.signIn(s, "maple-m2"); again.Token == in.Token || again.Member.Session() == in.Member.Session() {
		t.Error("two sign-ins share a session")
	}
	asLink := "ll" + strings.TrimPrefix(in.Token, "ls")
	_, err = s.Redeem(t.Context(), asLink, b.arrival())
	want(t, "a session as a link", err, auth.ErrLink)
}

func TestOnlyTheWholeTokenIsAccepted(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	one, two := b.signIn(s, "maple-m2"), b.signIn(s, "oak-m2")
	a, c := strings.Split(one.Token, "_"), strings.Split(two.Token, "_")
	for name, wrong := range map[string]string{
		"nothing":               "",
		"another's secret":      "ls_" + a[1] + "_" + c[2],
		"another's identifier":  "ls_" + c[1] + "_" + a[2],
		"upper case":            strings.ToUpper(one.Token),
		"a site of another":     "ls_" + strings.Replace(a[1], "maple", "oak", 1) + "_" + a[2],
		"a megabyte":            strings.Repeat("a", 1<<20),
		"an API key":            "lq_" + a[1] + "_" + a[2],
		"a secret one too long": one.Token + "a",
	} {
		_, err := s.Check(t.Context(), wrong)
		want(t, name, err, auth.ErrSession)
	}
}

func TestLinksAndSessionsEndInTime(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	first, second := b.link(s, "maple-m2"), b.link(s, "maple-m2")
	b.clock.move(auth.LinkLife - time.Millisecond)
	in, err := s.Redeem(t.Context(), first, b.arrival())
	if err != nil {
		t.Fatalf("at the last moment: %v", err)
	}
	b.clock.move(time.Millisecond)
	_, err = s.Redeem(t.Context(), second, b.arrival())
	want(t, "when its time is over", err, auth.ErrLink)
	if in.Until != event.InstantOf(b.clock.now().Add(auth.SessionLife-time.Millisecond)) {
		t.Errorf("the session lives until %s", in.Until)
	}
	for range 3 { // used now and then
		b.clock.move(auth.SessionLife / 3)
		b.clock.move(-time.Millisecond)
		if _, err := s.Check(t.Context(), in.Token); err != nil {
			t.Errorf("while it lasts: %v", err)
		}
	}
	b.clock.move(2 * time.Millisecond)
	_, err = s.Check(t.Context(), in.Token)
	want(t, "after it", err, auth.ErrSession)
	if list, err := s.List(t.Context(), in.Member); err != nil || len(list) != 0 {
		t.Errorf("listed %v, %v", list, err)
	}
}

func TestMembersSeeAndEndTheirOwnSessions(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	phone, tablet, paul := b.signIn(s, "maple-m2"), b.signIn(s, "maple-m2"), b.signIn(s, "maple-m3")
	b.signIn(s, "maple2-m2") // a site whose name begins alike
	b.signIn(s, "map-m2")
	list, err := s.List(t.Context(), phone.Member)
	if err != nil || len(list) != 2 {
		t.Fatalf("listed %v, %v", list, err)
	}
	want(t, "somebody else's", s.End(t.Context(), phone.Member, paul.Member.Session()), auth.ErrSession)
	for range 2 {
		if err := s.End(t.Context(), phone.Member, tablet.Member.Session()); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Check(t.Context(), tablet.Token)
	want(t, "the ended one", err, auth.ErrSession)
	for _, in := range []auth.SignedIn{phone, paul} {
		if _, err := s.Check(t.Context(), in.Token); err != nil {
			t.Errorf("another: %v", err)
		}
	}
}

func TestWhoLeavesIsSignedOutEverywhere(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	var hers []auth.SignedIn
	for range 120 { // more than a page
		hers = append(hers, b.signIn(s, "maple-m2"))
	}
	open := b.link(s, "maple-m2")
	paul, other := b.signIn(s, "maple-m3"), b.signIn(s, "maple2-m2")
	if err := s.EndAll(t.Context(), "maple-m2"); err != nil {
		t.Fatal(err)
	}
	for i, in := range hers {
		_, err := s.Check(t.Context(), in.Token)
		want(t, fmt.Sprint("session ", i), err, auth.ErrSession)
	}
	_, err := s.Redeem(t.Context(), open, b.arrival())
	want(t, "the open link", err, auth.ErrLink)
	for _, in := range []auth.SignedIn{paul, other} {
		if _, err := s.Check(t.Context(), in.Token); err != nil {
			t.Errorf("%s: %v", in.Member.ID(), err)
		}
	}
}

func TestLinksAreOnlyForMembers(t *testing.T) {
	s := auth.NewSessions(newBench(t).deps)
	for _, bad := range []event.MemberID{"", "maple", "maple-d2", "Maple-m2", "maple-m0", "-m1"} {
		_, err := s.Invite(t.Context(), bad)
		want(t, string(bad), err, auth.ErrRequest)
	}
}

// A failure of the store while a link is spent signs nobody in, and is not told as a bad link.
func TestAFailureWhileSigningIn(t *testing.T) {
	for _, method := range []string{"Get auth.link", "Delete auth.link", "Put auth.session"} {
		b := newBench(t)
		token := b.link(auth.NewSessions(b.deps), "maple-m2")
		b.deps.Register = &faulty{Register: b.reg, before: map[string]error{method: store.ErrUncertain}}
		in, err := auth.NewSessions(b.deps).Redeem(t.Context(), token, b.arrival())
		want(t, method, err, store.ErrUncertain)
		if errors.Is(err, auth.ErrLink) || in != (auth.SignedIn{}) {
			t.Errorf("%s: %+v, %v", method, in, err)
		}
	}
}

func FuzzSessionsCheck(f *testing.F) {
	f.Add("ls_maple-aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("ls__")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		b := newBench(t)
		s := auth.NewSessions(b.deps)
		if _, err := s.Check(t.Context(), text); !errors.Is(err, auth.ErrSession) {
			t.Fatalf("%q: %v", text, err)
		}
		if _, err := s.Redeem(t.Context(), text, b.arrival()); !errors.Is(err, auth.ErrLink) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
