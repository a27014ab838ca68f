package live

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// Way is how a picture is sent.
type Way string

// The ways.
const (
	WHEP Way = "whep"
	HLS  Way = "hls"
)

// Why says why a look ended.
type Why string

// Why looks end. Whoever ends one from outside may give a reason of its own.
const (
	WhyLeft    Why = "left"       // the viewer ended it, or went away
	WhySilent  Why = "no-picture" // the camera fell silent
	WhyChanged Why = "changed"    // the camera's stream became another, which takes a new look
	WhyUseHLS  Why = "use-hls"    // the stream turned into one that WebRTC can't carry
	WhyFailed  Why = "failed"     // it never connected, or broke
	WhyClosed  Why = "closed"     // the server ends
)

// Look is one viewing of one camera by one viewer.
type Look struct {
	// ID is secret: who knows it can end the look.
	ID     string
	Camera string
	// By is the caller's own reference: who looks, and in which visit.
	By  string
	Way Way
	// Began is when the offer, or the first request for a playlist, was accepted; Ended is zero while it lasts.
	Began, Ended time.Time
	Why          Why
}

// session is a look that lasts. Its context ends with it.
type session struct {
	look Look
	ctx  context.Context
	stop context.CancelFunc
	told bool // that it began
	// Of a look by HLS: where its files come from, how many requests are under way, and when the last one was.
	muxer    *muxer
	requests int
	asked    time.Time
}

// looks are all those that last. It is safe for concurrent use.
type looks struct {
	perCamera, total int
	began, ended     func(Look)

	mu     sync.Mutex
	byID   map[string]*session
	closed bool
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

// reserve makes room for a look that may begin, or says that there is none. The caller begins or ends it.
func (l *looks) reserve(v View, way Way) (*session, error) {
	s := &session{look: Look{ID: newID(), Camera: v.Camera, By: v.By, Way: way, Began: time.Now()}}
	s.asked = s.look.Began
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.byID) >= l.total || l.of(v.Camera) >= l.perCamera {
		return nil, ErrTooMany
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	l.byID[s.look.ID] = s
	return s, nil
}

func (l *looks) of(camera string) int {
	n := 0
	for _, s := range l.byID {
		if s.look.Camera == camera {
			n++
		}
	}
	return n
}

// begin tells that a reserved look begins and starts what serves it, unless it was ended before. All looks are locked
// meanwhile, so that nobody is told of the end first.
func (l *looks) begin(s *session, start func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[s.look.ID] != s {
		return false
	}
	s.told = true
	l.began(s.look)
	start()
	return true
}

// end ends a look once, and says whether it lasted until now.
func (l *looks) end(id string, why Why) bool {
	l.mu.Lock()
	s := l.byID[id]
	delete(l.byID, id)
	l.mu.Unlock()
	if s == nil {
		return false
	}
	s.stop()
	if s.told { // nobody writes it any more: the look is not in the map
		done := s.look
		done.Ended, done.Why = time.Now(), why
		l.ended(done)
	}
	return true
}

func (l *looks) endWhere(match func(Look) bool, why Why) int {
	n := 0
	for _, look := range l.now() {
		if match(look) && l.end(look.ID, why) {
			n++
		}
	}
	return n
}

func (l *looks) now() []Look {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := make([]Look, 0, len(l.byID))
	for _, s := range l.byID {
		now = append(now, s.look)
	}
	return now
}

// close ends all looks, and refuses others.
func (l *looks) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.endWhere(func(Look) bool { return true }, WhyClosed)
}

// maxRequests a look may have under way: a player needs about four.
const maxRequests = 12

// enter counts a request of a look in; leave counts it out.
func (l *looks) enter(id, camera string) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.byID[id]
	if s == nil || s.muxer == nil || s.look.Camera != camera {
		return nil, ErrEnded
	}
	if s.requests >= maxRequests {
		return nil, errBusy
	}
	s.requests++
	s.asked = time.Now()
	return s, nil
}

func (l *looks) leave(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.requests--
	s.asked = time.Now()
}

// idle are the looks by HLS that asked for nothing since a time.
func (l *looks) idle(since time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, s := range l.byID {
		if s.muxer != nil && s.requests == 0 && s.asked.Before(since) {
			ids = append(ids, id)
		}
	}
	return ids
}

// attach says from which muxer a look is served.
func (l *looks) attach(s *session, m *muxer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.muxer = m
}

// using are the ids of the looks that are served from a muxer.
func (l *looks) using(m *muxer) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, s := range l.byID {
		if s.muxer == m {
			ids = append(ids, id)
		}
	}
	return ids
}
