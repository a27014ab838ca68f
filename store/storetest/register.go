package storetest

import (
	"fmt"

	"github.com/loquet/loquet/store"
)

var readChecks = []check{
	{"rows are ordered by key within their partition, in pages", checkRowPages},
	{"rows are replaced and deleted", checkRowChanges},
}

var registerChecks = []check{
	{"a record changes only from the version that was seen", checkCompareAndSet},
	{"a record is deleted only at the version that was seen", checkDelete},
	{"records are listed in order, by kind, in pages", checkList},
}

// putRows appends a decision that only writes rows.
func (h harness) putRows(rows ...store.Row) {
	h.Helper()
	version, err := load(h.Context(), h.s, "a")
	h.must(err)
	a := decision("a", version, 1)
	a.Rows = rows
	h.append(a)
}

func (h harness) rows(partition, after string, limit int, want string) {
	h.Helper()
	rows, err := h.s.Rows(h.Context(), partition, after, limit)
	h.must(err)
	got := ""
	for _, r := range rows {
		if r.Partition != partition {
			h.Fatalf("row of partition %q among those of %q", r.Partition, partition)
		}
		got += fmt.Sprintf("%s=%s ", r.Key, r.Data)
	}
	if got != want {
		h.Fatalf("rows of %s after %q: %q, want %q", partition, after, got, want)
	}
}

func checkRowPages(h harness) {
	h.putRows(
		store.Row{Partition: "p", Key: "b", Data: []byte("2")}, store.Row{Partition: "q", Key: "a", Data: []byte("9")},
		store.Row{Partition: "p", Key: "é", Data: []byte("4")}, store.Row{Partition: "p", Key: "a", Data: []byte("1")},
		store.Row{Partition: "o", Key: "z", Data: []byte("8")}, store.Row{Partition: "p", Key: "b\x00c", Data: []byte("3")},
	)
	h.rows("p", "", 10, "a=1 b=2 b\x00c=3 é=4 ")
	h.rows("p", "", 2, "a=1 b=2 ")
	h.rows("p", "b", 2, "b\x00c=3 é=4 ")
	h.rows("p", "aa", 1, "b=2 ")
	h.rows("p", "é", 10, "")
	h.rows("p", "", 0, "")
	h.rows("q", "", 10, "a=9 ")
	h.rows("none", "", 10, "")
}

func checkRowChanges(h harness) {
	h.putRows(store.Row{Partition: "p", Key: "a", Data: []byte("1")}, store.Row{Partition: "p", Key: "b", Data: []byte("2")},
		store.Row{Partition: "p", Key: "empty", Data: []byte{}})
	h.putRows(store.Row{Partition: "p", Key: "a", Data: []byte("3")}, store.Row{Partition: "p", Key: "b"}, store.Row{Partition: "p", Key: "c"})
	h.rows("p", "", 10, "a=3 empty= ")
	row, err := h.s.Row(h.Context(), "p", "a")
	h.must(err)
	if row.Partition != "p" || row.Key != "a" || string(row.Data) != "3" {
		h.Fatalf("row %+v", row)
	}
	_, err = h.s.Row(h.Context(), "p", "b")
	h.fails(err, store.ErrNotFound)
	_, err = h.s.Row(h.Context(), "q", "a")
	h.fails(err, store.ErrNotFound)
}

func checkCompareAndSet(h harness) {
	r := store.Record{Kind: "device", ID: "x", Data: []byte("one"), Until: t1}
	for want := uint64(1); want <= 3; want++ {
		version, err := h.s.Put(h.Context(), r)
		h.must(err)
		if version != want {
			h.Fatalf("version %d, want %d", version, want)
		}
		r.Version = version
		h.record(r)
		r.Data, r.Until = append(r.Data, '!'), r.Until+1
	}
	for _, version := range []uint64{0, 1, 2, 4} {
		stale := r
		stale.Version = version
		_, err := h.s.Put(h.Context(), stale)
		h.fails(err, store.ErrConflict)
	}
	_, err := h.s.Put(h.Context(), store.Record{Kind: "device", ID: "y", Version: 1})
	h.fails(err, store.ErrConflict)
	_, err = h.s.Get(h.Context(), "device", "y")
	h.fails(err, store.ErrNotFound)
}

func (h harness) record(want store.Record) {
	h.Helper()
	got, err := h.s.Get(h.Context(), want.Kind, want.ID)
	h.must(err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("record %+v, want %+v", got, want)
	}
}

func checkDelete(h harness) {
	_, err := h.s.Put(h.Context(), store.Record{Kind: "k", ID: "x", Data: []byte("one")})
	h.must(err)
	h.fails(h.s.Delete(h.Context(), "k", "x", 2), store.ErrConflict)
	h.fails(h.s.Delete(h.Context(), "k", "x", 0), store.ErrConflict)
	h.fails(h.s.Delete(h.Context(), "k", "y", 1), store.ErrNotFound)
	h.record(store.Record{Kind: "k", ID: "x", Version: 1, Data: []byte("one")})
	h.must(h.s.Delete(h.Context(), "k", "x", 1))
	h.fails(h.s.Delete(h.Context(), "k", "x", 1), store.ErrNotFound)
	version, err := h.s.Put(h.Context(), store.Record{Kind: "k", ID: "x", Data: []byte("two")})
	h.must(err)
	if version != 1 {
		h.Fatalf("version %d of a new record", version)
	}
}

func checkList(h harness) {
	for _, name := range [][2]string{{"k", "b"}, {"l", "a"}, {"k", "a"}, {"k", "c"}, {"j", "z"}} {
		_, err := h.s.Put(h.Context(), store.Record{Kind: name[0], ID: name[1], Data: []byte(name[1]), Until: t1})
		h.must(err)
	}
	for _, c := range []struct {
		kind, after string
		limit       int
		want        string
	}{
		{"k", "", 10, "abc"}, {"k", "", 2, "ab"}, {"k", "a", 1, "b"}, {"k", "aa", 5, "bc"}, {"k", "c", 5, ""}, {"l", "", 5, "a"}, {"k", "", 0, ""}, {"m", "", 5, ""},
	} {
		records, err := h.s.List(h.Context(), c.kind, c.after, c.limit)
		h.must(err)
		got := ""
		for _, r := range records {
			h.record(r)
			got += r.ID
		}
		if got != c.want {
			h.Fatalf("records of %s after %q: %s, want %s", c.kind, c.after, got, c.want)
		}
	}
}
