package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/loquet/loquet/store"
)

const (
	// batchMost is how many operations one commit carries at most.
	batchMost = 256
	// patience is the part of the last commit's duration for which the writer lets others run before the next
	// one, if fewer operations are queued than there are callers about.
	patience = 16
)

// op is one write of one caller.
type op struct {
	do   func(w *writer) error
	err  error
	done chan struct{}
	// begun is set once, by the writer that begins it or by the caller that gives it up, whoever comes first.
	begun atomic.Bool
}

// refusal is an error that was found before anything was written.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse names what is refused, and why.
func refuse(why error, format string, args ...any) error {
	return refusal{fmt.Errorf(format+": %w", append(args, why)...)}
}

// write queues one operation and waits until it is durable or refused.
func (s *Store) write(ctx context.Context, do func(w *writer) error) error {
	o := &op{do: do, done: make(chan struct{})}
	if err := s.queue(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if o.begun.CompareAndSwap(false, true) {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", store.ErrUncertain, ctx.Err())
}

// write is Store.write for an operation with a result. The result is its own variable, because a caller that
// has given up must not see it change.
func write[T any](ctx context.Context, s *Store, do func(w *writer) (T, error)) (T, error) {
	var none T
	result := new(T)
	err := s.write(ctx, func(w *writer) (err error) {
		*result, err = do(w)
		return err
	})
	if err != nil {
		return none, err
	}
	return *result, nil
}

func (s *Store) queue(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	if s.ops == nil {
		return fmt.Errorf("%w: it was opened for reading only", store.ErrFull)
	}
	select {
	case s.ops <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writer owns the only connection that writes; only its own goroutine uses it.
type writer struct {
	conn
	log       conn // the checkpointer's
	logPages  int64
	hot       *hot
	unsettled *atomic.Bool
	batch     []*op
	expect    int           // callers about: those just answered and those who queued meanwhile
	wait      time.Duration // for how long to expect them
	commits   int
	restart   atomic.Bool
	erased    bool        // something may stand in the log that was erased
	cut       atomic.Bool // the log is to be cut off for that
	wake      chan struct{}
	stopped   sync.WaitGroup
}

func newWriter(c, log conn, logPages int64, unsettled *atomic.Bool) *writer {
	w := &writer{conn: c, log: log, logPages: logPages, hot: newHot(), unsettled: unsettled, wake: make(chan struct{}, 1),
		erased: true} // by the process before this one
	w.stopped.Go(w.checkpoints)
	return w
}

func (w *writer) Close() error {
	close(w.wake)
	w.stopped.Wait()
	return errors.Join(w.log.Close(), w.Conn.Close())
}

// run commits batches until the queue is closed and empty.
func (w *writer) run(ops <-chan *op) {
	for first := range ops {
		w.gather(first, ops)
		start := time.Now()
		w.commit(w.batch)
		w.expect, w.wait = len(w.batch)+len(ops), time.Since(start)/patience
		for _, o := range w.batch {
			close(o.done)
		}
		w.maintain()
	}
}

// gather takes what is queued. Those who were just answered come back within microseconds, and would have to
// sit out a whole commit if it began without them; so the writer steps aside for a moment, but never sleeps.
func (w *writer) gather(first *op, ops <-chan *op) {
	w.batch = w.batch[:0]
	w.add(first)
	for until := time.Now().Add(w.wait); len(w.batch) < batchMost; {
		select {
		case o, open := <-ops:
			if !open {
				return
			}
			w.add(o)
		default:
			if len(w.batch) >= w.expect || !time.Now().Before(until) {
				return
			}
			runtime.Gosched()
		}
	}
}

// add begins an operation, unless its caller has given it up.
func (w *writer) add(o *op) {
	if o.begun.CompareAndSwap(false, true) {
		w.batch = append(w.batch, o)
	}
}

// commit does all operations in one transaction. If one of them breaks it, each is done in one of its own.
func (w *writer) commit(batch []*op) {
	err := w.begin()
	if err == nil {
		err = w.apply(batch)
		if err != nil && len(batch) > 1 {
			w.rollback()
			w.oneByOne(batch)
			return
		}
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		w.rollback()
		fail(batch, classify(err))
	}
	if w.unsettled.Load() {
		w.settle()
	}
}

func (w *writer) oneByOne(batch []*op) {
	for i := range batch {
		w.commit(batch[i : i+1])
	}
}

// begin opens a transaction, once what may have been left behind is settled.
func (w *writer) begin() error {
	if w.unsettled.Load() && !w.settle() {
		return fmt.Errorf("%w: an earlier commit failed and could not be settled yet", store.ErrFull)
	}
	return w.exec("BEGIN IMMEDIATE")
}

// apply does the operations; an error means that the transaction can't be committed.
func (w *writer) apply(batch []*op) error {
	for _, o := range batch {
		o.err = o.do(w)
		var refused refusal
		if o.err != nil && !errors.As(o.err, &refused) {
			return o.err
		}
	}
	return nil
}

// end commits. Without room nothing is committed, because the mark that ends a transaction is written last.
// After any other error only the disk knows.
func (w *writer) end() error {
	err := w.exec("COMMIT")
	if err == nil {
		w.hot.committed()
		return nil
	}
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull {
		return err
	}
	w.unsettled.Store(true)
	return fmt.Errorf("%w: %w", store.ErrUncertain, err)
}

func (w *writer) rollback() {
	w.hot.undone()
	if !w.AutocommitEnabled() {
		// An error leaves the transaction open, and the next BEGIN reports it.
		_ = w.exec("ROLLBACK")
	}
}

// settle commits something else where the failed commit stands in the log, so that it can't come back.
func (w *writer) settle() bool {
	err := w.exec("BEGIN IMMEDIATE")
	if err == nil {
		err = w.pulse()
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		w.rollback()
		return false
	}
	w.unsettled.Store(false)
	return true
}

// pulse changes a row.
func (c conn) pulse() error { return c.exec("UPDATE pulse SET n = n + 1") }

// fail answers the whole batch: what was refused in it may have been refused because of what is now undone.
func fail(batch []*op, err error) {
	for _, o := range batch {
		o.err = err
	}
}
