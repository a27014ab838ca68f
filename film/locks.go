package film

import (
	"context"
	"sync"
)

// locks let one thing at a time be done for a name in this process. The zero value is ready to use.
type locks struct {
	mu sync.Mutex
	// held are the names for which something is being done; their channels are closed when it is.
	held map[string]chan struct{}
}

// lock waits until nothing is being done for the name, or the context ends.
func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	for {
		unlock, busy := l.try(name)
		if busy == nil {
			return unlock, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try is lock where it can be had at once; else what is busy tells of its end.
func (l *locks) try(name string) (unlock func(), busy <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if busy, held := l.held[name]; held {
		return nil, busy
	}
	if l.held == nil {
		l.held = make(map[string]chan struct{})
	}
	done := make(chan struct{})
	l.held[name] = done
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, name)
		close(done)
	}, nil
}
