package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// exportStage is how far the export of a household's data is.
type exportStage string

// Stages of an export.
const (
	exportNone    exportStage = "none"
	exportRunning exportStage = "running"
	exportReady   exportStage = "ready"
	exportFailed  exportStage = "failed"
)

const (
	// exportKept is how long an export waits to be fetched.
	exportKept = 24 * time.Hour
	// exportsAtOnce is how many are written at once; the others wait for their turn.
	exportsAtOnce = 2
	// mostExports is how many there may be, written or waiting to be fetched.
	mostExports = 100
)

var errManyExports = errors.New("customer: too many exports")

// exports are everything about a household as one file, made in the background so that the page may be left and found
// again: the last of each member who asked. What it holds is what the API's own export does, asked in that member's
// session. Safe for concurrent use.
type exports struct {
	app   *App
	ctx   context.Context
	end   context.CancelFunc
	under sync.WaitGroup
	turn  chan struct{}

	mu  sync.Mutex
	all map[event.MemberID]*export
}

// export is one of them. Everything but member is guarded by the lock of exports.
type export struct {
	member auth.Member
	// began is when its turn came.
	began time.Time
	stage exportStage
	// file is there once it is ready, and until when it waits. gone removes it then, as it does one that broke off.
	file  *sealed
	ready time.Time
	until time.Time
	gone  *time.Timer
}

// newExports removes what a process left that was killed: nobody can read it any more.
func newExports(a *App) (*exports, error) {
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(a.Folder, sealedNames))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	ctx, end := context.WithCancel(context.Background())
	return &exports{app: a, ctx: ctx, end: end, turn: make(chan struct{}, exportsAtOnce), all: map[event.MemberID]*export{}}, err
}

// close ends what is written, and removes everything.
func (x *exports) close() {
	x.end()
	x.under.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	for m := range x.all {
		x.drop(m)
	}
}

// of is the member's export as it is now; its stage is exportNone if there is none.
func (x *exports) of(m event.MemberID) export {
	x.mu.Lock()
	defer x.mu.Unlock()
	if one := x.all[m]; one != nil {
		return *one
	}
	return export{stage: exportNone}
}

// forget removes the exports of members who left.
func (x *exports) forget(members []event.MemberID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, m := range members {
		x.drop(m)
	}
}

// drop removes an export. One that is being written goes when it has ended.
func (x *exports) drop(m event.MemberID) {
	one := x.all[m]
	delete(x.all, m)
	if one == nil || one.gone == nil {
		return
	}
	one.gone.Stop()
	if one.file == nil {
		return
	}
	if err := one.file.Remove(); err != nil {
		x.app.Log.Warn("an export could not be removed", "error", err)
	}
}

// begin makes an export anew, unless one is being written already.
func (x *exports) begin(who auth.Member, ask exportAsk) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if one := x.all[who.ID()]; one != nil && one.stage == exportRunning {
		return nil
	}
	x.drop(who.ID())
	if x.held() >= mostExports || x.ctx.Err() != nil {
		return errManyExports
	}
	one := &export{member: who, began: x.app.Now(), stage: exportRunning}
	x.all[who.ID()] = one
	x.under.Go(func() { x.make(one, ask) })
	return nil
}

// held is how many are written or wait: those that broke off take no room.
func (x *exports) held() int {
	n := 0
	for _, one := range x.all {
		if one.stage != exportFailed {
			n++
		}
	}
	return n
}

// exportAsk is what is asked for, in which session and language, and from where.
type exportAsk struct {
	films bool
	token string
	lang  phrase.Lang
	from  string
}

// make writes an export, keeps it for a day, or that it broke off, and tells the member.
func (x *exports) make(one *export, ask exportAsk) {
	file, err := x.written(one, ask)
	x.mu.Lock()
	known := x.all[one.member.ID()] == one
	switch {
	case err != nil:
		one.stage = exportFailed
	case known:
		one.stage, one.file, one.ready = exportReady, file, x.app.Now()
		one.until = one.ready.Add(exportKept)
	default: // the member left meanwhile
		err = file.Remove()
	}
	if known {
		one.gone = time.AfterFunc(exportKept, func() { x.expire(one) })
	}
	x.mu.Unlock()
	if err != nil {
		x.app.Log.Warn("an export broke off", "error", err)
		return
	}
	if known && x.app.Notifier != nil {
		x.tell(one)
	}
}

// tell mails the member that it is ready. Nothing is tried again: the page says the same.
func (x *exports) tell(one *export) {
	err := x.app.Notifier.TellExport(x.ctx, one.member, exportPath, event.InstantOf(one.until))
	if err != nil && !unmailed(err) && x.ctx.Err() == nil {
		x.app.Log.Warn("nobody was told that an export is ready", "error", err)
	}
}

func (x *exports) expire(one *export) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all[one.member.ID()] == one {
		x.drop(one.member.ID())
	}
}

// written asks the API for the export when its turn has come, and seals what comes.
func (x *exports) written(one *export, ask exportAsk) (*sealed, error) {
	select {
	case x.turn <- struct{}{}:
		defer func() { <-x.turn }()
	case <-x.ctx.Done():
		return nil, x.ctx.Err()
	}
	x.mu.Lock()
	one.began = x.app.Now()
	x.mu.Unlock()
	file, err := newSealed(x.app.Folder)
	if err != nil {
		return nil, err
	}
	if err := x.fill(file, ask); err != nil {
		return nil, errors.Join(err, file.Remove())
	}
	return file, nil
}

func (x *exports) fill(file *sealed, ask exportAsk) error {
	r, err := http.NewRequestWithContext(x.ctx, http.MethodGet, fmt.Sprintf("/v1/home/export?films=%t", ask.films), http.NoBody)
	if err != nil {
		return fmt.Errorf("customer: %w", err)
	}
	r.Header.Set("Authorization", "Session "+ask.token)
	r.Header.Set("Accept-Language", string(ask.lang))
	r.RemoteAddr = ask.from
	answer := &exportWriter{header: http.Header{}, to: file, status: http.StatusOK}
	if err := answer.serve(x.app.API, r); err != nil {
		return err
	}
	return file.Finish()
}

// exportWriter takes the API's answer.
type exportWriter struct {
	header http.Header
	to     *sealed
	status int
	err    error
}

// serve has a request answered. An answer that breaks off is an error.
func (w *exportWriter) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if broke := recover(); broke != nil {
			err = errors.Join(w.err, fmt.Errorf("customer: an export broke off: %v", broke))
		}
	}()
	h.ServeHTTP(w, r)
	if w.status != http.StatusOK {
		return fmt.Errorf("customer: an export was answered with %d", w.status)
	}
	return w.err
}

func (w *exportWriter) Header() http.Header { return w.header }

func (w *exportWriter) WriteHeader(status int) { w.status = status }

func (w *exportWriter) Write(p []byte) (int, error) {
	if w.status != http.StatusOK {
		return len(p), nil
	}
	n, err := w.to.Write(p)
	w.err = errors.Join(w.err, err)
	return n, err
}
