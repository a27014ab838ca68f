package memory

import (
	"context"
	"math"
	"slices"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// Deadlines implements store.Queue.
func (s *Store) Deadlines(ctx context.Context, now event.Instant, limit int) ([]store.Due, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	first := store.Due{At: math.MinInt64}
	return take(s.deadlines, first, limit, func(d store.Due) (bool, bool) { return true, d.At <= now }), nil
}

// NextDeadline implements store.Queue.
func (s *Store) NextDeadline(ctx context.Context) (event.Instant, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	first, _ := s.deadlines.Min()
	return first.At, nil
}

// putWork keeps the first piece of work under an identifier.
func (s *Store) putWork(w store.Work) {
	if s.work[w.ID] != nil {
		return
	}
	w.Data, w.Attempts = slices.Clone(w.Data), 0
	s.work[w.ID] = &w
	s.due.Set(slot{w.Kind, w.Due, w.ID})
}

// move makes the work due at another time.
func (s *Store) move(w *store.Work, due event.Instant) {
	s.due.Delete(slot{w.Kind, w.Due, w.ID})
	w.Due = due
	s.due.Set(slot{w.Kind, w.Due, w.ID})
}

// Claim implements store.Queue. The work's Due is the time at which it was due, not the one it is hidden until.
func (s *Store) Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) ([]store.Work, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []store.Work
	for _, slot := range s.dueSlots(kinds, now, limit) {
		w := s.work[slot.id]
		w.Attempts++
		claimed := *w
		claimed.Data = slices.Clone(w.Data)
		out = append(out, claimed)
		if _, repeated := s.unclaimedDue[w.ID]; !repeated {
			s.unclaimedDue[w.ID] = w.Due
		}
		s.move(w, again)
	}
	return out, nil
}

// dueSlots lists what is due of the given kinds, earliest first, then in order of the identifier.
func (s *Store) dueSlots(kinds []string, now event.Instant, limit int) []slot {
	var all []slot
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		all = append(all, take(s.due, slot{kind: kind, due: math.MinInt64}, limit, func(x slot) (bool, bool) {
			return true, x.kind == kind && x.due <= now
		})...)
	}
	slices.SortFunc(all, func(a, b slot) int {
		a.kind, b.kind = "", ""
		return compareSlots(a, b)
	})
	return all[:max(0, min(limit, len(all)))]
}

// Finish implements store.Queue.
func (s *Store) Finish(ctx context.Context, id string) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if w := s.work[id]; w != nil {
		s.due.Delete(slot{w.Kind, w.Due, w.ID})
		delete(s.work, id)
		delete(s.unclaimedDue, id)
	}
	return nil
}

// Postpone implements store.Queue. Postponing what is not there is not an error: it was finished meanwhile.
func (s *Store) Postpone(ctx context.Context, id string, due event.Instant) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if w := s.work[id]; w != nil {
		s.move(w, due)
		delete(s.unclaimedDue, id)
	}
	return nil
}

// NextWork implements store.Queue.
func (s *Store) NextWork(ctx context.Context, kinds []string) (event.Instant, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	first := s.dueSlots(kinds, math.MaxInt64, 1)
	if len(first) == 0 {
		return 0, nil
	}
	return first[0].due, nil
}

// Sweep implements store.Queue. Records of the register past their time go too.
func (s *Store) Sweep(ctx context.Context, now event.Instant) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	n := sweepMap(s.values, sweepMost, func(v store.Value) bool { return past(v.EraseAt, now) })
	n += sweepMap(s.remembered, sweepMost-n, func(r store.Remembered) bool { return past(r.Until, now) })
	old := take(s.records, store.Record{}, sweepMost-n, func(r store.Record) (bool, bool) { return past(r.Until, now), true })
	for _, r := range old {
		s.records.Delete(r)
	}
	return n + len(old), nil
}

// past says whether a time that is set has come.
func past(until, now event.Instant) bool { return until != 0 && until <= now }

func sweepMap[K comparable, V any](m map[K]V, most int, old func(V) bool) int {
	n := 0
	for k, v := range m {
		if n < most && old(v) {
			delete(m, k)
			n++
		}
	}
	return n
}
