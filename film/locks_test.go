package film

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l locks
		ctx, cancel := context.WithCancel(t.Context())
		first, err := l.lock(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		if other, busy := l.try("b"); busy != nil {
			t.Error("another name has to wait")
		} else {
			other()
		}
		var second func()
		go func() { second, _ = l.lock(t.Context(), "a") }()
		gaveUp := make(chan error, 1)
		go func() {
			_, err := l.lock(ctx, "a")
			gaveUp <- err
		}()
		synctest.Wait()
		if second != nil {
			t.Fatal("two have the same name")
		}
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("gave up with %v", err)
		}
		first()
		synctest.Wait()
		if second == nil {
			t.Fatal("the name is free, and nobody was told")
		}
		second()
		if len(l.held) != 0 {
			t.Errorf("left: %v", l.held)
		}
	})
}
