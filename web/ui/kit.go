package ui

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/phrase"
)

// Options are what a Kit works with. Only Chosen and Demo may be left out.
type Options struct {
	// Public is scheme and host under which browsers reach the pages: https://loquet.example.
	Public string
	Log    *slog.Logger
	Now    func() time.Time
	// Random is a source fit for secrets, safe for concurrent use.
	Random io.Reader
	// Chosen is told when somebody chooses the language to read in.
	Chosen func(r *http.Request, lang phrase.Lang)
	// Demo puts a band on every page that says that nothing real opens.
	Demo bool
}

// Kit is what all pages share; a server has one. Safe for concurrent use once Assets was asked for.
type Kit struct {
	Options
	assets  assets
	origin  *http.CrossOriginProtection
	streams streams
}

// New makes a kit with the shared files embedded.
func New(o Options) (*Kit, error) {
	if o.Log == nil || o.Now == nil || o.Random == nil {
		return nil, errors.New("ui: log, clock and randomness are needed")
	}
	public, err := publicOrigin(o.Public)
	if err != nil {
		return nil, err
	}
	o.Public = public
	k := &Kit{Options: o, origin: http.NewCrossOriginProtection(), streams: streams{ended: make(chan struct{}), open: map[string]int{}}}
	if err := k.origin.AddTrustedOrigin(public); err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	return k, k.Embed("ui", shared)
}

func publicOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("ui: the public URL is scheme and host, such as https://loquet.example, not %q", raw)
	}
	return u.Scheme + "://" + u.Host, nil
}

// Embed adds an app's files; they are served as <prefix>/<name>. Call it before Assets and before the first page. A prefix
// that was added already changes nothing: what several apps share may be added by each.
func (k *Kit) Embed(prefix string, files fs.FS) error { return k.assets.add(prefix, files) }

// Asset is the address of an embedded file, by its name with the prefix: "ui/js/live.mjs". A name that is not
// embedded is a mistake in the program: it panics.
func (k *Kit) Asset(name string) string { return k.assets.address(name) }

// Assets serves the embedded files below /assets/.
func (k *Kit) Assets() http.Handler { return &k.assets }

// AssetList is the addresses of all embedded files whose names begin with one of the prefixes, in order, for a
// service worker that keeps them.
func (k *Kit) AssetList(prefixes ...string) []string { return k.assets.list(prefixes) }

// Token draws an idempotency key for a form: whoever sends it twice does it once.
func (k *Kit) Token() string {
	var b [18]byte
	if _, err := io.ReadFull(k.Random, b[:]); err != nil {
		rand.Read(b[:]) // never fails: the process dies instead
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// EndStreams ends every live link, now and from now on, so that a server can shut down.
func (k *Kit) EndStreams() { k.streams.end() }

// streams are the live links that are open.
type streams struct {
	ended chan struct{}
	once  sync.Once

	mu   sync.Mutex
	open map[string]int
}

func (s *streams) end() { s.once.Do(func() { close(s.ended) }) }

// streamsAtOnce is how many live links one person may hold open.
const streamsAtOnce = 20

// enter counts a live link in, or says that it is one too many.
func (s *streams) enter(who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if who != "" && s.open[who] >= streamsAtOnce {
		return false
	}
	s.open[who]++
	return true
}

func (s *streams) leave(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[who]--; s.open[who] == 0 {
		delete(s.open, who)
	}
}
