package fakecloud

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a listening cloud.
type Server struct {
	// URL is "http://127.0.0.1:port".
	URL string

	server *http.Server
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// Serve listens on address ("127.0.0.1:0" for a loopback port of its own).
func Serve(address string, cloud http.Handler) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{URL: "http://" + listener.Addr().String(), cancel: cancel}
	s.server = &http.Server{
		Handler: cloud, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(discard{}, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	s.work.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			_ = listener.Close()
		}
	})
	return s, nil
}

// Close ends every request and every connection, and returns when nothing of it is left.
func (s *Server) Close() {
	s.cancel()
	_ = s.server.Close()
	s.work.Wait()
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
