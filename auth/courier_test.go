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

func TestACodeBindsOneDevice(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	offer, err := c.Invite(t.Context(), "karim")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[2-9A-HJ-NP-Z]{8}$`).MatchString(offer.Code) {
		t.Errorf("the code is %q", offer.Code)
	}
	if offer.Until != event.InstantOf(b.clock.now().Add(10*time.Minute)) {
		t.Errorf("the code lives until %s", offer.Until)
	}
	if strings.Contains(b.stored(), offer.Code) {
		t.Error("the register holds the code")
	}
	p := b.phone()
	bound, err := c.Bind(t.Context(), p.bind(offer.Code))
	if err != nil {
		t.Fatal(err)
	}
	if bound.Courier != "karim" || bound.Key != p.id || bound.PublicJWK != p.jwk || bound.Replaced != "" || bound.BoundAt != event.InstantOf(b.clock.now()) {
		t.Errorf("bound as %+v", bound)
	}
	if got, err := c.Binding(t.Context(), "karim"); err != nil || got != bound.Binding {
		t.Errorf("kept as %+v, %v", got, err)
	}
	for who, again := range map[string]*phone{"the same phone": p, "another phone": b.phone()} {
		_, err := c.Bind(t.Context(), again.bind(offer.Code))
		want(t, who+" with the used code", err, auth.ErrPairing)
	}
	if got, _ := c.Binding(t.Context(), "karim"); got != bound.Binding {
		t.Errorf("afterwards it is %+v", got)
	}
}

func TestACodeMayBeTypedLoosely(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	code := b.invite(c, "karim")
	typed := " " + strings.ToLower(code[:4]) + "-" + code[4:] + " "
	if _, err := c.Bind(t.Context(), b.phone().bind(typed)); err != nil {
		t.Errorf("%q: %v", typed, err)
	}
}

func TestACodeEndsInTime(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	first := b.invite(c, "karim")
	b.clock.move(auth.PairingLife - time.Millisecond)
	if _, err := c.Bind(t.Context(), b.phone().bind(first)); err != nil {
		t.Errorf("at the last moment: %v", err)
	}
	second := b.invite(c, "karim")
	b.clock.move(auth.PairingLife)
	_, err := c.Bind(t.Context(), b.phone().bind(second))
	want(t, "when its time is over", err, auth.ErrPairing)
}

func TestANewerCodeAndARevocationEndACode(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	old := b.invite(c, "karim")
	newer := b.invite(c, "karim")
	_, err := c.Bind(t.Context(), b.phone().bind(old))
	want(t, "the older code", err, auth.ErrPairing)
	if _, err := c.Revoke(t.Context(), "karim"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Bind(t.Context(), b.phone().bind(newer))
	want(t, "the code from before the revocation", err, auth.ErrPairing)
	if _, err := c.Bind(t.Context(), b.phone().bind(b.invite(c, "karim"))); err != nil {
		t.Errorf("the code from after it: %v", err)
	}
}

// Two phones race with one code, many times: one wins, and the binding is the winner's.
func TestOfTwoPhonesWithOneCodeOneWins(t *testing.T) {
	b := newBench(t)
	for i := range 50 {
		c := auth.NewCouriers(b.deps) // anew, for the limit on tries
		courier := event.CourierID(fmt.Sprint("courier", i))
		code := b.invite(c, courier)
		phones := []*phone{b.phone(), b.phone()}
		requests := []auth.BindRequest{phones[0].bind(code), phones[1].bind(code)}
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for j := range phones {
			wait.Go(func() { _, errs[j] = c.Bind(t.Context(), requests[j]) })
		}
		wait.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil {
			t.Fatalf("both lost: %v", errs)
		}
		want(t, "the loser", errs[1-winner], auth.ErrPairing)
		got, err := c.Binding(t.Context(), courier)
		if err != nil || got.Key != phones[winner].id {
			t.Fatalf("the binding is %+v, %v", got, err)
		}
		_, err = c.Verify(t.Context(), phones[1-winner].request("POST", scanURL, ""))
		want(t, "the loser's request", err, auth.ErrUnbound)
	}
}

func TestRebindingReplacesAndSaysWhat(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	old := b.bound(c, "karim")
	before, _ := c.Binding(t.Context(), "karim")
	young := b.phone()
	bound, err := c.Bind(t.Context(), young.bind(b.invite(c, "karim")))
	if err != nil {
		t.Fatal(err)
	}
	if bound.Replaced != old.id || bound.Key != young.id || bound.Version <= before.Version {
		t.Errorf("bound as %+v after %+v", bound, before)
	}
	_, err = c.Verify(t.Context(), old.request("POST", scanURL, ""))
	want(t, "the old phone", err, auth.ErrUnbound)
	if _, err := c.Verify(t.Context(), young.request("POST", scanURL, "")); err != nil {
		t.Errorf("the new phone: %v", err)
	}
	again, err := c.Bind(t.Context(), young.bind(b.invite(c, "karim")))
	if err != nil || again.Replaced != "" {
		t.Errorf("the same phone again: %+v, %v", again, err)
	}
}

func TestAKeyIsOnlyOneCouriers(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	code := b.invite(c, "lea")
	_, err := c.Bind(t.Context(), p.bind(code))
	want(t, "karim's phone for lea", err, auth.ErrKeyTaken)
	if _, err := c.Revoke(t.Context(), "karim"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Bind(t.Context(), p.bind(code)); err != nil {
		t.Fatalf("once karim's is revoked, with the code still unused: %v", err)
	}
	who, err := c.Verify(t.Context(), p.request("POST", scanURL, ""))
	if err != nil || who.ID() != "lea" {
		t.Errorf("the phone is %q's, %v", who.ID(), err)
	}
}

func TestBindingTakesAProofOfPossession(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	code := b.invite(c, "karim")
	p, thief := b.phone(), b.phone()
	for name, change := range map[string]struct {
		apply func(*auth.BindRequest)
		want  error
	}{
		"another's key":    {func(r *auth.BindRequest) { r.PublicJWK = p.jwk }, auth.ErrProof},
		"no key":           {func(r *auth.BindRequest) { r.PublicJWK = "" }, auth.ErrProof},
		"no proof":         {func(r *auth.BindRequest) { r.Request.Proof = "" }, auth.ErrProof},
		"another body":     {func(r *auth.BindRequest) { r.Request.Body = []byte("x") }, auth.ErrOtherRequest},
		"another address":  {func(r *auth.BindRequest) { r.Request.URL = scanURL }, auth.ErrOtherRequest},
		"an unknown code":  {func(r *auth.BindRequest) { r.Code = "AAAAAAAA" }, auth.ErrPairing},
		"an empty code":    {func(r *auth.BindRequest) { r.Code = "" }, auth.ErrPairing},
		"a code as a path": {func(r *auth.BindRequest) { r.Code = "../auth.key" }, auth.ErrPairing},
	} {
		r := thief.bind(code)
		r.From = name
		change.apply(&r)
		_, err := c.Bind(t.Context(), r)
		want(t, name, err, change.want)
	}
	old := p.bind(code)
	b.clock.move(auth.ProofWindow + time.Second)
	_, err := c.Bind(t.Context(), old)
	want(t, "a proof of a minute ago", err, auth.ErrClock)
	if _, err := c.Bind(t.Context(), p.bind(code)); err != nil {
		t.Errorf("after all that the code still works: %v", err)
	}
}

func TestGuessingCodesIsLimited(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	code := b.invite(c, "karim")
	guess := b.phone().bind("AAAAAAAA")
	tries := 0
	for ; tries < 1000; tries++ {
		if _, err := c.Bind(t.Context(), guess); tooMany(err) {
			break
		}
	}
	if tries != 10 {
		t.Errorf("one address had %d tries", tries)
	}
	if _, err := c.Bind(t.Context(), b.phone().bind(code)); !tooMany(err) {
		t.Errorf("then even the right code has to wait: %v", err)
	}
	other := b.phone().bind(code)
	other.From = "192.0.2.7"
	if _, err := c.Bind(t.Context(), other); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	for i := 0; i < 1000; i++ {
		guess.From = fmt.Sprint("address", i)
		if _, err := c.Bind(t.Context(), guess); tooMany(err) {
			if i > 100 {
				t.Errorf("all addresses together had %d tries", i)
			}
			return
		}
	}
	t.Error("a thousand addresses were not limited")
}

func TestARevokedDeviceIsRefused(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	p := b.bound(c, "karim")
	made := p.request("POST", scanURL, "")
	revoked, err := c.Revoke(t.Context(), "karim")
	if err != nil || revoked.RevokedAt != event.InstantOf(b.clock.now()) || revoked.Key != p.id {
		t.Fatalf("revoked as %+v, %v", revoked, err)
	}
	_, err = c.Verify(t.Context(), made)
	want(t, "a request signed before", err, auth.ErrUnbound)
	_, err = c.Verify(t.Context(), p.request("POST", scanURL, ""))
	want(t, "a request signed after", err, auth.ErrUnbound)
	b.clock.move(time.Minute)
	if again, err := c.Revoke(t.Context(), "karim"); err != nil || again.RevokedAt != revoked.RevokedAt {
		t.Errorf("revoked again as %+v, %v", again, err)
	}
	if _, err := c.Revoke(t.Context(), "nobody"); err != nil {
		t.Errorf("one without a device: %v", err)
	}
}

func TestCouriersWithoutADevice(t *testing.T) {
	b := newBench(t)
	c := auth.NewCouriers(b.deps)
	if got, err := c.Binding(t.Context(), "karim"); err != nil || got != (auth.Binding{Courier: "karim"}) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := c.Invite(t.Context(), "")
	want(t, "nobody", err, auth.ErrRequest)
	_, err = c.Invite(t.Context(), event.CourierID(strings.Repeat("k", 101)))
	want(t, "a name too long", err, auth.ErrRequest)
}

// Each write of a binding fails once: lost, or stored and not acknowledged. Afterwards the binding is the old or
// the new one, never half of it.
func TestABindingIsWholeAfterAFailure(t *testing.T) {
	for _, kind := range []string{"auth.device", "auth.courier"} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s stored=%v", kind, stored), func(t *testing.T) {
				b := newBench(t)
				c := auth.NewCouriers(b.deps)
				old := b.bound(c, "karim")
				code := b.invite(c, "karim")
				f := &faulty{Register: b.reg, before: map[string]error{}, after: map[string]error{}}
				if fault := map[string]error{"Put " + kind: store.ErrUncertain}; stored {
					f.after = fault
				} else {
					f.before = fault
				}
				b.deps.Register = f
				young := b.phone()
				_, err := auth.NewCouriers(b.deps).Bind(t.Context(), young.bind(code))
				want(t, "binding", err, store.ErrUncertain)
				assertOneSigns(t, c, old, young, kind == "auth.courier" && stored)
			})
		}
	}
}

func assertOneSigns(t *testing.T, c *auth.Couriers, old, young *phone, youngSigns bool) {
	t.Helper()
	_, errOld := c.Verify(t.Context(), old.request("POST", scanURL, ""))
	_, errYoung := c.Verify(t.Context(), young.request("POST", scanURL, ""))
	if (errYoung == nil) != youngSigns || (errOld == nil) == youngSigns {
		t.Errorf("the old phone: %v; the new phone: %v", errOld, errYoung)
	}
}

func TestOffersSurviveAConflict(t *testing.T) {
	b := newBench(t)
	b.deps.Register = &faulty{Register: b.reg, before: map[string]error{"Put auth.courier": store.ErrConflict}}
	c := auth.NewCouriers(b.deps)
	if _, err := c.Bind(t.Context(), b.phone().bind(b.invite(c, "karim"))); err != nil {
		t.Error(err)
	}
}

func TestAFailingStoreIsNotAnUnboundDevice(t *testing.T) {
	b := newBench(t)
	p := b.bound(auth.NewCouriers(b.deps), "karim")
	for _, kind := range []string{"auth.device", "auth.courier"} {
		b.deps.Register = &faulty{Register: b.reg, before: map[string]error{"Get " + kind: store.ErrClosed}}
		_, err := auth.NewCouriers(b.deps).Verify(t.Context(), p.request("POST", scanURL, ""))
		want(t, kind, err, store.ErrClosed)
		if errors.Is(err, auth.ErrUnbound) {
			t.Errorf("%s: it reads as an unbound device", kind)
		}
	}
}
