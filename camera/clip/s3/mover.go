package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
	// now is the moving that goes on, nil if none does.
	now *moving
	// held are clips that are moved, changed or erased, one at a time for each, and wanted are those for which
	// somebody waits who comes before a moving.
	held    map[clip.ID]chan struct{}
	wanted  map[clip.ID]int
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
		held: map[clip.ID]chan struct{}{}, wanted: map[clip.ID]int{}, changed: make(chan struct{}),
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
	m.wanted[id]++
	if m.now != nil && m.now.id == id {
		m.now.stop()
	}
	m.mu.Unlock()
	held := m.hold(id)
	return func() {
		held()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.wanted[id]--; m.wanted[id] == 0 {
			delete(m.wanted, id)
		}
		m.announce()
	}
}

// wait returns when nothing is left to be moved.
func (m *mover) wait(ctx context.Context) error {
	for {
		m.mu.Lock()
		idle, changed := len(m.queue) == 0 && m.now == nil, m.changed
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
		one := m.take(ctx)
		if one == nil {
			return
		}
		err := m.attempt(one)
		m.finished(one, err)
		if err != nil && !errors.Is(err, errStopped) && ctx.Err() == nil {
			m.log.Warn("moving a clip to the bucket fails; it stays in the spool", "clip", one.id, "err", err)
			m.rest(ctx)
		}
	}
}

// take waits for the next clip; nil when the context ends.
func (m *mover) take(ctx context.Context) *moving {
	for ctx.Err() == nil {
		m.mu.Lock()
		if i := slices.IndexFunc(m.queue, func(id clip.ID) bool { return m.wanted[id] == 0 }); i >= 0 {
			defer m.mu.Unlock()
			m.now = newMoving(ctx, m.queue[i])
			m.queue = slices.Delete(m.queue, i, i+1)
			return m.now
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// finished puts a clip back that was not moved.
func (m *mover) finished(one *moving, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	one.abort()
	m.now = nil
	if err != nil {
		m.queue = append(m.queue, one.id)
	}
	m.announce()
}

func (m *mover) rest(ctx context.Context) {
	timer := time.NewTimer(m.retry)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (m *mover) attempt(one *moving) error {
	defer m.hold(one.id)()
	return m.move(one)
}

// move puts the entry first, so that whatever is in the bucket has a time at which it is erased, and removes the
// spool's copy last. It can be done again after any of its steps.
func (m *mover) move(one *moving) error {
	ctx, id := one.ctx, one.id
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
	if err := m.upload(one); err != nil {
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

func (m *mover) upload(one *moving) error {
	blob, err := m.spool.Open(one.ctx, one.id)
	if err != nil {
		return err
	}
	body := io.NewSectionReader(&sending{blob, one}, 0, blob.Size())
	err = m.bucket.upload(one.ctx, one.id, clipName, body, blob.Size())
	return errors.Join(one.goesOn(false), err, blob.Close())
}

// errStopped says that somebody who changes or erases the clip came before.
var errStopped = errors.New("the moving was stopped")

// moving is one attempt. It can be stopped only where its fate is known afterwards: while a request's body is not
// sent to its end, of which the bucket keeps nothing. A request that was sent whole is waited for, or it could bring
// something back that was erased meanwhile.
type moving struct {
	id    clip.ID
	ctx   context.Context
	abort context.CancelFunc

	mu      sync.Mutex
	stopped bool
	partial bool
}

func newMoving(ctx context.Context, id clip.ID) *moving {
	ctx, abort := context.WithCancel(ctx)
	return &moving{id: id, ctx: ctx, abort: abort}
}

func (o *moving) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
	if o.partial {
		o.abort()
	}
}

// goesOn says whether the next bytes leave a body partial; [errStopped].
func (o *moving) goesOn(partial bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return errStopped
	}
	o.partial = partial
	return nil
}

// sending is a clip that is being sent.
type sending struct {
	clip.Blob
	moving *moving
}

// ReadAt stops before the last byte, or not at all.
func (s *sending) ReadAt(p []byte, at int64) (int, error) {
	if err := s.moving.goesOn(at+int64(len(p)) < s.Size()); err != nil {
		return 0, err
	}
	return s.Blob.ReadAt(p, at)
}
