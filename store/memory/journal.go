package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Load implements store.Journal.
func (s *Store) Load(ctx context.Context, site event.SiteID) (store.Snapshot, error) {
	if err := s.lock(ctx); err != nil {
		return store.Snapshot{}, err
	}
	defer s.mu.Unlock()
	j, found := s.sites.Get(&journal{site: site})
	if !found {
		return store.Snapshot{}, nil
	}
	return store.Snapshot{Version: uint64(len(j.events)), State: slices.Clone(j.state)}, nil
}

// Append implements store.Journal.
func (s *Store) Append(ctx context.Context, a store.Append) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.admit(a); err != nil {
		return fmt.Errorf("append to site %s: %w", a.Site, err)
	}
	s.appendEvents(a)
	for _, w := range a.Work {
		s.putWork(w)
	}
	for _, r := range a.Rows {
		s.putRow(r)
	}
	for _, v := range a.Values {
		s.putValue(a.Site, v)
	}
	if r := a.Remember; r != nil {
		s.remembered[r.Key] = cloneRemembered(*r)
	}
	return nil
}

// admit checks everything before anything is written, so that a refused append leaves no trace.
func (s *Store) admit(a store.Append) error {
	if a.Remember != nil {
		if _, known := s.remembered[a.Remember.Key]; known {
			return store.ErrExists
		}
	}
	var version uint64
	if j, found := s.sites.Get(&journal{site: a.Site}); found {
		version = uint64(len(j.events))
	}
	if version != a.Version {
		return store.ErrConflict
	}
	return checkEvents(a)
}

func checkEvents(a store.Append) error {
	for i, e := range a.Events {
		if want := a.Version + 1 + uint64(i); e.Seq != want {
			return fmt.Errorf("event %d of the decision is numbered %d, not %d", i, e.Seq, want)
		}
	}
	if a.Version == 0 && len(a.Events) == 0 && (a.State != nil || a.Deadline != 0) {
		return fmt.Errorf("a site without events has neither state nor deadline")
	}
	return nil
}

func (s *Store) appendEvents(a store.Append) {
	j, found := s.sites.Get(&journal{site: a.Site})
	if !found {
		if len(a.Events) == 0 {
			return
		}
		j = &journal{site: a.Site}
		s.sites.Set(j)
	}
	for _, e := range a.Events {
		j.events = append(j.events, store.Entry{Seq: e.Seq, Data: slices.Clone(e.Data)})
	}
	j.state = slices.Clone(a.State)
	s.deadlines.Delete(store.Due{Site: a.Site, At: j.deadline})
	j.deadline = a.Deadline
	if j.deadline != 0 {
		s.deadlines.Set(store.Due{Site: a.Site, At: j.deadline})
	}
}

// Events implements store.Journal.
func (s *Store) Events(ctx context.Context, site event.SiteID, after uint64, limit int) ([]store.Entry, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	j, found := s.sites.Get(&journal{site: site})
	if !found || after >= uint64(len(j.events)) || limit <= 0 {
		return nil, nil
	}
	rest := j.events[after:]
	out := make([]store.Entry, min(limit, len(rest)))
	for i := range out {
		out[i] = store.Entry{Seq: rest[i].Seq, Data: slices.Clone(rest[i].Data)}
	}
	return out, nil
}

// Sites implements store.Journal.
func (s *Store) Sites(ctx context.Context, after event.SiteID, limit int) ([]event.SiteID, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := take(s.sites, &journal{site: after}, limit, func(j *journal) (bool, bool) { return j.site > after, true })
	out := make([]event.SiteID, len(found))
	for i, j := range found {
		out[i] = j.site
	}
	return out, nil
}

// Value implements store.Journal.
func (s *Store) Value(ctx context.Context, site event.SiteID, name string) ([]byte, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	v, found := s.values[valueKey{site, name}]
	if !found {
		return nil, notFound("value %s of site %s", name, site)
	}
	return slices.Clone(v.Sealed), nil
}

// Recall implements store.Journal.
func (s *Store) Recall(ctx context.Context, key string) (store.Remembered, error) {
	if err := s.lock(ctx); err != nil {
		return store.Remembered{}, err
	}
	defer s.mu.Unlock()
	r, found := s.remembered[key]
	if !found {
		return store.Remembered{}, notFound("answer to a request")
	}
	return cloneRemembered(r), nil
}

func (s *Store) putValue(site event.SiteID, v store.Value) {
	key := valueKey{site, v.Name}
	if v.Sealed == nil {
		delete(s.values, key)
		return
	}
	v.Sealed = slices.Clone(v.Sealed)
	s.values[key] = v
}

func cloneRemembered(r store.Remembered) store.Remembered {
	r.Answer = slices.Clone(r.Answer)
	return r
}
