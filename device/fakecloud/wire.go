package fakecloud

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what goes wrong between a cloud and its client.
type Kind string

// Kinds of trouble on the wire.
const (
	// TroubleHTML: a page instead of JSON, with status 200.
	TroubleHTML Kind = "html"
	// TroubleForbidden: a page with status 403, as of a firewall on the way.
	TroubleForbidden Kind = "forbidden"
	// TroubleStall: no answer for Trouble.Length (default 30 s).
	TroubleStall Kind = "stall"
	// TroubleTruncated: an answer that ends in its middle.
	TroubleTruncated Kind = "truncated"
	// TroubleTooMany: 429, with Retry-After of Trouble.Length.
	TroubleTooMany Kind = "too-many"
	// TroubleDown: 503 without a body.
	TroubleDown Kind = "down"
	// TroubleDropped: the connection is closed without an answer.
	TroubleDropped Kind = "dropped"
	// TroubleReplaced: Trouble.Body is the answer, with status 200.
	TroubleReplaced Kind = "replaced"
)

// Trouble is one thing that goes wrong.
type Trouble struct {
	Kind Kind
	// Method and Path say which requests are hit: "" any method, and paths that end so.
	Method, Path string
	// Times is how often it happens; 0 until mended.
	Times int
	// After says that the request is carried out before its answer goes wrong.
	After  bool
	Length time.Duration
	Body   string
}

// Wire is the way between a cloud and its clients.
type Wire struct {
	mu       sync.Mutex
	troubles []*Trouble
	requests map[string]int // by the first part of their path
}

// Requests is how many have come, whatever became of them, whose path does not begin with one of these parts.
func (w *Wire) Requests(except ...string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := 0
	for first, n := range w.requests {
		if !slices.Contains(except, first) {
			sum += n
		}
	}
	return sum
}

// Break makes something go wrong from now on, beside what goes wrong already.
func (w *Wire) Break(t Trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Length == 0 {
		t.Length = 30 * time.Second
	}
	w.troubles = append(w.troubles, &t)
}

// Mend ends all trouble.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = nil
}

// next counts a request, and returns the trouble that hits it, if any.
func (w *Wire) next(r *http.Request) (Trouble, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.requests == nil {
		w.requests = map[string]int{}
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.requests[first]++
	for i, t := range w.troubles {
		if (t.Method != "" && t.Method != r.Method) || !strings.HasSuffix(r.URL.Path, t.Path) {
			continue
		}
		if t.Times--; t.Times == 0 {
			w.troubles = append(w.troubles[:i:i], w.troubles[i+1:]...)
		}
		return *t, true
	}
	return Trouble{}, false
}

// Handler puts the wire in front of a cloud.
func (w *Wire) Handler(cloud http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		t, hit := w.next(r)
		if !hit {
			cloud.ServeHTTP(rw, r)
			return
		}
		answer := &kept{header: http.Header{}, status: http.StatusOK}
		if t.After || t.Kind == TroubleTruncated {
			cloud.ServeHTTP(answer, r)
		}
		t.happen(rw, r, answer)
	})
}

func (t Trouble) happen(rw http.ResponseWriter, r *http.Request, answer *kept) {
	switch t.Kind {
	case TroubleHTML:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte("<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"))
	case TroubleForbidden:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(http.StatusForbidden)
		_, _ = rw.Write([]byte("<!doctype html><title>Forbidden</title><h1>Request blocked</h1>"))
	case TroubleStall:
		t.stall(r)
		panic(http.ErrAbortHandler)
	case TroubleTruncated:
		body := answer.body.Bytes()
		rw.Header().Set("Content-Type", answer.header.Get("Content-Type"))
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		rw.WriteHeader(answer.status)
		_, _ = rw.Write(body[:len(body)/2])
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	case TroubleTooMany:
		rw.Header().Set("Retry-After", strconv.Itoa(int(t.Length/time.Second)))
		WriteJSON(rw, http.StatusTooManyRequests, map[string]string{"message": "Too many requests"})
	case TroubleReplaced:
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(t.Body))
	case TroubleDown:
		rw.WriteHeader(http.StatusServiceUnavailable)
	default:
		panic(http.ErrAbortHandler)
	}
}

func (t Trouble) stall(r *http.Request) {
	over := time.NewTimer(t.Length)
	defer over.Stop()
	select {
	case <-over.C:
	case <-r.Context().Done():
	}
}

// kept is an answer that was not sent yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) { k.status = status }

func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
