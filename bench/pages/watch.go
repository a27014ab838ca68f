package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// watching is all open pages.
type watching struct {
	server *server
	homes  []home
	// news of each household's first page.
	news []chan time.Time
	end  context.CancelFunc
}

// pageWithin is how long a page may take to show itself, or a change.
const pageWithin = 30 * time.Second

func openAll(ctx context.Context, s *server, homes []home, pages, each int) (*watching, error) {
	ctx, end := context.WithCancel(ctx)
	w := &watching{server: s, homes: homes, end: end, news: make([]chan time.Time, len(homes))}
	transport := &http.Transport{MaxIdleConnsPerHost: -1}
	shown := make(chan error, pages)
	for i := range pages {
		news := make(chan time.Time, 100)
		if i%each == 0 {
			w.news[i/each] = news
		}
		go follow(ctx, transport, s.url, homes[i/each].session, news, shown)
	}
	limit := time.After(2 * pageWithin)
	for range pages {
		select {
		case err := <-shown:
			if err != nil {
				end()
				return nil, err
			}
		case <-limit:
			end()
			return nil, errors.New("not every page is shown")
		}
	}
	return w, nil
}

func (w *watching) close() { w.end() }

// follow holds one page's event stream open, and tells when a view arrives.
func follow(ctx context.Context, transport http.RoundTripper, url, session string, news chan<- time.Time, shown chan<- error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/home/live", nil)
	if err != nil {
		shown <- err
		return
	}
	req.Header.Set("Cookie", "__Host-loquet="+session)
	req.Header.Set("Accept", "text/event-stream")
	res, err := transport.RoundTrip(req)
	if err != nil {
		shown <- err
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		shown <- fmt.Errorf("a page's event stream is answered with %d", res.StatusCode)
		return
	}
	// Small: two thousand of them are in this process.
	lines := bufio.NewReaderSize(res.Body, 512)
	for first := true; ; {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
		if !bytes.HasPrefix(line, []byte("event: view")) {
			continue
		}
		if first {
			first = false
			shown <- nil
			continue
		}
		select {
		case news <- time.Now():
		default:
		}
	}
}

// change has one household add a door, and returns how long it took from the request to the page.
func (w *watching) change(ctx context.Context, i int) (time.Duration, error) {
	h, news := w.homes[i%len(w.homes)], w.news[i%len(w.homes)]
	device := fmt.Sprintf("%s.door%d", h.site, i)
	if err := w.server.reserve(ctx, h.site, device); err != nil {
		return 0, err
	}
	for len(news) > 0 {
		<-news
	}
	asked := time.Now()
	if err := h.Call(ctx, "POST", "/v1/home/barriers", map[string]any{"device": device, "is": "front-door"}, nil); err != nil {
		return 0, err
	}
	select {
	case at := <-news:
		return at.Sub(asked), nil
	case <-time.After(pageWithin):
		return 0, errors.New("a change is not shown")
	}
}
