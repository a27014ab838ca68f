package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// linkLife is how long a way in can be used.
const linkLife = time.Hour

// links are the ways into the three apps without any account: each signs somebody in once. The real secret behind one
// is made only when it is used. Safe for concurrent use.
type links struct {
	// enter makes what signs somebody in to an app, and returns the address that takes it. A door says who that is.
	enter map[string]func(ctx context.Context, door string) (string, error)

	mu    sync.Mutex
	known map[string]*link
}

type link struct {
	app, door string
	until     time.Time
	used      time.Time
}

// offer makes a way into an app, and returns its path.
func (l *links) offer(app, door string) string {
	token := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = make(map[string]*link)
	}
	l.known[token] = &link{app: app, door: door, until: time.Now().Add(linkLife)}
	return "/demo/in/" + app + "/" + token
}

// spentError says why a way in leads nowhere: at is when it was used, zero when its hour is over or there never
// was one.
type spentError struct{ at time.Time }

func (e spentError) Error() string { return "this link can't be used any more" }

// spend uses a way in up, and returns the address that signs in. After an error that is not a spentError it can be
// tried again.
func (l *links) spend(ctx context.Context, app, token string) (to string, err error) {
	door, err := l.take(app, token)
	if err != nil {
		return "", err
	}
	if to, err = l.enter[app](ctx, door); err != nil {
		l.giveBack(token)
		return "", fmt.Errorf("demo: the way in for the %s: %w", app, err)
	}
	return to, nil
}

func (l *links) take(app, token string) (door string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.known[token]
	if k == nil || k.app != app || k.used.IsZero() && time.Now().After(k.until) {
		return "", spentError{}
	}
	if !k.used.IsZero() {
		return "", spentError{k.used}
	}
	k.used = time.Now()
	return k.door, nil
}

func (l *links) giveBack(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[token].used = time.Time{}
}
