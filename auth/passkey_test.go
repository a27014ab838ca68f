package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"pgregory.net/rapid"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// device is somebody's phone with its passkeys, as an independent implementation of an authenticator plays it.
type device struct {
	t     testing.TB
	party virtualwebauthn.RelyingParty
	auth  virtualwebauthn.Authenticator
}

var party = virtualwebauthn.RelyingParty{ID: "loquet.example", Name: "Loquet", Origin: "https://loquet.example"}

func newDevice(t testing.TB) *device {
	return &device{t: t, party: party, auth: virtualwebauthn.NewAuthenticator()}
}

// make answers a question for a new passkey.
func (d *device) make(c auth.Ceremony) []byte {
	d.t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(c.Options))
	if err != nil {
		d.t.Fatal(err)
	}
	key := newKey()
	d.auth.Options.UserHandle = []byte(o.UserID)
	answer := virtualwebauthn.CreateAttestationResponse(d.party, d.auth, key, *o)
	d.auth.AddCredential(key)
	return []byte(answer)
}

// newKey draws a key whose coordinates have all their 32 bytes: the authenticator would leave out leading zeros, which
// COSE does not allow (RFC 9053 section 7.1.1).
func newKey() virtualwebauthn.Credential {
	const whole = 77
	for {
		key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(key.Key.AttestationData()) == whole {
			return key
		}
	}
}

// answer answers a question with the last passkey.
func (d *device) answer(c auth.Ceremony) []byte {
	d.t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	if err != nil {
		d.t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAssertionResponse(d.party, d.auth, *d.last(), *o))
}

func (d *device) last() *virtualwebauthn.Credential {
	return &d.auth.Credentials[len(d.auth.Credentials)-1]
}

// keys is everything that signs in by passkey.
type keys struct {
	*bench
	*auth.Passkeys
	members *auth.Sessions
	staffs  *auth.Staffs
}

func (b *bench) passkeys() *keys {
	b.t.Helper()
	k := &keys{bench: b, members: auth.NewSessions(b.deps), staffs: auth.NewStaffs(b.deps, b.vault)}
	var err error
	k.Passkeys, err = auth.NewPasskeys(auth.PasskeysDeps{Deps: b.deps, Vault: b.vault, Sessions: k.members, Staffs: k.staffs, PublicURL: "https://loquet.example"})
	if err != nil {
		b.t.Fatal(err)
	}
	return k
}

func (k *keys) beginAdding(who auth.Person) auth.Ceremony {
	k.t.Helper()
	c, err := k.BeginAdding(k.t.Context(), who, auth.Label{Name: "12 rue Verte", Title: "Ana"})
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *keys) add(who auth.Person, d *device, name string) auth.Passkey {
	k.t.Helper()
	c := k.beginAdding(who)
	p, err := k.Add(k.t.Context(), who, c.ID, d.make(c), name)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func (k *keys) begin() auth.Ceremony {
	k.t.Helper()
	c, err := k.BeginSignIn(k.t.Context(), k.arrival())
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *keys) signInWith(d *device) (auth.SignedIn, error) {
	k.t.Helper()
	c := k.begin()
	return k.SignIn(k.t.Context(), k.arrival(), c.ID, d.answer(c))
}

func TestAPasskeySignsIn(t *testing.T) {
	k := newBench(t).passkeys()
	begun := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	p := k.add(begun.Member, d, " Téléphone ")
	if p.Name != "Téléphone" || p.AddedAt != event.InstantOf(k.clock.now()) || p.UsedAt != 0 || p.Copied || p.Synced {
		t.Errorf("added %+v", p)
	}
	k.clock.move(time.Hour)
	in, err := k.signInWith(d)
	if err != nil {
		t.Fatal(err)
	}
	m, err := k.members.Check(t.Context(), in.Token)
	if err != nil || m != in.Member || m.ID() != "maple-m2" || m.Way() != auth.ByPasskey || m.PasskeyAt() != event.InstantOf(k.clock.now()) {
		t.Fatalf("signed in as %+v, %v", m, err)
	}
	if m.Session() == begun.Member.Session() {
		t.Error("the session is the one before")
	}
	list, err := k.List(t.Context(), m)
	if err != nil || len(list) != 1 || list[0].ID != p.ID || list[0].UsedAt != event.InstantOf(k.clock.now()) || list[0].Name != "Téléphone" {
		t.Errorf("%+v, %v", list, err)
	}
	if strings.Contains(k.stored(), "Téléphone") || strings.Contains(k.stored(), "rue Verte") {
		t.Error("the register holds a name")
	}
}

// What is asked of the browser: a discoverable credential, the person verified, no maker's attestation, our own host.
func TestWhatIsAskedOfTheBrowser(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	k.add(in.Member, d, "phone")
	var made struct {
		RP, User               struct{ ID, Name, DisplayName string }
		Challenge, Attestation string
		AuthenticatorSelection struct {
			ResidentKey, UserVerification string
			RequireResidentKey            bool
		}
		ExcludeCredentials []struct{ ID string }
		Timeout            int
	}
	if err := json.Unmarshal(k.beginAdding(in.Member).Options, &made); err != nil {
		t.Fatal(err)
	}
	sel := made.AuthenticatorSelection
	if made.RP.ID != "loquet.example" || made.User.Name != "12 rue Verte" || made.User.DisplayName != "Ana" || made.Attestation != "none" ||
		sel.ResidentKey != "required" || !sel.RequireResidentKey || sel.UserVerification != "required" || made.Timeout != 300_000 {
		t.Errorf("adding asks for %+v", made)
	}
	if len(made.ExcludeCredentials) != 1 || made.ExcludeCredentials[0].ID != base64.RawURLEncoding.EncodeToString(d.last().ID) {
		t.Errorf("adding excludes %+v", made.ExcludeCredentials)
	}
	var got struct {
		RPID, Challenge, UserVerification string
		AllowCredentials                  []struct{ ID string }
	}
	if err := json.Unmarshal(k.begin().Options, &got); err != nil {
		t.Fatal(err)
	}
	if got.RPID != "loquet.example" || got.UserVerification != "required" || len(got.AllowCredentials) != 0 || len(got.Challenge) != 43 || got.Challenge == made.Challenge {
		t.Errorf("signing in asks for %+v", got)
	}
}

func TestStaffHavePasskeysToo(t *testing.T) {
	k := newBench(t).passkeys()
	begun := k.signInStaff(k.staffs, auth.Dispatcher)
	d := newDevice(t)
	k.add(begun.Staff, d, "laptop")
	in, err := k.signInWith(d)
	if err != nil || in.Staff.ID() != begun.Staff.ID() || in.Member.ID() != "" || in.Staff.Way() != auth.ByPasskey {
		t.Fatalf("%+v, %v", in, err)
	}
	k.clock.move(10 * time.Minute)
	admin := k.signInStaff(k.staffs, auth.Admin).Staff
	if err := k.staffs.Disable(t.Context(), admin, begun.Staff.ID()); err != nil {
		t.Fatal(err)
	}
	_, err = k.signInWith(d)
	want(t, "disabled", err, auth.ErrPasskey)
}

// Each question counts once, for what it was asked, of whom it was asked, in the session in which it was.
func TestAQuestionCountsOnce(t *testing.T) {
	k := newBench(t).passkeys()
	in, paul := k.signIn(k.members, "maple-m2"), k.signIn(k.members, "maple-m3")
	again := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	k.add(in.Member, d, "phone")
	c := k.begin()
	answer := d.answer(c)
	if _, err := k.SignIn(t.Context(), k.arrival(), c.ID, answer); err != nil {
		t.Fatal(err)
	}
	_, err := k.SignIn(t.Context(), k.arrival(), c.ID, answer)
	want(t, "the same answer again", err, auth.ErrCeremony)
	_, err = k.SignIn(t.Context(), k.arrival(), k.begin().ID, answer)
	want(t, "under another question", err, auth.ErrPasskey)

	late := k.begin()
	k.clock.move(auth.CeremonyLife)
	_, err = k.SignIn(t.Context(), k.arrival(), late.ID, d.answer(late))
	want(t, "too late", err, auth.ErrCeremony)

	adding := k.beginAdding(in.Member)
	_, err = k.SignIn(t.Context(), k.arrival(), adding.ID, d.answer(adding))
	want(t, "a question for a new passkey", err, auth.ErrCeremony)
	for name, who := range map[string]auth.Person{"another member's": paul.Member, "another session's": again.Member} {
		adding := k.beginAdding(in.Member)
		_, err = k.Add(t.Context(), who, adding.ID, newDevice(t).make(adding), "x")
		want(t, name, err, auth.ErrCeremony)
		check, err := k.BeginCheck(t.Context(), in.Member)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "to check "+name, k.Check(t.Context(), who, check.ID, d.answer(check)), auth.ErrCeremony)
	}
	for _, bad := range []string{"", "lc", in.Token, strings.Repeat("a", 1000)} {
		_, err := k.SignIn(t.Context(), k.arrival(), bad, answer)
		want(t, "made up", err, auth.ErrCeremony)
	}
}

func TestOfTwoWithOneAnswerOneIsSignedIn(t *testing.T) {
	k := newBench(t).passkeys()
	d := newDevice(t)
	k.add(k.signIn(k.members, "maple-m2").Member, d, "phone")
	for range 20 {
		c := k.begin()
		answer := d.answer(c)
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() { _, errs[i] = k.SignIn(t.Context(), k.arrival(), c.ID, answer) })
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v", errs)
		}
		want(t, "the other", errors.Join(errs...), auth.ErrCeremony)
	}
}

func TestAnswersThatAreNotAccepted(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	k.add(in.Member, d, "phone")
	for name, change := range map[string]func(*device){
		"of another page":         func(d *device) { d.party.Origin = "https://evil.example" },
		"of another port":         func(d *device) { d.party.Origin = "https://loquet.example:8443" },
		"over http":               func(d *device) { d.party.Origin = "http://loquet.example" },
		"for another host":        func(d *device) { d.party.ID = "evil.example" },
		"without verification":    func(d *device) { d.auth.Options.UserNotVerified = true },
		"without the person":      func(d *device) { d.auth.Options.UserNotPresent = true },
		"without a handle":        func(d *device) { d.auth.Options.UserHandle = nil },
		"of another member":       func(d *device) { d.auth.Options.UserHandle = []byte("member/maple-m3") },
		"of staff":                func(d *device) { d.auth.Options.UserHandle = []byte("staff/abcdefgh") },
		"of nobody":               func(d *device) { d.auth.Options.UserHandle = []byte("member/") },
		"of a courier":            func(d *device) { d.auth.Options.UserHandle = []byte("courier/anna") },
		"of a key that never was": func(d *device) { d.auth.AddCredential(virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)) },
		"synced all of a sudden":  func(d *device) { d.auth.Options.BackupEligible = true },
		"of another key, own name": func(d *device) {
			other := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
			other.ID = d.last().ID
			d.auth.AddCredential(other)
		},
	} {
		copied := *d
		copied.auth.Credentials = append([]virtualwebauthn.Credential(nil), d.auth.Credentials...)
		change(&copied)
		_, err := k.signInWith(&copied)
		want(t, name, err, auth.ErrPasskey)
	}
	for _, bad := range []string{"", "{}", "null", `{"id":"x"}`, strings.Repeat("[", 100_000)} {
		_, err := k.SignIn(t.Context(), k.arrival(), k.begin().ID, []byte(bad))
		want(t, fmt.Sprintf("%.20q", bad), err, auth.ErrPasskey)
	}
	if _, err := k.signInWith(d); err != nil {
		t.Errorf("the right one after all that: %v", err)
	}
}

func TestPasskeysThatAreNotAdded(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	for name, change := range map[string]func(*device){
		"of another page":      func(d *device) { d.party.Origin = "https://evil.example" },
		"for another host":     func(d *device) { d.party.ID = "evil.example" },
		"without verification": func(d *device) { d.auth.Options.UserNotVerified = true },
	} {
		d := newDevice(t)
		change(d)
		c := k.beginAdding(in.Member)
		_, err := k.Add(t.Context(), in.Member, c.ID, d.make(c), "x")
		want(t, name, err, auth.ErrPasskey)
	}
	for _, name := range []string{"", "  ", strings.Repeat("x", 61), "\xff"} {
		c := k.beginAdding(in.Member)
		_, err := k.Add(t.Context(), in.Member, c.ID, newDevice(t).make(c), name)
		want(t, fmt.Sprintf("named %q", name), err, auth.ErrRequest)
	}
	c := k.beginAdding(in.Member)
	_, err := k.Add(t.Context(), in.Member, c.ID, []byte("{}"), "x")
	want(t, "no answer", err, auth.ErrPasskey)
	if list, err := k.List(t.Context(), in.Member); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestPasskeysAreNamedAndRemoved(t *testing.T) {
	k := newBench(t).passkeys()
	in, paul := k.signIn(k.members, "maple-m2"), k.signIn(k.members, "maple-m3")
	phone, laptop := newDevice(t), newDevice(t)
	first, second := k.add(in.Member, phone, "phone"), k.add(in.Member, laptop, "laptop")
	if err := k.Rename(t.Context(), in.Member, first.ID, "old phone"); err != nil {
		t.Fatal(err)
	}
	want(t, "no name", k.Rename(t.Context(), in.Member, first.ID, " "), auth.ErrRequest)
	want(t, "somebody else's", k.Rename(t.Context(), paul.Member, first.ID, "mine"), auth.ErrPasskey)
	if err := k.Remove(t.Context(), paul.Member, first.ID); err != nil {
		t.Errorf("removing somebody else's: %v", err)
	}
	list, err := k.List(t.Context(), in.Member)
	if err != nil || len(list) != 2 || list[0].Name != "old phone" || list[1].ID != second.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	for range 2 {
		if err := k.Remove(t.Context(), in.Member, first.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = k.signInWith(phone)
	want(t, "the removed one", err, auth.ErrPasskey)
	if _, err := k.signInWith(laptop); err != nil {
		t.Errorf("the other: %v", err)
	}
}

// An old session, on a computer that somebody left, adds and removes nothing until a passkey is shown again.
func TestOldSessionsChangeNoPasskeys(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	p := k.add(in.Member, d, "phone")
	k.clock.move(auth.RecentFor + time.Second)
	old, err := k.members.Check(t.Context(), in.Token)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.BeginAdding(t.Context(), old, auth.Label{Name: "x", Title: "x"})
	want(t, "adding", err, auth.ErrRecent)
	want(t, "removing", k.Remove(t.Context(), old, p.ID), auth.ErrRecent)

	check, err := k.BeginCheck(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(t.Context(), old, check.ID, d.answer(check)); err != nil {
		t.Fatal(err)
	}
	fresh, err := k.members.Check(t.Context(), in.Token)
	now := event.InstantOf(k.clock.now())
	if err != nil || !auth.FreshPasskey(fresh, now, time.Minute) || fresh.Way() != auth.ByLink {
		t.Fatalf("%+v, %v", fresh, err)
	}
	k.add(fresh, newDevice(t), "laptop")
	if err := k.Remove(t.Context(), fresh, p.ID); err != nil {
		t.Error(err)
	}
	if auth.FreshPasskey(fresh, now.Add(event.Millis(time.Minute/time.Millisecond)+1), time.Minute) {
		t.Error("fresh for longer than asked")
	}
}

func TestAPasskeyIsCheckedInTheSessionThatAsks(t *testing.T) {
	k := newBench(t).passkeys()
	in, other := k.signIn(k.members, "maple-m2"), k.signIn(k.members, "maple-m2")
	_, err := k.BeginCheck(t.Context(), in.Member)
	want(t, "without any passkey", err, auth.ErrPasskey)
	d := newDevice(t)
	k.add(in.Member, d, "phone")
	check, err := k.BeginCheck(t.Context(), in.Member)
	if err != nil {
		t.Fatal(err)
	}
	stranger := newDevice(t)
	k.add(k.signIn(k.members, "oak-m1").Member, stranger, "theirs")
	want(t, "another's passkey", k.Check(t.Context(), in.Member, check.ID, stranger.answer(check)), auth.ErrPasskey)
	if check, err = k.BeginCheck(t.Context(), in.Member); err != nil {
		t.Fatal(err)
	}
	if err := k.members.End(t.Context(), in.Member, in.Member.Session()); err != nil {
		t.Fatal(err)
	}
	want(t, "in an ended session", k.Check(t.Context(), in.Member, check.ID, d.answer(check)), auth.ErrSession)
	if m, err := k.members.Check(t.Context(), other.Token); err != nil || m.PasskeyAt() != 0 {
		t.Errorf("the other session: %+v, %v", m, err)
	}
	staff := k.signInStaff(k.staffs, auth.Viewer)
	mine := newDevice(t)
	k.add(staff.Staff, mine, "key")
	if check, err = k.BeginCheck(t.Context(), staff.Staff); err != nil {
		t.Fatal(err)
	}
	if err := k.Check(t.Context(), staff.Staff, check.ID, mine.answer(check)); err != nil {
		t.Fatal(err)
	}
	if s, err := k.staffs.Check(t.Context(), staff.Token); err != nil || s.PasskeyAt() == 0 {
		t.Errorf("staff: %+v, %v", s, err)
	}
}

// A counter that goes back means two copies: from then on neither signs in, and the person sees which one it is.
func TestACopiedPasskeyIsNotAcceptedAnyMore(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	d := newDevice(t)
	k.add(in.Member, d, "key")
	other := newDevice(t)
	k.add(in.Member, other, "other")
	for n := range 3 {
		d.last().Counter = uint32(n + 5)
		if _, err := k.signInWith(d); err != nil {
			t.Fatal(err)
		}
	}
	d.last().Counter = 6
	_, err := k.signInWith(d)
	want(t, "the copy", err, auth.ErrCopied)
	d.last().Counter = 100
	_, err = k.signInWith(d)
	want(t, "the original", err, auth.ErrCopied)
	list, err := k.List(t.Context(), in.Member)
	if err != nil || !list[0].Copied || list[1].Copied {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := k.signInWith(other); err != nil {
		t.Errorf("the other passkey: %v", err)
	}
	want(t, "nor does it check", func() error {
		check, err := k.BeginCheck(t.Context(), in.Member)
		if err != nil {
			return err
		}
		return k.Check(t.Context(), in.Member, check.ID, d.answer(check))
	}(), auth.ErrCopied)
}

// Synced passkeys count nothing: 0 stays 0, and signs in each time.
func TestASyncedPasskey(t *testing.T) {
	k := newBench(t).passkeys()
	d := newDevice(t)
	d.auth.Options.BackupEligible, d.auth.Options.BackupState = true, true
	if p := k.add(k.signIn(k.members, "maple-m2").Member, d, "phone"); !p.Synced {
		t.Errorf("added %+v", p)
	}
	for range 3 {
		if _, err := k.signInWith(d); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPasskeysAreBounded(t *testing.T) {
	k := newBench(t).passkeys()
	in := k.signIn(k.members, "maple-m2")
	spare := k.beginAdding(in.Member)
	for i := range auth.MostPasskeys {
		k.add(in.Member, newDevice(t), fmt.Sprint("key ", i))
	}
	_, err := k.BeginAdding(t.Context(), in.Member, auth.Label{Name: "x", Title: "x"})
	want(t, "asking for one more", err, auth.ErrManyPasskeys)
	_, err = k.Add(t.Context(), in.Member, spare.ID, newDevice(t).make(spare), "x")
	want(t, "one that was asked for before", err, auth.ErrManyPasskeys)
}

func TestWhoLeftHasNoPasskeys(t *testing.T) {
	k := newBench(t).passkeys()
	d := newDevice(t)
	k.add(k.signIn(k.members, "maple-m2").Member, d, "phone")
	if err := k.members.Forget(t.Context(), "maple-m2"); err != nil {
		t.Fatal(err)
	}
	_, err := k.signInWith(d)
	want(t, "afterwards", err, auth.ErrPasskey)
	if records, err := k.reg.List(t.Context(), "auth.passkeys", "", 10); err != nil || len(records) != 0 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestWhereThereAreNoPasskeys(t *testing.T) {
	for public, possible := range map[string]bool{
		"https://loquet.example":      true,
		"https://loquet.example:8443": true,
		"http://localhost:8480":       true,
		"http://demo.localhost:8480":  true,
		"http://loquet.example":       false,
		"https://192.0.2.7":           false,
		"http://127.0.0.1:8480":       false,
		"https://[::1]:8480":          false,
		"":                            false,
	} {
		b := newBench(t)
		s := auth.NewSessions(b.deps)
		p, err := auth.NewPasskeys(auth.PasskeysDeps{Deps: b.deps, Vault: b.vault, Sessions: s, Staffs: auth.NewStaffs(b.deps, b.vault), PublicURL: public})
		if err != nil {
			t.Fatalf("%s: %v", public, err)
		}
		if err := p.Possible(); (err == nil) != possible || err != nil && !errors.Is(err, auth.ErrNoPasskeys) {
			t.Errorf("%s: %v", public, err)
		}
		if possible {
			continue
		}
		who := b.signIn(s, "maple-m2").Member
		_, e1 := p.BeginSignIn(t.Context(), b.arrival())
		_, e2 := p.BeginAdding(t.Context(), who, auth.Label{})
		_, e3 := p.BeginCheck(t.Context(), who)
		_, e4 := p.SignIn(t.Context(), b.arrival(), "", nil)
		_, e5 := p.Add(t.Context(), who, "", nil, "x")
		for i, err := range []error{e1, e2, e3, e4, e5, p.Check(t.Context(), who, "", nil)} {
			want(t, fmt.Sprint(public, " ", i), err, auth.ErrNoPasskeys)
		}
		if list, err := p.List(t.Context(), who); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	}
}

func TestAFailureWhileAPasskeySignsIn(t *testing.T) {
	for _, method := range []string{"Get auth.ceremony", "Delete auth.ceremony", "Get auth.passkeys", "Put auth.passkeys", "Put auth.session"} {
		k := newBench(t).passkeys()
		d := newDevice(t)
		k.add(k.signIn(k.members, "maple-m2").Member, d, "phone")
		c := k.begin()
		k.deps.Register = &faulty{Register: k.reg, before: map[string]error{method: store.ErrUncertain}}
		in, err := k.bench.passkeys().SignIn(t.Context(), k.arrival(), c.ID, d.answer(c))
		want(t, method, err, store.ErrUncertain)
		if errors.Is(err, auth.ErrPasskey) || in != (auth.SignedIn{}) {
			t.Errorf("%s: %+v, %v", method, in, err)
		}
		if _, err := k.signInWith(d); err != nil {
			t.Errorf("%s, then again: %v", method, err)
		}
	}
}

// Whatever people add, remove and copy in whichever order: exactly those passkeys sign in that a naive twin knows.
func TestPasskeysAgainstATwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := newBench(t).passkeys()
		members := map[event.MemberID]auth.Member{}
		for _, id := range []event.MemberID{"maple-m1", "oak-m1"} {
			members[id] = k.signIn(k.members, id).Member
		}
		type known struct {
			d      *device
			id     string
			owner  event.MemberID
			count  uint32
			good   bool
			copied bool
		}
		var all []*known
		pick := func(rt *rapid.T) *known {
			if len(all) == 0 {
				rt.Skip("none yet")
			}
			return rapid.SampledFrom(all).Draw(rt, "passkey")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				owner := rapid.SampledFrom([]event.MemberID{"maple-m1", "oak-m1"}).Draw(rt, "owner")
				d := newDevice(t)
				if len(all) < 8 {
					all = append(all, &known{d: d, id: k.add(members[owner], d, "x").ID, owner: owner, good: true})
				}
			},
			"remove": func(rt *rapid.T) {
				p := pick(rt)
				if err := k.Remove(t.Context(), members[p.owner], p.id); err != nil {
					rt.Fatal(err)
				}
				p.good = false
			},
			"sign in": func(rt *rapid.T) {
				p := pick(rt)
				count := rapid.Uint32Range(0, 5).Draw(rt, "count")
				p.d.last().Counter = count
				in, err := k.signInWith(p.d)
				fine := p.good && !p.copied
				if fine && (count > 0 || p.count > 0) && count <= p.count {
					fine, p.copied = false, true
				}
				if fine {
					p.count = count
				}
				if (err == nil) != fine || fine && in.Member.ID() != p.owner {
					rt.Fatalf("%+v with count %d: %+v, %v", p, count, in.Member, err)
				}
			},
		})
	})
}

func FuzzPasskeyAnswer(f *testing.F) {
	b := newBench(f)
	k := b.passkeys()
	in := k.signIn(k.members, "maple-m2")
	d := newDevice(f)
	k.add(in.Member, d, "phone")
	f.Add(d.answer(k.begin()))
	f.Add([]byte(`{"id":"","rawId":"","type":"public-key","response":{}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c, err := k.BeginSignIn(t.Context(), k.arrival())
		if err != nil {
			t.Skip(err)
		}
		if in, err := k.SignIn(t.Context(), k.arrival(), c.ID, answer); err == nil || !errors.Is(err, auth.ErrPasskey) {
			t.Fatalf("%+v, %v", in, err)
		}
		adding, err := k.BeginAdding(t.Context(), in.Member, auth.Label{Name: "x", Title: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := k.Add(t.Context(), in.Member, adding.ID, answer, "x"); err == nil || !errors.Is(err, auth.ErrPasskey) {
			t.Fatalf("%+v, %v", p, err)
		}
	})
}
