package dispatch

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/memory"
)

// check requires that every state that is kept is still what its bytes decode to: nobody changed it, and what was
// folded is what would have been read. Each process of each test here ends with it.
func (m memo) check(t testing.TB) {
	t.Helper()
	for _, known := range m.sites.Values() {
		want, err := site.Decode(known.from)
		if err != nil || !reflect.DeepEqual(known.state, want) {
			t.Errorf("kept is %+v, its bytes say %+v (%v)", known.state, want, err)
		}
	}
}

// encoded is a state with a member per name.
func encoded(t testing.TB, id event.SiteID, members ...string) []byte {
	t.Helper()
	s := site.State{Site: id, Seq: uint64(len(members))}
	for _, name := range members {
		s.Members = append(s.Members, site.Member{ID: event.MemberID(name)})
	}
	data, err := site.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// reads requires what the memo answers, and says in which memory the answer lies.
func (m memo) reads(t testing.TB, id event.SiteID, data []byte, want ...event.MemberID) *site.Member {
	t.Helper()
	got, err := m.decode(id, data)
	if err != nil || got.Site != id || len(got.Members) != len(want) {
		t.Fatalf("%s: %+v, %v", id, got, err)
	}
	for i, name := range want {
		if got.Members[i].ID != name {
			t.Errorf("%s: %+v", id, got)
		}
	}
	return &got.Members[0]
}

func TestTheSameBytesAreDecodedOnce(t *testing.T) {
	m := newMemo()
	data := encoded(t, "a", "marie")
	first := m.reads(t, "a", data, "marie")
	if again := m.reads(t, "a", bytes.Clone(data), "marie"); again != first {
		t.Error("decoded twice")
	}
	m.reads(t, "b", encoded(t, "b", "paul"), "paul")
	if again := m.reads(t, "a", data, "marie"); again != first {
		t.Error("another site drove it out")
	}
}

// The same site in the same version, as after a commit that was taken for lost: only its bytes count.
func TestOtherBytesAreDecodedAnew(t *testing.T) {
	m := newMemo()
	m.reads(t, "a", encoded(t, "a", "marie"), "marie")
	m.reads(t, "a", encoded(t, "a", "paul"), "paul")
	m.reads(t, "a", encoded(t, "a", "marie"), "marie")
	for _, broken := range []string{"", "{", `{"v":99}`} {
		if s, err := m.decode("a", []byte(broken)); err == nil {
			t.Errorf("%q is read as %+v", broken, s)
		}
	}
	m.reads(t, "a", encoded(t, "a", "marie"), "marie")
	m.check(t)
}

func TestTheMemoIsBounded(t *testing.T) {
	m := newMemo()
	for n := range memoSites + 10 {
		id := siteName(n)
		m.reads(t, id, encoded(t, id, "marie"), "marie")
	}
	if m.sites.Len() != memoSites {
		t.Errorf("%d sites are kept", m.sites.Len())
	}
	long := event.MemberID(strings.Repeat("m", memoState))
	last := siteName(memoSites)
	m.reads(t, last, encoded(t, last, string(long)), long)
	if m.sites.Len() != memoSites-1 {
		t.Error("a state beyond all bounds is kept, or its predecessor")
	}
}

// Two processes share a store: each sees at once what the other has committed, refusals and silence included.
func TestWhatAnotherProcessCommittedIsSeen(t *testing.T) {
	w := newTown(t, memory.New())
	one, two := w.process(), w.process()
	h := w.household(one, "home")
	for n := range 10 {
		joined := the[event.MemberJoined](t, w.do(two, h.id, member(h.member), site.AddMember{})).Member
		for _, d := range []*Dispatcher{one, two} {
			s, err := d.Load(t.Context(), h.id)
			if err != nil || !s.Member(joined) || len(s.Members) != n+2 {
				t.Fatalf("%+v, %v", s.Members, err)
			}
		}
		one, two = two, one
	}
}

func BenchmarkLoad(b *testing.B) {
	w := newTown(b, memory.New())
	w.ready(event.PermitRemote)
	d := w.process()
	snap, err := w.store.Load(b.Context(), "home")
	if err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("%d bytes", len(snap.State)), func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Load(b.Context(), "home"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decoding", func(b *testing.B) {
		for b.Loop() {
			if _, err := site.Decode(snap.State); err != nil {
				b.Fatal(err)
			}
		}
	})
}
