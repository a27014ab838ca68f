package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Phone is the courier's page in a browser, as far as it lends itself to stories: it signs and sends what it is asked
// to. The page asks for that again and again. Safe for concurrent use.
type Phone struct {
	mu    sync.Mutex
	seen  time.Time
	next  int
	asked *call
	under map[string]*call
}

// call is one request that the page is to send.
type call struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	Body any    `json:"body"`

	done chan reply
}

// reply is what became of it.
type reply struct {
	ID      string          `json:"id"`
	Answer  json.RawMessage `json:"answer"`
	Problem string          `json:"problem"`
}

const (
	// presentFor is how long a page that asked counts as being there.
	presentFor = 3 * time.Second
	// callWithin is how long a page may take to have a request answered.
	callWithin = 30 * time.Second
)

// ErrAbsent: no courier's page is there, or it left.
var ErrAbsent = errors.New("demo: no courier's page is there")

// There says whether a page lends itself.
func (p *Phone) There() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.seen) < presentFor
}

// Call has the page post a body to the API's path, under the page's own signature, and decodes the answer. One at a
// time. Errors: ErrAbsent, what the page says went wrong, and the context's.
func (p *Phone) Call(ctx context.Context, _, path string, body, answer any) error {
	if !p.There() {
		return ErrAbsent
	}
	c := p.ask(path, body)
	defer p.forget(c)
	select {
	case r := <-c.done:
		if r.Problem != "" {
			return fmt.Errorf("demo: the courier's page: %s", r.Problem)
		}
		if answer == nil {
			return nil
		}
		return json.Unmarshal(r.Answer, answer)
	case <-time.After(callWithin):
		return ErrAbsent
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Phone) ask(path string, body any) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	c := &call{ID: fmt.Sprintf("demo-story-%d-%d", time.Now().UnixNano(), p.next), Path: path, Body: body, done: make(chan reply, 1)}
	p.asked = c
	if p.under == nil {
		p.under = make(map[string]*call)
	}
	p.under[c.ID] = c
	return c
}

func (p *Phone) forget(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.under, c.ID)
	if p.asked == c {
		p.asked = nil
	}
}

// take gives a page what it is to send, if anything: once.
func (p *Phone) take() *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = time.Now()
	c := p.asked
	p.asked = nil
	return c
}

// hand takes in what became of it; an answer that nobody waits for is dropped.
func (p *Phone) hand(r reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.under[r.ID]; c != nil {
		delete(p.under, r.ID)
		c.done <- r
	}
}
