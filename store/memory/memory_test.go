package memory_test

import (
	"testing"

	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
	"github.com/loquet/loquet/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB) (store.Store, func() store.Store) {
		s := memory.New()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s, func() store.Store {
			s = s.Reopen()
			return s
		}
	})
}
