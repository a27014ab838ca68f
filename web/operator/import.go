package operator

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// langOf is the language in which operations are asked.
type langOf = phrase.Lang

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

// Outcomes of a line.
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
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	By    auth.StaffID  `json:"by"`
	At    event.Instant `json:"at"`
	Stage stage         `json:"stage"`
	Lines []fileLine    `json:"lines"`
}

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
	// importKept is how long a file can be found again.
	importKept = 7 * event.Day
	// savedEach is after how many lines a file's progress is kept.
	savedEach = 25
)

func importName(id string) string { return "import/" + id }

// draw makes the identifier of a file: it is a secret of nobody's, and can't be guessed.
func (m *imports) draw() (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(m.console.Random, b[:]); err != nil {
		return "", fmt.Errorf("operator: no randomness: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])), nil
}

// save keeps a file, whatever version of it stands there: one goroutine works on it.
func (m *imports) save(ctx context.Context, f *file) error {
	plain, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("operator: a file of bookings: %w", err)
	}
	sealed, err := m.console.Vault.Seal(ctx, vault.Own, importName(f.ID), plain)
	if err != nil {
		return err
	}
	for range 5 {
		r := store.Record{Kind: importKind, ID: f.ID, Data: sealed, Until: f.At.Add(importKept)}
		old, err := m.console.Register.Get(ctx, importKind, f.ID)
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
	m.mu.Lock()
	under, running := m.running[id]
	if running {
		f = *under
		f.Lines = append([]fileLine(nil), under.Lines...)
	}
	m.mu.Unlock()
	if running {
		return f, true, nil
	}
	r, err := m.console.Register.Get(ctx, importKind, id)
	if err != nil {
		return f, false, err
	}
	return m.read(ctx, r)
}

func (m *imports) read(ctx context.Context, r store.Record) (f file, running bool, err error) {
	plain, err := m.console.Vault.Open(ctx, vault.Own, importName(r.ID), r.Data)
	if err != nil {
		return f, false, err
	}
	if err := json.Unmarshal(plain, &f); err != nil {
		return f, false, fmt.Errorf("operator: a file of bookings: %w", err)
	}
	return f, false, nil
}

// list are the files of the last week, the latest first.
func (m *imports) list(ctx context.Context) ([]file, error) {
	records, err := m.console.Register.List(ctx, importKind, "", 200)
	if err != nil {
		return nil, err
	}
	var all []file
	for _, r := range records {
		f, _, err := m.find(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
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

// run brings every line of the stage to its outcome. It ends early with an error: when the server ends, the person's
// session does, or nothing can be kept. A line that was begun is then not counted as done, and done once all the same.
func (m *imports) run(f *file, w work) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, m.save(ctx, f))
	}()
	for i := range f.Lines {
		line := f.Lines[i]
		if !due(f.Stage, line) {
			continue
		}
		if i%savedEach == 0 {
			if err := m.allowed(w); err != nil {
				return err
			}
			if err := m.save(m.ctx, f); err != nil {
				return err
			}
		}
		w.bring(m.ctx, f.Stage, &line)
		if err := m.ctx.Err(); err != nil {
			return err
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

// bring has a line checked, or booked.
func (w work) bring(ctx context.Context, s stage, l *fileLine) {
	if s == stageChecking {
		w.checkLine(ctx, l)
		return
	}
	id, why := w.book(ctx, l.Booking, lineKey(l.Booking))
	l.Outcome, l.Delivery = lineBooked, id
	if why.said() {
		l.Wrong, l.Field = why.key, why.field
	}
	switch {
	case id == "" && why.key == "already-booked":
		l.Outcome = lineAlready
	case id == "":
		l.Outcome = lineFailed
	}
}

func (w work) checkLine(ctx context.Context, l *fileLine) {
	if l.Wrong != "" {
		l.Outcome = lineWrong
		return
	}
	booked, why := w.check(ctx, l.Booking)
	switch {
	case why.said():
		l.Outcome, l.Wrong, l.Field = lineWrong, why.key, why.field
	case booked != "":
		l.Outcome, l.Delivery = lineAlready, booked
	default:
		l.Outcome = lineReady
	}
}

// lineKey is the idempotency key of a line: the same for the same content.
func lineKey(b csvBooking) string {
	data, _ := json.Marshal(b) //nolint:errchkjson // texts and flags alone can't fail
	sum := sha256.Sum256(data)
	return "import-" + hex.EncodeToString(sum[:20])
}

// patience is how long a line waits for its turn when too much was asked in a short time, and how often.
const (
	patience = time.Second
	turns    = 60
)

// askAgain asks an operation, and waits as long as the API says that it is too much at once, or busy.
func askAgain[I, O any](ctx context.Context, a asker, key string, op operation[I, O], in *I) (*O, *api.Problem) {
	for range turns {
		out, problem := api.Ask(ctx, a.API, api.Call{Lang: a.lang, Key: key, Page: "/operator/import"}, a.client, op, in)
		if problem == nil || problem.Code != "too-many" && problem.Code != "busy" {
			return out, problem
		}
		wait := time.NewTimer(patience)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil, problem
		case <-wait.C:
		}
	}
	return nil, &api.Problem{Code: "too-many", Status: 429}
}

// zoneNamed is a time zone by its name; the console's own if there is none of that name.
func (c *Console) zoneNamed(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return c.Zone
}
