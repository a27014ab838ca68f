package memory

import (
	"context"
	"fmt"

	"github.com/loquet/loquet/store"
)

func (s *Store) putRow(r store.Row) {
	if r.Data == nil {
		s.rows.Delete(r)
		return
	}
	s.rows.Set(cloneRow(r))
}

// Rows implements store.Projection.
func (s *Store) Rows(ctx context.Context, partition, after string, limit int) ([]store.Row, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	pivot := store.Row{Partition: partition, Key: after}
	rows := take(s.rows, pivot, limit, func(r store.Row) (bool, bool) { return r.Key > after, r.Partition == partition })
	for i, r := range rows {
		rows[i] = cloneRow(r)
	}
	return rows, nil
}

// Row implements store.Projection.
func (s *Store) Row(ctx context.Context, partition, key string) (store.Row, error) {
	if err := s.lock(ctx); err != nil {
		return store.Row{}, err
	}
	defer s.mu.Unlock()
	r, found := s.rows.Get(store.Row{Partition: partition, Key: key})
	if !found {
		return store.Row{}, notFound("row %s of %s", key, partition)
	}
	return cloneRow(r), nil
}

// Get implements store.Register.
func (s *Store) Get(ctx context.Context, kind, id string) (store.Record, error) {
	if err := s.lock(ctx); err != nil {
		return store.Record{}, err
	}
	defer s.mu.Unlock()
	r, found := s.records.Get(store.Record{Kind: kind, ID: id})
	if !found {
		return store.Record{}, notFound("%s %s", kind, id)
	}
	return cloneRecord(r), nil
}

// Put implements store.Register.
func (s *Store) Put(ctx context.Context, r store.Record) (uint64, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	old, _ := s.records.Get(r)
	if old.Version != r.Version {
		return 0, fmt.Errorf("%s %s: %w", r.Kind, r.ID, store.ErrConflict)
	}
	r = cloneRecord(r)
	r.Version++
	s.records.Set(r)
	return r.Version, nil
}

// Delete implements store.Register.
func (s *Store) Delete(ctx context.Context, kind, id string, version uint64) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	old, found := s.records.Get(store.Record{Kind: kind, ID: id})
	if !found {
		return notFound("%s %s", kind, id)
	}
	if old.Version != version {
		return fmt.Errorf("%s %s: %w", kind, id, store.ErrConflict)
	}
	s.records.Delete(old)
	return nil
}

// List implements store.Register.
func (s *Store) List(ctx context.Context, kind, after string, limit int) ([]store.Record, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	pivot := store.Record{Kind: kind, ID: after}
	records := take(s.records, pivot, limit, func(r store.Record) (bool, bool) { return r.ID > after, r.Kind == kind })
	for i, r := range records {
		records[i] = cloneRecord(r)
	}
	return records, nil
}
