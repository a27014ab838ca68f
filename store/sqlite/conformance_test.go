package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/storetest"
)

// opener opens stores at one path and closes the last one at the end.
func opener(t testing.TB) func() *Store {
	path := filepath.Join(t.TempDir(), "store.db")
	return func() *Store {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB) (store.Store, func() store.Store) {
		open := opener(t)
		return open(), func() store.Store { return open() }
	})
}
