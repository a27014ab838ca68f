// Package memory keeps a store in memory, for tests and for simulation in virtual time. It starts no goroutine,
// reads no clock and loses everything with the real process; Reopen is for simulated ones.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// sweepMost bounds how many values, answers and records one Sweep removes.
const sweepMost = 500

// Store implements store.Store. Safe for concurrent use: one mutex guards all of it.
type Store struct {
	mu        sync.Mutex
	closed    bool
	sites     *btree.BTreeG[*journal]
	deadlines *btree.BTreeG[store.Due]
	work      map[string]*store.Work
	due       *btree.BTreeG[slot]
	// unclaimedDue is when claimed work was due before the first of its claims.
	unclaimedDue map[string]event.Instant
	rows         *btree.BTreeG[store.Row]
	values       map[valueKey]store.Value
	remembered   map[string]store.Remembered
	records      *btree.BTreeG[store.Record]
}

// journal is one site.
type journal struct {
	site     event.SiteID
	events   []store.Entry
	state    []byte
	deadline event.Instant
}

// slot is a piece of work's place in the order of its kind.
type slot struct {
	kind string
	due  event.Instant
	id   string
}

type valueKey struct {
	site event.SiteID
	name string
}

var _ store.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{
		sites:        tree(func(a, b *journal) int { return cmp.Compare(a.site, b.site) }),
		deadlines:    tree(compareDue),
		work:         map[string]*store.Work{},
		due:          tree(compareSlots),
		unclaimedDue: map[string]event.Instant{},
		rows:         tree(compareRows),
		values:       map[valueKey]store.Value{},
		remembered:   map[string]store.Remembered{},
		records:      tree(compareRecords),
	}
}

func tree[T any](compare func(a, b T) int) *btree.BTreeG[T] {
	less := func(a, b T) bool { return compare(a, b) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func compareDue(a, b store.Due) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Site, b.Site))
}

func compareSlots(a, b slot) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id))
}

func compareRows(a, b store.Row) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Key, b.Key))
}

func compareRecords(a, b store.Record) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// lock begins one operation; the caller unlocks s.mu unless there is an error.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

// Check implements store.Store.
func (s *Store) Check(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	s.mu.Unlock()
	return nil
}

// Close implements store.Store. Closing again is not an error.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Reopen closes the store and opens what it holds once more, as the next process does: claims are released.
func (s *Store) Reopen() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	next := &Store{sites: s.sites, deadlines: s.deadlines, work: s.work, due: s.due, unclaimedDue: map[string]event.Instant{},
		rows: s.rows, values: s.values, remembered: s.remembered, records: s.records}
	for id, due := range s.unclaimedDue {
		next.move(next.work[id], due)
	}
	return next
}

// take collects up to limit items from pivot on, for as long as want says so.
func take[T any](t *btree.BTreeG[T], pivot T, limit int, want func(T) (item, more bool)) []T {
	var out []T
	t.Ascend(pivot, func(x T) bool {
		if len(out) >= limit {
			return false
		}
		item, more := want(x)
		if item && more {
			out = append(out, x)
		}
		return more
	})
	return out
}

// notFound says what is missing.
func notFound(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, store.ErrNotFound)...)
}

func cloneRow(r store.Row) store.Row {
	r.Data = slices.Clone(r.Data)
	return r
}

func cloneRecord(r store.Record) store.Record {
	r.Data = slices.Clone(r.Data)
	return r
}
