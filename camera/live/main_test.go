package live

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens a server on loopback, which may be less patient than usual.
func listen(t testing.TB, c Config, hurry ...func(*times)) *Server {
	t.Helper()
	c.UDP = "127.0.0.1:0"
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	patience := patience
	for _, h := range hurry {
		h(&patience)
	}
	s, err := start(c, patience)
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
