package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/loquet/loquet/camera/clip"
)

// mover takes finished clips from the spool to the bucket, in one goroutine.
type mover struct {
	spool  clip.Shelf
	bucket *bucket
	retry  time.Duration
	log    *slog.Logger

	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	queue []clip.ID
	// now is the clip that is being moved, which cancelNow ends.
	now       clip.ID
	cancelNow context.CancelFunc
	// held are clips that are moved, changed or erased: one at a time for each.
	held    map[clip.ID]chan struct{}
	changed chan struct{}
}

// newMover begins with what the spool holds already.
func newMover(spool clip.Shelf, b *bucket, retry time.Duration, log *slog.Logger) (*mover, error) {
	before, err := spool.List(context.Background(), "")
	if err != nil {
		return nil, fmt.Errorf("looking into the spool: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &mover{
		spool: spool, bucket: b, retry: retry, log: log, cancel: cancel, done: make(chan struct{}),
		held: map[clip.ID]chan struct{}{}, changed: make(chan struct{}),
	}
	for _, info := range before {
		if info.Finished {
			m.queue = append(m.queue, info.ID)
		}
	}
	go m.run(ctx)
	return m, nil
}

func (m *mover) close() {
	m.cancel()
	<-m.done
}

func (m *mover) add(id clip.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, id)
	m.announce()
}

// announce wakes everybody who waits for a change; the mover is locked.
func (m *mover) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// hold waits for a clip and takes it.
func (m *mover) hold(id clip.ID) (release func()) {
	for {
		m.mu.Lock()
		busy := m.held[id]
		if busy == nil {
			m.held[id] = make(chan struct{})
			m.mu.Unlock()
			return func() { m.release(id) }
		}
		m.mu.Unlock()
		<-busy
	}
}

func (m *mover) release(id clip.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.held[id])
	delete(m.held, id)
}

// stop ends a moving of the clip, if there is one, and takes the clip. The moving begins anew after the release.
func (m *mover) stop(id clip.ID) (release func()) {
	m.mu.Lock()
	if m.now == id {
		m.cancelNow()
	}
	m.mu.Unlock()
	return m.hold(id)
}

// wait returns when nothing is left to be moved.
func (m *mover) wait(ctx context.Context) error {
	for {
		m.mu.Lock()
		idle, changed := len(m.queue) == 0 && m.now == "", m.changed
		m.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *mover) run(ctx context.Context) {
	defer close(m.done)
	for {
		one, id := m.take(ctx)
		if id == "" {
			return
		}
		err := m.attempt(one, id)
		again := m.finished(one, id, err)
		if ctx.Err() != nil {
			return
		}
		if again {
			m.log.Warn("moving a clip to the bucket fails; it stays in the spool", "clip", id, "err", err)
			m.rest(ctx)
		}
	}
}

// take waits for the next clip; "" when the context ends.
func (m *mover) take(ctx context.Context) (context.Context, clip.ID) {
	for ctx.Err() == nil {
		m.mu.Lock()
		if len(m.queue) > 0 {
			defer m.mu.Unlock()
			m.now, m.queue = m.queue[0], m.queue[1:]
			var one context.Context
			one, m.cancelNow = context.WithCancel(ctx)
			return one, m.now
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil, ""
}

// finished puts a clip back that was not moved. It says whether that was a failure: not if it was stopped.
func (m *mover) finished(one context.Context, id clip.ID, err error) (failure bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stopped := one.Err() != nil
	m.cancelNow()
	m.now = ""
	if err != nil {
		m.queue = append(m.queue, id)
	}
	m.announce()
	return err != nil && !stopped
}

func (m *mover) rest(ctx context.Context) {
	timer := time.NewTimer(m.retry)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (m *mover) attempt(ctx context.Context, id clip.ID) error {
	defer m.hold(id)()
	return m.move(ctx, id)
}

// move puts the entry first, so that whatever is in the bucket has a time at which it is erased, and removes the
// spool's copy last. It can be done again after any of its steps.
func (m *mover) move(ctx context.Context, id clip.ID) error {
	info, err := m.spool.Stat(ctx, id)
	if errors.Is(err, clip.ErrNotFound) || err == nil && !info.Finished {
		return nil
	}
	if err != nil {
		return err
	}
	if err := m.bucket.putEntry(ctx, info.Entry); err != nil {
		return err
	}
	if err := m.upload(ctx, id); err != nil {
		return err
	}
	if info.Poster {
		sealed, err := m.spool.Poster(ctx, id)
		if err == nil {
			err = m.bucket.put(ctx, id, posterName, sealed)
		}
		if err != nil {
			return err
		}
	}
	return m.spool.Erase(ctx, id)
}

func (m *mover) upload(ctx context.Context, id clip.ID) error {
	blob, err := m.spool.Open(ctx, id)
	if err != nil {
		return err
	}
	err = m.bucket.upload(ctx, id, clipName, io.NewSectionReader(blob, 0, blob.Size()), blob.Size())
	return errors.Join(err, blob.Close())
}
