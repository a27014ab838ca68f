package operator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// stage is how far a file of bookings is.
type stage string

// Stages of a file. One that was checking or booking when the server ended stands still until somebody goes on with it.
const (
	stageChecking stage = "checking"
	stageChecked  stage = "checked"
	stageBooking  stage = "booking"
	stageDone     stage = "done"
)

// outcome is what became of a line.
type outcome string

// Outcomes of a line. One of which nobody knows yet whether it was booked is still ready: it is asked for again.
const (
	lineWaits   outcome = ""
	lineReady   outcome = "ready"
	lineWrong   outcome = "wrong"
	lineAlready outcome = "already"
	lineBooked  outcome = "booked"
	lineFailed  outcome = "failed"
)

// file is a file of bookings that is being worked on, as it is kept: sealed, for a week.
type file struct {
	head
	Lines []fileLine `json:"lines"`
}

// head is what the list of files shows of one. It is kept apart too, so that a list opens no whole file.
type head struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	By    auth.StaffID  `json:"by"`
	At    event.Instant `json:"at"`
	Stage stage         `json:"stage"`
}

// key orders heads by time, the latest first.
func (h head) key() string { return fmt.Sprintf("%016x-%s", math.MaxInt64-int64(h.At), h.ID) }

// fileLine is one of its lines.
type fileLine struct {
	csvLine
	Outcome  outcome          `json:"outcome,omitempty"`
	Delivery event.DeliveryID `json:"delivery,omitempty"`
}

// counted is how many lines have come to each outcome.
func (f file) counted() map[outcome]int {
	n := map[outcome]int{}
	for _, l := range f.Lines {
		n[l.Outcome]++
	}
	return n
}

// progressed is how many lines this stage has behind it, of how many.
func (f file) progressed() (done, total int) {
	n := f.counted()
	if f.Stage == stageBooking || f.Stage == stageDone {
		done = n[lineBooked] + n[lineFailed]
		return done, done + n[lineReady]
	}
	return len(f.Lines) - n[lineWaits], len(f.Lines)
}

// imports works on files of bookings, each in a goroutine of its own. Safe for concurrent use.
type imports struct {
	console *Console
	ctx     context.Context
	end     context.CancelFunc
	under   sync.WaitGroup

	mu      sync.Mutex
	running map[string]*file
}

func newImports(c *Console) *imports {
	ctx, end := context.WithCancel(context.Background())
	return &imports{console: c, ctx: ctx, end: end, running: map[string]*file{}}
}

// Close ends what the console works on, and waits for it. What was booked stays, and what was not can be gone on with.
func (c *Console) Close() {
	c.imports.end()
	c.imports.under.Wait()
}

const (
	importKind = "operator.import"
	headKind   = "operator.import-head"
	// listed is how many files are shown, the latest ones.
	listed = 200
	// importKept is how long a file can be found again.
	importKept = 7 * event.Day
	// pace is how long each line waits: the API counts what it asks against the person's own limit, of fifty operations a
	// second, and whoever books a file may have to take an alarm in hand meanwhile.
	pace = 40 * time.Millisecond
	// savedEach is after how many lines a file's progress is kept.
	savedEach = 25
)

func sealedAs(kind, id string) string { return kind + "/" + id }

// draw makes the identifier of a file: it is a secret of nobody's, and can't be guessed.
func (m *imports) draw() (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(m.console.Random, b[:]); err != nil {
		return "", fmt.Errorf("operator: no randomness: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}

// save keeps a file, whatever version of it stands there. One goroutine of this process works on it; where another node
// does too, each line is booked once all the same, by its key, and the progress is that of whoever saved last.
func (m *imports) save(ctx context.Context, f *file) error {
	until := f.At.Add(importKept)
	return cmp.Or(m.keep(ctx, importKind, f.ID, f, until), m.keep(ctx, headKind, f.key(), f.head, until))
}

func (m *imports) keep(ctx context.Context, kind, id string, what any, until event.Instant) error {
	plain, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("operator: a file of bookings: %w", err)
	}
	sealed, err := m.console.Vault.Seal(ctx, vault.Own, sealedAs(kind, id), plain)
	if err != nil {
		return err
	}
	for range 5 {
		r := store.Record{Kind: kind, ID: id, Data: sealed, Until: until}
		old, err := m.console.Register.Get(ctx, kind, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r.Version = old.Version
		if _, err = m.console.Register.Put(ctx, r); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return store.ErrConflict
}

// find returns a file as it stands now, and whether it is being worked on. Errors: store.ErrNotFound, and the store's.
func (m *imports) find(ctx context.Context, id string) (f file, running bool, err error) {
	if f, running = m.underway(id); running {
		return f, true, nil
	}
	r, err := m.console.Register.Get(ctx, importKind, id)
	if err != nil {
		return f, false, err
	}
	err = m.read(ctx, r, &f)
	return f, false, err
}

// underway is a file that is being worked on, as it stands now.
func (m *imports) underway(id string) (f file, running bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	under, running := m.running[id]
	if running {
		f = *under
		f.Lines = slices.Clone(under.Lines)
	}
	return f, running
}

func (m *imports) read(ctx context.Context, r store.Record, into any) error {
	plain, err := m.console.Vault.Open(ctx, vault.Own, sealedAs(r.Kind, r.ID), r.Data)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("operator: a file of bookings: %w", err)
	}
	return nil
}

// list are the files of the last week, the latest first.
func (m *imports) list(ctx context.Context) ([]head, error) {
	records, err := m.console.Register.List(ctx, headKind, "", listed)
	if err != nil {
		return nil, err
	}
	all := make([]head, len(records))
	for i, r := range records {
		if err := m.read(ctx, r, &all[i]); err != nil {
			return nil, err
		}
		if f, running := m.underway(all[i].ID); running {
			all[i].Stage = f.Stage
		}
	}
	return all, nil
}

// work is somebody's wish to go on with a file: their session must last as long as it takes.
type work struct {
	asker
	token string
	role  auth.StaffRole
}

// start works on a file in its present stage, unless somebody does already.
func (m *imports) start(f file, w work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, running := m.running[f.ID]; running || m.ctx.Err() != nil {
		return
	}
	under := &f
	m.running[f.ID] = under
	m.under.Go(func() {
		err := m.run(under, w)
		m.mu.Lock()
		delete(m.running, under.ID)
		m.mu.Unlock()
		if err != nil {
			m.console.Log.Warn("a file of bookings stands still", "file", under.ID, "stage", under.Stage, "error", err)
		}
	})
}

// errUnanswered: a line was asked for again and again, and nobody knows what became of it.
var errUnanswered = errors.New("operator: a line of a file was not answered")

// run brings every line of the stage to its outcome. It ends early with an error: when the server ends, the person's
// session does, a line is not answered, or nothing can be kept. A line that was begun is then not counted as done, and
// done once all the same.
func (m *imports) run(f *file, w work) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, m.save(ctx, f))
	}()
	worked := 0
	for i := range f.Lines {
		line := f.Lines[i]
		if !due(f.Stage, line) {
			continue
		}
		if worked++; worked%savedEach == 1 {
			if err := m.allowed(w); err != nil {
				return err
			}
			if err := m.save(m.ctx, f); err != nil {
				return err
			}
		}
		select {
		case <-m.ctx.Done():
		case <-time.After(pace):
		}
		answered := w.bring(m.ctx, f.Stage, &line)
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if !answered {
			return errUnanswered
		}
		m.mu.Lock()
		f.Lines[i] = line
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f.Stage = map[stage]stage{stageChecking: stageChecked, stageBooking: stageDone}[f.Stage]
	return nil
}

// allowed checks anew that whoever began may still do it.
func (m *imports) allowed(w work) error {
	now, err := m.console.Staffs.Check(m.ctx, w.token)
	if err == nil && now.Role() != w.role {
		err = auth.ErrRole
	}
	return err
}

// due says whether a line still waits for the stage.
func due(s stage, l fileLine) bool {
	if s == stageChecking {
		return l.Outcome == lineWaits
	}
	return s == stageBooking && l.Outcome == lineReady
}

// bring has a line checked, or booked, and says whether that was answered.
func (w work) bring(ctx context.Context, s stage, l *fileLine) (answered bool) {
	if s == stageChecking {
		return w.checkLine(ctx, l)
	}
	id, why := w.book(ctx, l.Booking, lineKey(l.Booking))
	if why == unanswered {
		return false
	}
	l.Outcome, l.Delivery, l.Wrong, l.Field = lineBooked, id, why.key, why.field
	switch {
	case id == "" && why.key == "already-booked":
		l.Outcome = lineAlready
	case id == "":
		l.Outcome = lineFailed
	}
	return true
}

func (w work) checkLine(ctx context.Context, l *fileLine) (answered bool) {
	if l.Wrong != "" {
		l.Outcome = lineWrong
		return true
	}
	booked, why := w.check(ctx, l.Booking)
	switch {
	case why == unanswered:
		return false
	case why.said():
		l.Outcome, l.Wrong, l.Field = lineWrong, why.key, why.field
	case booked != "":
		l.Outcome, l.Delivery = lineAlready, booked
	default:
		l.Outcome = lineReady
	}
	return true
}

// lineKey is the idempotency key of a line: the same for the same content.
func lineKey(b csvBooking) string {
	data, _ := json.Marshal(b) //nolint:errchkjson // texts and flags alone can't fail
	sum := sha256.Sum256(data)
	return "import-" + hex.EncodeToString(sum[:20])
}

// patience is how long is waited before the same is asked again; fileTurns and handTurns are how often it is asked, for a
// file and for somebody who waits for the answer.
const (
	patience  = time.Second
	fileTurns = 60
	handTurns = 5
)

// askAgain asks an operation, again and again under the same key while that may be answered otherwise.
func askAgain[I, O any](ctx context.Context, a asker, key string, op operation[I, O], in *I) (out *O, problem *api.Problem) {
	problem = insist(ctx, a.turns, func() (p *api.Problem) {
		out, p = api.Ask(ctx, a.API, api.Call{Lang: a.lang, Key: key, Page: "/operator/import"}, a.client, op, in)
		return p
	})
	return out, problem
}

// insist asks up to so many times, and returns the last answer.
func insist(ctx context.Context, turns int, ask func() *api.Problem) *api.Problem {
	for {
		problem := ask()
		if turns--; turns <= 0 || !passing(problem) {
			return problem
		}
		wait := time.NewTimer(patience)
		select {
		case <-ctx.Done():
			wait.Stop()
			return problem
		case <-wait.C:
		}
	}
}

// passing says whether the same, asked again under the same key, may be answered otherwise: it was too much at once, the
// server is busy, full or ending, or nobody knows what became of it.
func passing(p *api.Problem) bool {
	return p != nil && slices.Contains([]string{"too-many", "busy", "timeout", "ending", "full", "uncertain"}, p.Code)
}
