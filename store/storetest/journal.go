package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

var journalChecks = []check{
	{"a site that does not exist is at version 0", checkNoSite},
	{"events are numbered and the state is the last one", checkVersions},
	{"a version that moved on is a conflict and writes nothing", checkConflict},
	{"an append without events keeps the version and requires it", checkNoEvents},
	{"an append with wrong numbers writes nothing", checkNumbers},
	{"a site without events has no state", checkStateless},
	{"events come in order and in pages", checkEventPages},
	{"events of many decisions of many sites stay apart", checkManyDecisions},
	{"sites are listed in order and in pages", checkSites},
	{"an idempotency key is remembered once", checkRemember},
	{"values are replaced, deleted and kept apart by site", checkValues},
	{"large and empty data are kept", checkSizes},
	{"what is passed and returned is not shared", checkAliasing},
}

func checkNoSite(h harness) {
	snap, err := h.s.Load(h.Context(), "none")
	h.must(err)
	if snap.Version != 0 || snap.State != nil {
		h.Fatalf("got %+v", snap)
	}
	h.events("none", 0, 10, nil)
}

func checkVersions(h harness) {
	h.append(decision("a", 0, 1))
	h.append(decision("a", 1, 3))
	h.append(decision("b", 0, 2))
	h.version("a", 4)
	h.version("b", 2)
	h.events("a", 0, 10, entries("a", 0, 4))
	h.events("b", 0, 10, entries("b", 0, 2))
}

func checkConflict(h harness) {
	h.append(decision("a", 0, 2))
	for _, version := range []uint64{0, 1, 3} {
		full := everything("a", version)
		h.fails(h.s.Append(h.Context(), full), store.ErrConflict)
	}
	h.fails(h.s.Append(h.Context(), everything("b", 1)), store.ErrConflict)
	h.version("a", 2)
	h.version("b", 0)
	h.events("a", 0, 10, entries("a", 0, 2))
	h.nothingBut()
}

// everything is a decision that writes to every part of the store.
func everything(site event.SiteID, version uint64) store.Append {
	a := decision(site, version, 1)
	a.Deadline = t0
	a.Work = []store.Work{{ID: string(site) + "-w", Site: site, Kind: "k", Due: t0, Data: []byte("do")}}
	a.Rows = []store.Row{{Partition: "p", Key: string(site), Data: []byte("row")}}
	a.Values = []store.Value{{Name: "v", Sealed: []byte("sealed")}}
	a.Remember = &store.Remembered{Key: "key of " + string(site), Digest: "d", Answer: []byte("answer"), Until: t3}
	return a
}

// nothingBut requires that nothing of everything() exists apart from that of the given sites.
func (h harness) nothingBut(sites ...event.SiteID) {
	h.Helper()
	var due []store.Due
	var rows []store.Row
	for _, site := range sites {
		due = append(due, store.Due{Site: site, At: t0})
		rows = append(rows, store.Row{Partition: "p", Key: string(site), Data: []byte("row")})
	}
	h.deadlines(t3, 100, due...)
	got, err := h.s.Rows(h.Context(), "p", "", 100)
	h.must(err)
	if fmt.Sprint(got) != fmt.Sprint(rows) {
		h.Fatalf("rows %v, want %v", got, rows)
	}
	for _, site := range []event.SiteID{"a", "b"} {
		h.sideTables(site, len(sites) == 1 && sites[0] == site)
	}
	if work := h.claim(t3, t3, 100, "k"); len(work) != len(sites) {
		h.Fatalf("claimed %v, want the work of %v", work, sites)
	}
}

// sideTables requires that the site's value and remembered answer are both there, or both not.
func (h harness) sideTables(site event.SiteID, there bool) {
	h.Helper()
	_, valueErr := h.s.Value(h.Context(), site, "v")
	_, recallErr := h.s.Recall(h.Context(), "key of "+string(site))
	for _, err := range []error{valueErr, recallErr} {
		if there {
			h.must(err)
			continue
		}
		h.fails(err, store.ErrNotFound)
	}
}

func checkNoEvents(h harness) {
	h.append(decision("a", 0, 2))
	a := decision("a", 2, 0)
	a.State, a.Rows = []byte("another state"), []store.Row{{Partition: "p", Key: "k", Data: []byte("x")}}
	h.append(a)
	snap, err := h.s.Load(h.Context(), "a")
	h.must(err)
	if snap.Version != 2 || string(snap.State) != "another state" {
		h.Fatalf("got %d %q", snap.Version, snap.State)
	}
	a.Version = 1
	h.fails(h.s.Append(h.Context(), a), store.ErrConflict)
	h.events("a", 0, 10, entries("a", 0, 2))
	_, err = h.s.Row(h.Context(), "p", "k")
	h.must(err)
}

func checkNumbers(h harness) {
	h.append(decision("a", 0, 1))
	for _, seqs := range [][]uint64{{1}, {3}, {2, 2}, {2, 4}, {3, 2}, {0}} {
		a := everything("a", 1)
		a.Events = nil
		for _, seq := range seqs {
			a.Events = append(a.Events, store.Entry{Seq: seq, Data: []byte("x")})
		}
		if err := h.s.Append(h.Context(), a); err == nil || errors.Is(err, store.ErrConflict) {
			h.Fatalf("numbers %v at version 1: %v", seqs, err)
		}
	}
	h.version("a", 1)
	h.nothingBut()
}

func checkStateless(h harness) {
	for _, a := range []store.Append{{Site: "a", State: []byte("s")}, {Site: "a", Deadline: t0}} {
		if err := h.s.Append(h.Context(), a); err == nil {
			h.Fatalf("%+v was accepted", a)
		}
	}
	h.append(store.Append{Site: "a", Rows: []store.Row{{Partition: "p", Key: "k", Data: []byte("x")}}})
	h.version("a", 0)
	sites, err := h.s.Sites(h.Context(), "", 10)
	h.must(err)
	if len(sites) != 0 {
		h.Fatalf("sites %v", sites)
	}
	h.append(decision("a", 0, 1))
	h.version("a", 1)
}

func checkEventPages(h harness) {
	h.append(decision("a", 0, 7))
	h.append(decision("a", 7, 5))
	all := entries("a", 0, 12)
	for after := range 14 {
		for limit := range 14 {
			from := min(after, 12)
			h.events("a", uint64(after), limit, all[from:min(from+limit, 12)])
		}
	}
	h.events("a", 1<<63, 5, nil)
	h.events("a", 0, -1, nil)
}

func checkManyDecisions(h harness) {
	const rounds = 150
	sites := []event.SiteID{"a", "ab", "b"}
	version := map[event.SiteID]uint64{}
	for i := range rounds {
		for j, site := range sites {
			n := (i+j)%3 + 1
			h.append(decision(site, version[site], n))
			version[site] += uint64(n)
		}
	}
	for _, site := range sites {
		h.version(site, version[site])
		h.inPages(site, int(version[site]))
	}
}

// inPages reads a journal of the given length in pages of several sizes.
func (h harness) inPages(site event.SiteID, length int) {
	h.Helper()
	all := entries(site, 0, length)
	for _, page := range []int{1, 7, 64, length, length + 1} {
		for from := 0; from < length; from += page {
			h.events(site, uint64(from), page, all[from:min(from+page, length)])
		}
	}
}

func checkSites(h harness) {
	for _, site := range []event.SiteID{"c", "a", "b2", "b", "b10"} {
		h.append(decision(site, 0, 1))
	}
	for _, c := range []struct {
		after event.SiteID
		limit int
		want  string
	}{
		{"", 10, "[a b b10 b2 c]"}, {"", 2, "[a b]"}, {"b", 2, "[b10 b2]"}, {"b1", 1, "[b10]"}, {"c", 5, "[]"}, {"", 0, "[]"},
	} {
		got, err := h.s.Sites(h.Context(), c.after, c.limit)
		h.must(err)
		if fmt.Sprint(got) != c.want {
			h.Fatalf("sites after %q: %v, want %s", c.after, got, c.want)
		}
	}
}

func checkRemember(h harness) {
	first := everything("a", 0)
	h.append(first)
	got, err := h.s.Recall(h.Context(), first.Remember.Key)
	h.must(err)
	if fmt.Sprint(got) != fmt.Sprint(*first.Remember) {
		h.Fatalf("recalled %+v, want %+v", got, *first.Remember)
	}
	again := everything("b", 0)
	again.Remember.Key = first.Remember.Key
	h.fails(h.s.Append(h.Context(), again), store.ErrExists)
	h.version("b", 0)
	// A repeated request decides on the version it saw: that it was answered already says more than that the
	// site has moved on.
	h.fails(h.s.Append(h.Context(), first), store.ErrExists)
	h.nothingBut("a")
	_, err = h.s.Recall(h.Context(), "unknown")
	h.fails(err, store.ErrNotFound)
}

func checkValues(h harness) {
	put := func(site event.SiteID, version uint64, values ...store.Value) {
		a := decision(site, version, 1)
		a.Values = values
		h.append(a)
	}
	put("a", 0, store.Value{Name: "n", Sealed: []byte("one")}, store.Value{Name: "m", Sealed: []byte("two")})
	put("b", 0, store.Value{Name: "n", Sealed: []byte("three")})
	put("a", 1, store.Value{Name: "n", Sealed: []byte("four")}, store.Value{Name: "m"}, store.Value{Name: "never there"})
	h.value("a", "n", "four")
	h.value("b", "n", "three")
	_, err := h.s.Value(h.Context(), "a", "m")
	h.fails(err, store.ErrNotFound)
	_, err = h.s.Value(h.Context(), "c", "n")
	h.fails(err, store.ErrNotFound)
}

func (h harness) value(site event.SiteID, name, want string) {
	h.Helper()
	got, err := h.s.Value(h.Context(), site, name)
	h.must(err)
	if string(got) != want {
		h.Fatalf("value %s of %s is %q, want %q", name, site, got, want)
	}
}

func checkSizes(h harness) {
	for i, size := range []int{0, 1, 999, 1003, 4061, 4096, 70_000, 1 << 20} {
		a := decision("a", uint64(i), 1)
		a.Events[0].Data = bytes.Repeat([]byte{byte(i), 0xff}, size/2)
		a.State = bytes.Repeat([]byte{0, byte(i)}, size/2)
		a.Values = []store.Value{{Name: "v", Sealed: a.State}}
		a.Rows = []store.Row{{Partition: "p", Key: "k", Data: a.State}}
		h.append(a)
		h.same(a)
	}
}

// same requires that all of the append's data can be read back.
func (h harness) same(a store.Append) {
	h.Helper()
	snap, err := h.s.Load(h.Context(), a.Site)
	h.must(err)
	got, err := h.s.Events(h.Context(), a.Site, a.Version, 1)
	h.must(err)
	value, err := h.s.Value(h.Context(), a.Site, "v")
	h.must(err)
	row, err := h.s.Row(h.Context(), "p", "k")
	h.must(err)
	if !bytes.Equal(got[0].Data, a.Events[0].Data) || !bytes.Equal(snap.State, a.State) ||
		!bytes.Equal(value, a.State) || !bytes.Equal(row.Data, a.State) {
		h.Fatalf("data of %d bytes came back changed", len(a.State))
	}
}

func checkAliasing(h harness) {
	a := everything("a", 0)
	state, data := a.State, a.Events[0].Data
	wantState, wantData := string(state), string(data)
	h.append(a)
	state[0], data[0], a.Values[0].Sealed[0], a.Rows[0].Data[0] = 'X', 'X', 'X', 'X'
	for range 2 { // the second time, what the first one returned has been changed
		snap, err := h.s.Load(h.Context(), "a")
		h.must(err)
		got, err := h.s.Events(h.Context(), "a", 0, 1)
		h.must(err)
		if string(snap.State) != wantState || string(got[0].Data) != wantData {
			h.Fatalf("state %q, event %q", snap.State, got[0].Data)
		}
		h.value("a", "v", "sealed")
		snap.State[0], got[0].Data[0] = 'Y', 'Y'
	}
}

// load is what a caller does before it decides.
func load(ctx context.Context, s store.Store, site event.SiteID) (uint64, error) {
	snap, err := s.Load(ctx, site)
	return snap.Version, err
}
