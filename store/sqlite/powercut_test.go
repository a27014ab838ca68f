package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

func TestPowerCutKeepsWhatWasAcknowledged(t *testing.T) {
	if err := cuts(t, 20); err != nil {
		t.Fatal(err)
	}
}

// The test above must be able to fail: without syncs, it does.
func TestPowerCutWithoutSyncsLosesSomething(t *testing.T) {
	full := tuning[0]
	tuning[0] = "synchronous = OFF"
	defer func() { tuning[0] = full }()
	err := cuts(t, 20)
	if err == nil {
		t.Fatal("nothing was lost although nothing was synced: the power cut isn't one")
	}
	t.Log("as it should be: ", err)
}

// acks are the versions that were acknowledged.
type acks struct {
	mu    sync.Mutex
	of    map[event.SiteID]uint64
	total int
	more  *sync.Cond
}

func newAcks() *acks {
	a := &acks{of: map[event.SiteID]uint64{}}
	a.more = sync.NewCond(&a.mu)
	return a
}

func (a *acks) add(site event.SiteID, version uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[site] = version
	a.total++
	a.more.Broadcast()
}

// after waits until n more decisions are acknowledged, and returns what is acknowledged then.
func (a *acks) after(n int) map[event.SiteID]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for goal := a.total + n; a.total < goal; {
		a.more.Wait()
	}
	return maps.Clone(a.of)
}

// decided makes a decision whose parts all name the version that it leads to.
func decided(site event.SiteID, version uint64) store.Append {
	next := version + 1
	text := fmt.Appendf(nil, "%s %d %0500d", site, next, next)
	return store.Append{Site: site, Version: version, Events: []store.Entry{{Seq: next, Data: text}}, State: text,
		Rows: []store.Row{{Partition: "p", Key: string(site), Data: text}},
		Work: []store.Work{{ID: fmt.Sprintf("%s-%d", site, next), Site: site, Kind: "k", Due: 1, Data: text}}}
}

// cuts lets several callers append, meanwhile cuts the power at random moments, and returns what was found
// missing or damaged afterwards. The log is short, so that some cuts fall into its being copied.
func cuts(t *testing.T, times int) error {
	d := newDisk(t)
	s, err := open(d.path(), options{vfs: diskVFS, logPages: 50})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := newAcks()
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() { appendUntil(ctx, t, s, event.SiteID(fmt.Sprintf("s%d", i)), acknowledged) })
	}
	random := rand.New(rand.NewPCG(1, 2))
	var found error
	for i := 0; i < times && found == nil; i++ {
		before := acknowledged.after(1 + random.IntN(40))
		found = verify(t, d.cut(t, random), before)
	}
	stop()
	callers.Wait()
	return errors.Join(found, s.Close())
}

// appendUntil appends until it is stopped.
func appendUntil(ctx context.Context, t *testing.T, s *Store, site event.SiteID, acknowledged *acks) {
	for version := uint64(0); ctx.Err() == nil; version++ {
		if err := s.Append(t.Context(), decided(site, version)); err != nil {
			t.Error(err)
			return
		}
		acknowledged.add(site, version+1)
	}
}

// verify opens what a cut left: it must be sound, have all that was acknowledged, and nothing by halves.
func verify(t *testing.T, dir string, acknowledged map[event.SiteID]uint64) error {
	s, err := Open(filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := sound(t.Context(), s); err != nil {
		return err
	}
	for site, version := range acknowledged {
		snap, err := s.Load(t.Context(), site)
		if err != nil {
			return err
		}
		if snap.Version < version {
			return fmt.Errorf("%s is at version %d, acknowledged was %d", site, snap.Version, version)
		}
		if err := whole(t.Context(), s, site, snap); err != nil {
			return err
		}
	}
	return nil
}

// sound lets SQLite check the whole file.
func sound(ctx context.Context, s *Store) error {
	return s.read(ctx, func(c conn) error {
		verdict, err := c.text("PRAGMA integrity_check")
		if err == nil && verdict != "ok" {
			err = fmt.Errorf("integrity check: %.200s", verdict)
		}
		return err
	})
}

// whole requires that the site's events, state and row all belong to the same version.
func whole(ctx context.Context, s *Store, site event.SiteID, snap store.Snapshot) error {
	want := decided(site, snap.Version-1)
	events, err := s.Events(ctx, site, 0, 1<<20)
	if err != nil {
		return err
	}
	row, err := s.Row(ctx, "p", string(site))
	if err != nil {
		return err
	}
	if uint64(len(events)) != snap.Version || string(events[len(events)-1].Data) != string(want.Events[0].Data) {
		return fmt.Errorf("%s is at version %d and has %d events", site, snap.Version, len(events))
	}
	if string(row.Data) != string(want.State) || string(snap.State) != string(want.State) {
		return fmt.Errorf("%s at version %d: state %.20q, row %.20q", site, snap.Version, snap.State, row.Data)
	}
	return nil
}
