package auth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

func (b *bench) addStaff(s *auth.Staffs, role auth.StaffRole) (auth.Account, auth.Link) {
	b.t.Helper()
	n := b.arrivals.Add(1)
	a, link, err := s.Add(b.t.Context(), auth.NewStaff{Name: fmt.Sprint("Person ", n), Address: fmt.Sprintf("person%d@loquet.example", n), Role: role})
	if err != nil {
		b.t.Fatal(err)
	}
	return a, link
}

// links are mail links without a mailer: enough to redeem what was handed over.
func (b *bench) links(s *auth.Staffs) *auth.Links {
	return auth.NewLinks(auth.LinksDeps{Deps: b.deps, Sessions: auth.NewSessions(b.deps), Staffs: s,
		Mailboxes: auth.NewMailboxes(b.deps, b.vault), PublicURL: "https://loquet.example", Failed: func(err error) { b.t.Error(err) }})
}

func (b *bench) signInStaff(s *auth.Staffs, role auth.StaffRole) auth.SignedIn {
	b.t.Helper()
	_, link := b.addStaff(s, role)
	in, err := b.links(s).Redeem(b.t.Context(), link.Token, "", b.arrival())
	if err != nil {
		b.t.Fatal(err)
	}
	return in
}

func TestStaffSignInAndAreNamedAsOperators(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	a, link, err := s.Add(t.Context(), auth.NewStaff{Name: "Ana Lopes", Address: " Ana@Loquet.example", Role: auth.Dispatcher})
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "Ana Lopes" || a.Address != "Ana@loquet.example" || a.Role != auth.Dispatcher || a.CreatedAt != event.InstantOf(b.clock.now()) || a.DisabledAt != 0 {
		t.Errorf("made %+v", a)
	}
	in, err := b.links(s).Redeem(t.Context(), link.Token, "", b.arrival())
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Check(t.Context(), in.Token)
	if err != nil || who != in.Staff || who.ID() != a.ID || who.Name() != "Ana Lopes" || who.Role() != auth.Dispatcher || in.Person() != auth.Person(who) {
		t.Fatalf("signed in as %+v, %v", who, err)
	}
	c := who.Client()
	name := "staff/" + string(a.ID)
	if c.Role() != auth.Operator || c.Identity() != name || c.Key() != name || c.Actor() != (event.Actor{Kind: event.ActorOperator, ID: name}) || who.Actor() != c.Actor() {
		t.Errorf("acts as %+v", c)
	}
	_, err = b.links(s).Redeem(t.Context(), link.Token, "", b.arrival())
	want(t, "the used link", err, auth.ErrLink)
	for _, secret := range []string{"Ana", "ana@", "Lopes", strings.Split(in.Token, "_")[2], strings.Split(link.Token, "_")[2]} {
		if strings.Contains(b.stored(), secret) {
			t.Errorf("the register holds %q", secret)
		}
	}
}

// A staff's token signs in no member, and a member's nobody of the staff, under whichever prefix.
func TestNoWayFromOneKindOfPersonToAnother(t *testing.T) {
	b := newBench(t)
	staffs, members := auth.NewStaffs(b.deps, b.vault), auth.NewSessions(b.deps)
	staff, member := b.signInStaff(staffs, auth.Admin), b.signIn(members, "maple-m2")
	_, staffLink := b.addStaff(staffs, auth.Admin)
	as := func(prefix, token string) string { return prefix + token[2:] }
	for _, token := range []string{staff.Token, as("ls", staff.Token), staffLink.Token, as("ls", staffLink.Token)} {
		_, err := members.Check(t.Context(), token)
		want(t, token[:2]+" as a member's session", err, auth.ErrSession)
		_, err = members.Redeem(t.Context(), as("ll", token), b.arrival())
		want(t, token[:2]+" as a member's link", err, auth.ErrLink)
	}
	for _, token := range []string{member.Token, as("lt", member.Token), as("lt", staffLink.Token)} {
		_, err := staffs.Check(t.Context(), token)
		want(t, token[:2]+" as a staff's session", err, auth.ErrSession)
	}
	if err := (auth.Staff{}).Require(auth.Viewer); !errors.Is(err, auth.ErrRole) {
		t.Errorf("nobody is a viewer: %v", err)
	}
	if c := (auth.Staff{}).Client(); c.Require(auth.DeliveriesRead) == nil || c.Role() != "" {
		t.Errorf("nobody asks as %+v", c)
	}
}

func TestEachRoleMayWhatTheOneBeforeMay(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	may := map[auth.StaffRole][]auth.Scope{
		auth.Viewer:     {auth.DeliveriesRead, auth.JournalsRead},
		auth.Dispatcher: {auth.SitesRead, auth.SitesWrite, auth.CouriersWrite, auth.DeliveriesRead, auth.DeliveriesWrite, auth.DeliveriesBlock, auth.JournalsRead, auth.PicturesRead, auth.AlarmsWrite, auth.StoriesRead},
		auth.Admin:      auth.Scopes(),
	}
	for i, role := range auth.StaffRoles() {
		who := b.signInStaff(s, role).Staff
		for j, other := range auth.StaffRoles() {
			if err := who.Require(other); (err == nil) != (j <= i) || err != nil && !errors.Is(err, auth.ErrRole) {
				t.Errorf("a %s as a %s: %v", role, other, err)
			}
		}
		if who.Require("owner") == nil || who.Require("") == nil {
			t.Errorf("a %s has a role that is none", role)
		}
		for _, scope := range auth.Scopes() {
			if err := who.Client().Require(scope); (err == nil) != slices.Contains(may[role], scope) {
				t.Errorf("a %s with %s: %v", role, scope, err)
			}
		}
	}
}

func TestAccountsThatCannotBe(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	if _, _, err := s.Add(t.Context(), auth.NewStaff{Name: "Ana", Address: "ana@loquet.example", Role: auth.Viewer}); err != nil {
		t.Fatal(err)
	}
	before := b.stored()
	for name, c := range map[string]struct {
		n    auth.NewStaff
		want error
	}{
		"no name":            {auth.NewStaff{Name: " ", Address: "a@loquet.example", Role: auth.Viewer}, auth.ErrRequest},
		"a name of bytes":    {auth.NewStaff{Name: "\xff", Address: "a@loquet.example", Role: auth.Viewer}, auth.ErrRequest},
		"a long name":        {auth.NewStaff{Name: strings.Repeat("é", 101), Address: "a@loquet.example", Role: auth.Viewer}, auth.ErrRequest},
		"no role":            {auth.NewStaff{Name: "Bo", Address: "a@loquet.example"}, auth.ErrRequest},
		"another role":       {auth.NewStaff{Name: "Bo", Address: "a@loquet.example", Role: "root"}, auth.ErrRequest},
		"no address":         {auth.NewStaff{Name: "Bo", Role: auth.Viewer}, auth.ErrAddress},
		"the address of Ana": {auth.NewStaff{Name: "Bo", Address: "ANA@loquet.example", Role: auth.Admin}, auth.ErrTaken},
	} {
		_, link, err := s.Add(t.Context(), c.n)
		want(t, name, err, c.want)
		if link.Token != "" {
			t.Errorf("%s: a link", name)
		}
	}
	if after := b.stored(); after != before {
		t.Errorf("something was stored: %s", after)
	}
}

func TestOfTwoAccountsForOneAddressOneIsMade(t *testing.T) {
	b := newBench(t)
	for i := range 20 {
		s := auth.NewStaffs(b.deps, b.vault)
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for j := range errs {
			wait.Go(func() {
				_, _, errs[j] = s.Add(t.Context(), auth.NewStaff{Name: "Ana", Address: fmt.Sprintf("ana%d@loquet.example", i), Role: auth.Viewer})
			})
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v", errs)
		}
		want(t, "the other", errors.Join(errs...), auth.ErrTaken)
	}
}

// An address whose account was never written, because the server died in between, can be used after all.
func TestAnAccountThatWasHalfMade(t *testing.T) {
	for _, method := range []string{"Put auth.staff", "Put auth.mailbox", "Put auth.address"} {
		b := newBench(t)
		n := auth.NewStaff{Name: "Ana", Address: "ana@loquet.example", Role: auth.Admin}
		deps := b.deps
		deps.Register = &faulty{Register: b.reg, before: map[string]error{method: store.ErrFull}}
		_, _, err := auth.NewStaffs(deps, b.vault).Add(t.Context(), n)
		want(t, method, err, store.ErrFull)
		s := auth.NewStaffs(b.deps, b.vault)
		_, _, err = s.Add(t.Context(), n)
		want(t, "at once", err, auth.ErrTaken)
		b.clock.move(time.Minute)
		a, link, err := s.Add(t.Context(), n)
		if err != nil || a.Address != n.Address {
			t.Errorf("again: %+v, %v", a, err)
		}
		if in, err := b.links(s).Redeem(t.Context(), link.Token, "", b.arrival()); err != nil || in.Staff.ID() != a.ID {
			t.Errorf("%+v, %v", in, err)
		}
		if again, err := s.Link(t.Context(), n.Address); err != nil || again.Token == "" {
			t.Errorf("a link for it: %v", err)
		}
	}
}

func TestAdminsKeepTheirColleagues(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	admin, ana := b.signInStaff(s, auth.Admin).Staff, b.signInStaff(s, auth.Viewer)
	if err := s.SetRole(t.Context(), admin, ana.Staff.ID(), auth.Dispatcher); err != nil {
		t.Fatal(err)
	}
	if who, err := s.Check(t.Context(), ana.Token); err != nil || who.Role() != auth.Dispatcher {
		t.Errorf("at the next request she is %+v, %v", who, err)
	}
	list, err := s.List(t.Context(), admin)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	at := slices.IndexFunc(list, func(a auth.Account) bool { return a.ID == ana.Staff.ID() })
	if a := list[at]; a.Role != auth.Dispatcher || a.ChangedBy != admin.ID() || a.ChangedAt != event.InstantOf(b.clock.now()) || !strings.HasSuffix(a.Address, "@loquet.example") {
		t.Errorf("listed as %+v", a)
	}
	if err := s.Disable(t.Context(), admin, ana.Staff.ID()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Check(t.Context(), ana.Token)
	want(t, "her session", err, auth.ErrSession)
	_, err = s.Link(t.Context(), list[at].Address)
	want(t, "a link from the console", err, auth.ErrStaff)
	if err := s.Enable(t.Context(), admin, ana.Staff.ID()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Check(t.Context(), ana.Token)
	want(t, "her ended session after that", err, auth.ErrSession)
	link, err := s.Link(t.Context(), list[at].Address)
	if err != nil {
		t.Fatal(err)
	}
	if in, err := b.links(s).Redeem(t.Context(), link.Token, "", b.arrival()); err != nil || in.Staff.ID() != ana.Staff.ID() {
		t.Errorf("back as %+v, %v", in, err)
	}
}

func TestOnlyAdminsAndNeverTheirOwn(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	admin, boss := b.signInStaff(s, auth.Admin).Staff, b.signInStaff(s, auth.Dispatcher).Staff
	for name, do := range map[string]func(by auth.Staff, id auth.StaffID) error{
		"set a role": func(by auth.Staff, id auth.StaffID) error { return s.SetRole(t.Context(), by, id, auth.Admin) },
		"disable":    func(by auth.Staff, id auth.StaffID) error { return s.Disable(t.Context(), by, id) },
		"enable":     func(by auth.Staff, id auth.StaffID) error { return s.Enable(t.Context(), by, id) },
	} {
		want(t, name+" as a dispatcher", do(boss, admin.ID()), auth.ErrRole)
		want(t, name+" as nobody", do(auth.Staff{}, admin.ID()), auth.ErrRole)
		want(t, name+" the own account", do(admin, admin.ID()), auth.ErrOwnAccount)
		want(t, name+" an unknown one", do(admin, "nobody"), auth.ErrStaff)
	}
	want(t, "a role that is none", s.SetRole(t.Context(), admin, boss.ID(), "root"), auth.ErrRequest)
	_, err := s.List(t.Context(), boss)
	want(t, "the list", err, auth.ErrRole)
	if who, err := s.Check(t.Context(), b.signInStaff(s, auth.Admin).Token); err != nil || who.Role() != auth.Admin {
		t.Errorf("%+v, %v", who, err)
	}
}

// The account decides at each use, even where its sessions or links could not be removed.
func TestADisabledAccountIsRefusedEverywhere(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	admin := b.signInStaff(s, auth.Admin).Staff
	a, link := b.addStaff(s, auth.Admin)
	in, err := b.links(s).Redeem(t.Context(), link.Token, "", b.arrival())
	if err != nil {
		t.Fatal(err)
	}
	open, err := s.Link(t.Context(), a.Address)
	if err != nil {
		t.Fatal(err)
	}
	deps := b.deps
	deps.Register = &faulty{Register: b.reg, before: map[string]error{"List auth.staff.link": store.ErrUncertain}}
	want(t, "disabling", auth.NewStaffs(deps, b.vault).Disable(t.Context(), admin, a.ID), store.ErrUncertain)
	_, err = s.Check(t.Context(), in.Token)
	want(t, "the session", err, auth.ErrSession)
	_, err = b.links(s).Redeem(t.Context(), open.Token, "", b.arrival())
	want(t, "the link", err, auth.ErrLink)
}

func TestStaffSessionsAreShort(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	busy, idle := b.signInStaff(s, auth.Viewer), b.signInStaff(s, auth.Viewer)
	if busy.Until != event.InstantOf(b.clock.now().Add(12*time.Hour)) {
		t.Errorf("ends %s", busy.Until)
	}
	for range 11 {
		b.clock.move(time.Hour)
		if _, err := s.Check(t.Context(), busy.Token); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Check(t.Context(), idle.Token)
	want(t, "the idle one", err, auth.ErrSession)
	b.clock.move(time.Hour)
	_, err = s.Check(t.Context(), busy.Token)
	want(t, "after a long shift", err, auth.ErrSession)
}

func TestStaffSeeAndEndTheirOwnSessions(t *testing.T) {
	b := newBench(t)
	s := auth.NewStaffs(b.deps, b.vault)
	a, first := b.addStaff(s, auth.Viewer)
	var mine []auth.SignedIn
	for token := first.Token; len(mine) < 3; {
		in, err := b.links(s).Redeem(t.Context(), token, "", b.arrival())
		if err != nil {
			t.Fatal(err)
		}
		mine = append(mine, in)
		link, err := s.Link(t.Context(), a.Address)
		if err != nil {
			t.Fatal(err)
		}
		token = link.Token
	}
	other := b.signInStaff(s, auth.Viewer)
	if list, err := s.Sessions(t.Context(), mine[0].Staff); err != nil || len(list) != 3 || list[0].Way != auth.ByLink {
		t.Fatalf("%+v, %v", list, err)
	}
	want(t, "somebody else's", s.End(t.Context(), mine[0].Staff, other.Staff.Session()), auth.ErrSession)
	if err := s.End(t.Context(), mine[0].Staff, mine[1].Staff.Session()); err != nil {
		t.Fatal(err)
	}
	if err := s.EndOthers(t.Context(), mine[0].Staff); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Sessions(t.Context(), mine[0].Staff); err != nil || len(list) != 1 || list[0].ID != mine[0].Staff.Session() {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := s.Check(t.Context(), other.Token); err != nil {
		t.Errorf("the other's: %v", err)
	}
}

// With another master key nobody's name can be read: that is a failure, and no sign that nobody is signed in.
func TestNamesNeedTheMasterKey(t *testing.T) {
	b := newBench(t)
	in := b.signInStaff(auth.NewStaffs(b.deps, b.vault), auth.Viewer)
	other := vault.New(vault.Deps{Register: b.reg, Now: b.clock.now, Random: b.deps.Random})
	_, err := auth.NewStaffs(b.deps, other).Check(t.Context(), in.Token)
	if err == nil || errors.Is(err, auth.ErrSession) {
		t.Errorf("got %v", err)
	}
}
