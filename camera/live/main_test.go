package live

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens a server on loopback.
func listen(t testing.TB, c Config) *Server {
	t.Helper()
	c.UDP = "127.0.0.1:0"
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Listen(c)
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
