package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting counts the reads of a register, and fails its next calls on request.
type counting struct {
	store.Register
	mu     sync.Mutex
	gets   int
	before map[string]error
	// onGet runs after a read and before its answer.
	onGet func()
}

func (c *counting) fail(method string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.before[method]
	delete(c.before, method)
	return err
}

func (c *counting) Get(ctx context.Context, kind, id string) (store.Record, error) {
	if err := c.fail("Get"); err != nil {
		return store.Record{}, err
	}
	c.mu.Lock()
	c.gets++
	hook := c.onGet
	c.onGet = nil
	c.mu.Unlock()
	r, err := c.Register.Get(ctx, kind, id)
	if hook != nil {
		hook()
	}
	return r, err
}

func (c *counting) Put(ctx context.Context, r store.Record) (uint64, error) {
	if err := c.fail("Put"); err != nil {
		return 0, err
	}
	return c.Register.Put(ctx, r)
}

func (c *counting) Delete(ctx context.Context, kind, id string, version uint64) error {
	if err := c.fail("Delete"); err != nil {
		return err
	}
	return c.Register.Delete(ctx, kind, id, version)
}

type bench struct {
	t    testing.TB
	reg  *counting
	deps vault.Deps
	at   time.Time
}

func newBench(t testing.TB) *bench {
	t.Helper()
	s := memory.New()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{t: t, reg: &counting{Register: s, before: map[string]error{}}, at: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)}
	b.deps = vault.Deps{Master: newMaster(t), Register: b.reg, Now: func() time.Time { return b.at }, Random: rand.Reader}
	return b
}

func newMaster(t testing.TB) vault.MasterKey {
	t.Helper()
	key, err := vault.LoadOrCreate(filepath.Join(t.TempDir(), "master.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (b *bench) seal(v *vault.Vault, site event.SiteID, name, value string) []byte {
	b.t.Helper()
	sealed, err := v.Seal(b.t.Context(), site, name, []byte(value))
	if err != nil {
		b.t.Fatal(err)
	}
	return sealed
}

func (b *bench) commit(v *vault.Vault, site event.SiteID, purpose, value string) event.Commitment {
	b.t.Helper()
	c, err := v.Commit(b.t.Context(), site, purpose, value)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func want(t testing.TB, what string, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Errorf("%s: got %v, want %v", what, err, wanted)
	}
}

func TestWhatIsSealedOpensAgain(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(rt, "value")
		name := rapid.String().Draw(rt, "name")
		site := event.SiteID(rapid.StringMatching(`[a-z0-9]{1,32}`).Draw(rt, "site"))
		sealed, err := v.Seal(t.Context(), site, name, value)
		if err != nil {
			rt.Fatal(err)
		}
		if len(value) > 8 && bytes.Contains(sealed, value) {
			rt.Fatal("the sealed value holds the value")
		}
		got, err := vault.New(b.deps).Open(t.Context(), site, name, sealed)
		if err != nil || !bytes.Equal(got, value) {
			rt.Fatalf("opened as %q, %v", got, err)
		}
	})
}

func TestTwoSealingsOfOneValueDiffer(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	if bytes.Equal(b.seal(v, "maple", "door", "12 rue Verte"), b.seal(v, "maple", "door", "12 rue Verte")) {
		t.Error("they are the same: the nonce is not drawn anew")
	}
}

func TestASealedValueCannotBeMoved(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	sealed := b.seal(v, "maple", "door", "12 rue Verte")
	b.seal(v, "oak", "door", "3 rue Bleue")
	for name, to := range map[string]struct {
		site event.SiteID
		name string
	}{
		"to another site":   {"oak", "door"},
		"to another name":   {"maple", "note"},
		"to no name":        {"maple", ""},
		"to a longer name":  {"maple", "door\x00"},
		"to a shorter name": {"maple", "doo"},
	} {
		_, err := v.Open(t.Context(), to.site, to.name, sealed)
		want(t, name, err, vault.ErrUnreadable)
	}
}

func TestEveryChangeIsSeen(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	sealed := b.seal(v, "maple", "door", "12 rue Verte")
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := v.Open(t.Context(), "maple", "door", changed)
		want(t, fmt.Sprint("byte ", i), err, vault.ErrUnreadable)
	}
	for size := range sealed {
		_, err := v.Open(t.Context(), "maple", "door", sealed[:size])
		want(t, fmt.Sprint("cut to ", size), err, vault.ErrUnreadable)
	}
	_, err := v.Open(t.Context(), "maple", "door", append(bytes.Clone(sealed), 0))
	want(t, "a byte more", err, vault.ErrUnreadable)
}

func TestCommitmentsCompareAndSayNothing(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	c := b.commit(v, "maple", "parcel", "3SABCD4471")
	if len(c) != 64 || strings.Contains(string(c), "4471") {
		t.Errorf("it reads %q", c)
	}
	if again := b.commit(vault.New(b.deps), "maple", "parcel", "3SABCD4471"); again != c {
		t.Error("after a restart it is another")
	}
	for what, other := range map[string]event.Commitment{
		"another value":        b.commit(v, "maple", "parcel", "3SABCD4472"),
		"another purpose":      b.commit(v, "maple", "neighbour", "3SABCD4471"),
		"another site":         b.commit(v, "oak", "parcel", "3SABCD4471"),
		"the border elsewhere": b.commit(v, "maple", "parcel3", "SABCD4471"),
		"another installation": b.commit(vault.New(newBench(t).deps), "maple", "parcel", "3SABCD4471"),
	} {
		if other == c {
			t.Errorf("%s has the same commitment", what)
		}
	}
}

func TestErasingASiteErasesItAndNoOther(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	maple, oak := b.seal(v, "maple", "door", "12 rue Verte"), b.seal(v, "oak", "door", "3 rue Bleue")
	committed := b.commit(v, "maple", "parcel", "X")
	for range 2 {
		if err := v.Erase(t.Context(), "maple"); err != nil {
			t.Fatal(err)
		}
	}
	for name, any := range map[string]*vault.Vault{"the vault": v, "a new one": vault.New(b.deps)} {
		_, err := any.Open(t.Context(), "maple", "door", maple)
		want(t, name, err, vault.ErrErased)
		if got, err := any.Open(t.Context(), "oak", "door", oak); err != nil || string(got) != "3 rue Bleue" {
			t.Errorf("%s opens the other as %q, %v", name, got, err)
		}
	}
	if b.commit(v, "maple", "parcel", "X") == committed {
		t.Error("the commitment came back")
	}
	_, err := v.Open(t.Context(), "maple", "door", maple)
	want(t, "the old value under the new key", err, vault.ErrUnreadable)
}

// The installation has values of its own, which no site's end takes away.
func TestWhatBelongsToNoSite(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	sealed, committed := b.seal(v, vault.Own, "staff", "Ana"), b.commit(v, vault.Own, "address", "ana@loquet.example")
	if err := v.Erase(t.Context(), vault.Own); err == nil {
		t.Error("erased as if it were a site")
	}
	again := vault.New(b.deps)
	if got, err := again.Open(t.Context(), vault.Own, "staff", sealed); err != nil || string(got) != "Ana" {
		t.Errorf("opened as %q, %v", got, err)
	}
	if b.commit(again, vault.Own, "address", "ana@loquet.example") != committed {
		t.Error("another process commits otherwise")
	}
	if b.commit(v, "maple", "address", "ana@loquet.example") == committed {
		t.Error("a site's commitment is the installation's")
	}
	_, err := v.Open(t.Context(), "maple", "staff", sealed)
	want(t, "opened as a site's", err, vault.ErrUnreadable)
}

// A reader that read the key just before it was erased must not bring it back into the cache.
func TestErasingWhileSomebodyReads(t *testing.T) {
	b := newBench(t)
	sealed := b.seal(vault.New(b.deps), "maple", "door", "12 rue Verte")
	v := vault.New(b.deps)
	b.reg.onGet = func() {
		if err := v.Erase(t.Context(), "maple"); err != nil {
			t.Error(err)
		}
	}
	if _, err := v.Open(t.Context(), "maple", "door", sealed); err != nil {
		t.Fatalf("it had read the key already: %v", err)
	}
	_, err := v.Open(t.Context(), "maple", "door", sealed)
	want(t, "the next reading", err, vault.ErrErased)
}

func TestErasingIsTriedAgainAndFailsAloud(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	sealed := b.seal(v, "maple", "door", "12 rue Verte")
	b.reg.before["Delete"] = store.ErrUncertain
	want(t, "an erasure of unknown outcome", v.Erase(t.Context(), "maple"), store.ErrUncertain)
	b.reg.before["Delete"] = store.ErrConflict
	if err := v.Erase(t.Context(), "maple"); err != nil {
		t.Fatal(err)
	}
	_, err := v.Open(t.Context(), "maple", "door", sealed)
	want(t, "then", err, vault.ErrErased)
}

// Another process, which holds the key in its cache, loses it within a minute.
func TestAnotherProcessForgetsInTime(t *testing.T) {
	b := newBench(t)
	here, there := vault.New(b.deps), vault.New(b.deps)
	sealed := b.seal(there, "maple", "door", "12 rue Verte")
	if err := here.Erase(t.Context(), "maple"); err != nil {
		t.Fatal(err)
	}
	b.at = b.at.Add(time.Minute)
	_, err := there.Open(t.Context(), "maple", "door", sealed)
	want(t, "a minute later", err, vault.ErrErased)
}

func TestTheCacheSparesTheRegisterAndIsBounded(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	b.seal(v, "maple", "door", "x")
	before := b.reg.gets
	for range 100 {
		b.seal(v, "maple", "door", "x")
		b.commit(v, "maple", "parcel", "x")
	}
	if b.reg.gets != before {
		t.Errorf("%d reads for what was in memory", b.reg.gets-before)
	}
	const sites = 5000
	for i := range sites {
		b.commit(v, event.SiteID(fmt.Sprint("s", i)), "parcel", "x")
	}
	before = b.reg.gets
	for i := range sites {
		b.commit(v, event.SiteID(fmt.Sprint("s", i)), "parcel", "x")
	}
	if misses := b.reg.gets - before; misses < sites-4096 {
		t.Errorf("only %d of %d sites were not in memory", misses, sites)
	}
}

// Many callers meet a new site at the same instant: all end with one key.
func TestANewSiteGetsOneKey(t *testing.T) {
	b := newBench(t)
	for round := range 20 {
		site := event.SiteID(fmt.Sprint("site", round))
		var wait sync.WaitGroup
		got := make([]event.Commitment, 8)
		for i := range got {
			wait.Go(func() { got[i] = b.commit(vault.New(b.deps), site, "parcel", "x") })
		}
		wait.Wait()
		for _, c := range got {
			if c != got[0] {
				t.Fatalf("%s has two keys", site)
			}
		}
	}
}

func TestAnotherMasterKeyOpensNothing(t *testing.T) {
	b := newBench(t)
	sealed := b.seal(vault.New(b.deps), "maple", "door", "12 rue Verte")
	b.deps.Master = newMaster(t)
	v := vault.New(b.deps)
	_, err := v.Open(t.Context(), "maple", "door", sealed)
	want(t, "opening", err, vault.ErrMasterKey)
	_, err = v.Seal(t.Context(), "maple", "door", nil)
	want(t, "sealing", err, vault.ErrMasterKey)
	_, err = v.Commit(t.Context(), "maple", "parcel", "x")
	want(t, "committing", err, vault.ErrMasterKey)
}

// A site's wrapped key does not work as another site's.
func TestAWrappedKeyCannotBeMoved(t *testing.T) {
	b := newBench(t)
	b.seal(vault.New(b.deps), "maple", "door", "x")
	r, err := b.reg.Register.Get(t.Context(), "vault.site", "maple")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.reg.Register.Put(t.Context(), store.Record{Kind: r.Kind, ID: "oak", Data: r.Data}); err != nil {
		t.Fatal(err)
	}
	_, err = vault.New(b.deps).Commit(t.Context(), "oak", "parcel", "x")
	want(t, "the moved key", err, vault.ErrMasterKey)
}

func TestFailuresAreNotErasure(t *testing.T) {
	b := newBench(t)
	sealed := b.seal(vault.New(b.deps), "maple", "door", "x")
	b.reg.before["Get"] = store.ErrClosed
	_, err := vault.New(b.deps).Open(t.Context(), "maple", "door", sealed)
	want(t, "a closed store", err, store.ErrClosed)
	b.reg.before["Put"] = store.ErrFull
	_, err = vault.New(b.deps).Seal(t.Context(), "oak", "door", nil)
	want(t, "a full one", err, store.ErrFull)
	_, err = vault.New(b.deps).Open(t.Context(), "birch", "door", sealed)
	want(t, "a site that never had a key", err, vault.ErrErased)
	for _, site := range []event.SiteID{"", "Maple", "a-b", "a\x00value"} {
		if _, err := vault.New(b.deps).Seal(t.Context(), site, "door", nil); err == nil {
			t.Errorf("%q passes as a site", site)
		}
	}
	b.deps.Random = bytes.NewReader(make([]byte, 40))
	if sealed, err := vault.New(b.deps).Seal(t.Context(), "oak", "door", []byte("x")); err == nil {
		t.Errorf("sealed without randomness: %x", sealed)
	}
}

type address struct {
	Street string `json:"street"`
	Door   string `json:"door,omitempty"`
}

func TestTypedValues(t *testing.T) {
	b := newBench(t)
	v := vault.New(b.deps)
	in := address{"12 rue Verte", "gauche"}
	sealed, err := vault.SealJSON(t.Context(), v, "maple", "door", in)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := vault.OpenJSON[address](t.Context(), v, "maple", "door", sealed); err != nil || out != in {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = vault.OpenJSON[struct {
		Street string `json:"street"`
	}](t.Context(), v, "maple", "door", sealed)
	want(t, "a type that knows less", err, vault.ErrUnreadable)
	for name, text := range map[string]string{"no JSON": "12 rue Verte", "two values": `{"street":"a"}{"street":"b"}`, "nothing": ""} {
		out, err := vault.OpenJSON[address](t.Context(), v, "maple", "door", b.seal(v, "maple", "door", text))
		want(t, name, err, vault.ErrUnreadable)
		if out != (address{}) || strings.Contains(err.Error(), "Verte") {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	if _, err := vault.SealJSON(t.Context(), v, "maple", "door", func() {}); err == nil {
		t.Error("a function was sealed")
	}
}

func FuzzOpen(f *testing.F) {
	b := newBench(f)
	v := vault.New(b.deps)
	sealed := b.seal(v, "maple", "door", "12 rue Verte")
	f.Add([]byte(nil))
	f.Add([]byte{1})
	f.Add(sealed[:13])
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Equal(data, sealed) {
			return
		}
		if _, err := v.Open(t.Context(), "maple", "door", data); !errors.Is(err, vault.ErrUnreadable) {
			t.Fatalf("%x: %v", data, err)
		}
	})
}

func BenchmarkSealOpen(b *testing.B) {
	bench := newBench(b)
	v := vault.New(bench.deps)
	value := make([]byte, 200)
	for b.Loop() {
		sealed, err := v.Seal(b.Context(), "maple", "door", value)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Open(b.Context(), "maple", "door", sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	v := vault.New(newBench(b).deps)
	for b.Loop() {
		if _, err := v.Commit(b.Context(), "maple", "parcel", "3SABCD4471"); err != nil {
			b.Fatal(err)
		}
	}
}
