package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// twin is the contract in the most naive form: lists that are searched and sorted from one end to the other.
// It is not safe for concurrent use, and knows nothing of contexts and closing.
type twin struct {
	decisions  []store.Append
	work       []store.Work
	rows       []store.Row
	values     []ownedValue
	remembered []store.Remembered
	records    []store.Record
	// unclaimedDue is when claimed work was due before it was claimed.
	unclaimedDue map[string]event.Instant
}

type ownedValue struct {
	site event.SiteID
	store.Value
}

var errInvalid = errors.New("the decision is not well formed")

// journal folds the site's decisions.
func (w *twin) journal(site event.SiteID) (events []store.Entry, state []byte, deadline event.Instant) {
	for _, a := range w.decisions {
		if a.Site == site && len(events)+len(a.Events) > 0 {
			events, state, deadline = append(events, a.Events...), a.State, a.Deadline
		}
	}
	return events, state, deadline
}

func (w *twin) Load(_ context.Context, site event.SiteID) (store.Snapshot, error) {
	events, state, _ := w.journal(site)
	return store.Snapshot{Version: uint64(len(events)), State: state}, nil
}

func (w *twin) Append(ctx context.Context, a store.Append) error {
	if a.Remember != nil {
		if _, err := w.Recall(ctx, a.Remember.Key); err == nil {
			return store.ErrExists
		}
	}
	events, _, _ := w.journal(a.Site)
	if uint64(len(events)) != a.Version {
		return store.ErrConflict
	}
	if len(events)+len(a.Events) == 0 && (a.State != nil || a.Deadline != 0) {
		return errInvalid
	}
	w.decisions = append(w.decisions, a)
	for _, x := range a.Work {
		if !slices.ContainsFunc(w.work, func(y store.Work) bool { return x.ID == y.ID }) {
			w.work = append(w.work, x)
		}
	}
	w.side(a)
	return nil
}

// side stores rows, values and the remembered answer.
func (w *twin) side(a store.Append) {
	for _, r := range a.Rows {
		w.rows = slices.DeleteFunc(w.rows, func(x store.Row) bool { return x.Partition == r.Partition && x.Key == r.Key })
		if r.Data != nil {
			w.rows = append(w.rows, r)
		}
	}
	for _, v := range a.Values {
		w.values = slices.DeleteFunc(w.values, func(x ownedValue) bool { return x.site == a.Site && x.Name == v.Name })
		if v.Sealed != nil {
			w.values = append(w.values, ownedValue{a.Site, v})
		}
	}
	if a.Remember != nil {
		w.remembered = append(w.remembered, *a.Remember)
	}
}

func (w *twin) Events(_ context.Context, site event.SiteID, after uint64, limit int) ([]store.Entry, error) {
	events, _, _ := w.journal(site)
	return page(events, limit, func(e store.Entry) bool { return e.Seq > after }, nil), nil
}

// page filters, sorts and cuts.
func page[T any](all []T, limit int, want func(T) bool, compare func(a, b T) int) []T {
	var out []T
	for _, x := range all {
		if want(x) {
			out = append(out, x)
		}
	}
	if compare != nil {
		slices.SortFunc(out, compare)
	}
	return out[:min(limit, len(out))]
}

func (w *twin) Sites(_ context.Context, after event.SiteID, limit int) ([]event.SiteID, error) {
	var all []event.SiteID
	for _, a := range w.decisions {
		if len(a.Events) > 0 {
			all = append(all, a.Site)
		}
	}
	slices.Sort(all)
	return page(slices.Compact(all), limit, func(id event.SiteID) bool { return id > after }, nil), nil
}

func (w *twin) Value(_ context.Context, site event.SiteID, name string) ([]byte, error) {
	for _, v := range w.values {
		if v.site == site && v.Name == name {
			return v.Sealed, nil
		}
	}
	return nil, store.ErrNotFound
}

func (w *twin) Recall(_ context.Context, key string) (store.Remembered, error) {
	for _, r := range w.remembered {
		if r.Key == key {
			return r, nil
		}
	}
	return store.Remembered{}, store.ErrNotFound
}

func (w *twin) Deadlines(ctx context.Context, now event.Instant, limit int) ([]store.Due, error) {
	sites, _ := w.Sites(ctx, "", len(w.decisions))
	var all []store.Due
	for _, site := range sites {
		_, _, at := w.journal(site)
		all = append(all, store.Due{Site: site, At: at})
	}
	due := func(d store.Due) bool { return d.At != 0 && d.At <= now }
	return page(all, limit, due, func(a, b store.Due) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return strings.Compare(string(a.Site), string(b.Site))
	}), nil
}

func (w *twin) NextDeadline(ctx context.Context) (event.Instant, error) {
	all, _ := w.Deadlines(ctx, t3*2, 1)
	if len(all) == 0 {
		return 0, nil
	}
	return all[0].At, nil
}

func (w *twin) due(kinds []string, now event.Instant, limit int) []store.Work {
	return page(w.work, limit, func(x store.Work) bool { return slices.Contains(kinds, x.Kind) && x.Due <= now },
		func(a, b store.Work) int {
			if a.Due != b.Due {
				return int(a.Due - b.Due)
			}
			return strings.Compare(a.ID, b.ID)
		})
}

func (w *twin) Claim(_ context.Context, kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	claimed := w.due(kinds, now, limit)
	for i, c := range claimed {
		claimed[i].Attempts++
		n := w.find(c.ID)
		w.work[n].Attempts, w.work[n].Due = c.Attempts+1, again
		if _, claimed := w.unclaimedDue[c.ID]; !claimed {
			w.unclaimedDue[c.ID] = c.Due
		}
	}
	return claimed, nil
}

func (w *twin) releaseClaims() {
	for id, due := range w.unclaimedDue {
		w.work[w.find(id)].Due = due
	}
	clear(w.unclaimedDue)
}

func (w *twin) find(id string) int {
	return slices.IndexFunc(w.work, func(x store.Work) bool { return x.ID == id })
}

func (w *twin) Finish(_ context.Context, id string) error {
	w.work = slices.DeleteFunc(w.work, func(x store.Work) bool { return x.ID == id })
	delete(w.unclaimedDue, id)
	return nil
}

func (w *twin) Postpone(_ context.Context, id string, due event.Instant) error {
	if n := w.find(id); n >= 0 {
		w.work[n].Due = due
	}
	delete(w.unclaimedDue, id)
	return nil
}

func (w *twin) NextWork(_ context.Context, kinds []string) (event.Instant, error) {
	all := w.due(kinds, t3*2, 1)
	if len(all) == 0 {
		return 0, nil
	}
	return all[0].Due, nil
}

func (w *twin) Sweep(_ context.Context, now event.Instant) (int, error) {
	before := len(w.values) + len(w.remembered) + len(w.records)
	old := func(at event.Instant) bool { return at != 0 && at <= now }
	w.values = slices.DeleteFunc(w.values, func(v ownedValue) bool { return old(v.EraseAt) })
	w.remembered = slices.DeleteFunc(w.remembered, func(r store.Remembered) bool { return old(r.Until) })
	w.records = slices.DeleteFunc(w.records, func(r store.Record) bool { return old(r.Until) })
	return before - len(w.values) - len(w.remembered) - len(w.records), nil
}

func (w *twin) Rows(_ context.Context, partition, after string, limit int) ([]store.Row, error) {
	return page(w.rows, limit, func(r store.Row) bool { return r.Partition == partition && r.Key > after },
		func(a, b store.Row) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) }), nil
}

func (w *twin) Row(ctx context.Context, partition, key string) (store.Row, error) {
	for _, r := range w.rows {
		if r.Partition == partition && r.Key == key {
			return r, nil
		}
	}
	return store.Row{}, store.ErrNotFound
}

func (w *twin) Get(_ context.Context, kind, id string) (store.Record, error) {
	for _, r := range w.records {
		if r.Kind == kind && r.ID == id {
			return r, nil
		}
	}
	return store.Record{}, store.ErrNotFound
}

func (w *twin) Put(ctx context.Context, r store.Record) (uint64, error) {
	old, _ := w.Get(ctx, r.Kind, r.ID)
	if old.Version != r.Version {
		return 0, store.ErrConflict
	}
	w.remove(r.Kind, r.ID)
	r.Version++
	w.records = append(w.records, r)
	return r.Version, nil
}

func (w *twin) remove(kind, id string) {
	w.records = slices.DeleteFunc(w.records, func(x store.Record) bool { return x.Kind == kind && x.ID == id })
}

func (w *twin) Delete(ctx context.Context, kind, id string, version uint64) error {
	old, err := w.Get(ctx, kind, id)
	if err != nil {
		return err
	}
	if old.Version != version {
		return store.ErrConflict
	}
	w.remove(kind, id)
	return nil
}

func (w *twin) List(_ context.Context, kind, after string, limit int) ([]store.Record, error) {
	return page(w.records, limit, func(r store.Record) bool { return r.Kind == kind && r.ID > after },
		func(a, b store.Record) int { return strings.Compare(a.ID, b.ID) }), nil
}

func (w *twin) Check(context.Context) error { return nil }
func (w *twin) Close() error                { return nil }
