package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/event"
)

// visit is one courier's visit with a pair of hands at the doors, who both don't give up.
type visit struct {
	in       *installation
	delivery delivery
	id       event.VisitID
	// from is the last event of the home's journal before the scan.
	from uint64
	// ctx ends with the visit, at the latest when the courier gives up; over ends it.
	ctx  context.Context
	over context.CancelFunc
	// hasty makes the courier tap "open" while the order before is still under way.
	hasty bool
	// inside is true once the way in is open.
	inside bool
	// steps is what happened, for a test that fails.
	steps []step
}

// step is something that happened, as often as it did in a row.
type step struct {
	at    time.Time
	what  string
	times int
}

// When nobody knows whether a door opened, the courier first waits, then asks that it be made safe, which has the
// device answer; at last the courier calls for help.
const (
	makeSafe = 30 * time.Second
	giveUp   = 85 * time.Second
)

// newVisit books and approaches: the scan is next.
func (in *installation) newVisit() *visit {
	in.Helper()
	v := &visit{in: in, delivery: in.book()}
	v.id = in.begin()
	events := in.events(in.home.site, 0)
	v.from = events[len(events)-1].Seq
	v.ctx, v.over = context.WithTimeout(in.ctx, giveUp)
	in.Cleanup(v.over)
	return v
}

func (v *visit) note(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if last := len(v.steps) - 1; last >= 0 && v.steps[last].what == what {
		v.steps[last].times++
		return
	}
	v.steps = append(v.steps, step{time.Now(), what, 1})
}

// story is what the courier did and what the journal says, for a test that fails.
func (v *visit) story() string {
	var b strings.Builder
	b.WriteString("the courier:\n")
	for _, s := range v.steps {
		fmt.Fprintf(&b, "  %s  %s (× %d)\n", s.at.UTC().Format("15:04:05.000"), s.what, s.times)
	}
	b.WriteString("the journal:\n")
	events, err := v.in.journal(v.in.home.site, v.from)
	for _, e := range events {
		if body, isRefusal := e.Body.(event.Refused); isRefusal && body.Asked == event.AskedLeave {
			continue
		}
		body, _ := json.Marshal(e.Body)
		fmt.Fprintf(&b, "  %s  %d %s %.400s\n", e.At.Time().UTC().Format("15:04:05.000"), e.Seq, e.Body.Kind(), body)
	}
	if err != nil {
		fmt.Fprintf(&b, "  it can't be read: %v\n", err)
	}
	return b.String()
}

var errEnded = errors.New("the visit has ended")

// ask insists on an answer; a visit that has ended meanwhile is errEnded.
func (v *visit) ask(what string, body func() map[string]any) (event.Code, error) {
	a, err := v.in.courier.insist(v.ctx, v.id, what, body)
	v.note("%s: %v %v", what, a.code(), err)
	if err != nil {
		return "", err
	}
	if a.code() == event.AlreadyEnded || a.Visit != nil && a.Visit.Ended != nil {
		return a.code(), errEnded
	}
	return a.code(), nil
}

// walk is the whole visit from the scan on. It returns nil when the visit has ended.
func (v *visit) walk() error {
	defer v.over()
	var err error
	if !v.inside {
		err = v.through()
	}
	if err == nil {
		err = v.goOut()
	}
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// through scans, and opens one barrier after the other.
func (v *visit) through() error {
	scan := func() map[string]any { return map[string]any{"text": v.delivery.parcel, "position": position()} }
	if _, err := v.ask("scan", scan); err != nil {
		return err
	}
	for i, d := range v.in.config.Devices {
		if i > 0 {
			if _, err := v.tap(d.Name); err != nil {
				return err
			}
		}
		if err := v.enter(d.Name); err != nil {
			return err
		}
	}
	v.inside = true
	return nil
}

func (v *visit) tap(name string) (event.Code, error) {
	return v.ask("open", func() map[string]any { return map[string]any{"barrier": v.in.barriers[name], "position": position()} })
}

// enter waits until the door is free and pushes it. What the courier's screen says decides about another tap.
func (v *visit) enter(name string) error {
	thing := v.in.doors.Thing(name)
	tick := time.NewTicker(50 * look)
	defer tick.Stop()
	long := time.After(makeSafe)
	for {
		changed := thing.Changed()
		if thing.Bolt() == event.BoltUnlocked || thing.Contact() == event.ContactOpen {
			v.note("%s is free", name)
			v.push(name)
			return nil
		}
		select {
		case <-changed:
		case <-tick.C:
			if err := v.tapAgain(name); err != nil {
				return err
			}
		case <-long:
			if _, err := v.ask("close", nil); err != nil {
				return err
			}
		case <-v.ctx.Done():
			return v.ctx.Err()
		}
	}
}

// push opens the door by hand. Of a house with a lobby the outer door falls shut behind the courier.
func (v *visit) push(name string) {
	thing := v.in.doors.Thing(name)
	_ = thing.Push() // a garage door is moved by its motor
	if name != v.in.config.Devices[len(v.in.config.Devices)-1].Name {
		_ = thing.PullShut()
	}
}

// screen is what the courier's phone shows of a visit.
type screen struct {
	Steps []struct {
		Barrier event.BarrierID `json:"barrier"`
		Asked   *struct{}       `json:"asked"`
		Result  *struct {
			Outcome event.Outcome `json:"outcome"`
		} `json:"recorded"`
		Seen struct {
			Contact event.Contact `json:"contact"`
		} `json:"seen"`
	} `json:"steps"`
	Ended *struct {
		How event.VisitEnd `json:"how"`
	} `json:"ended"`
}

// watch looks at the screen; it is empty while nobody answers.
func (v *visit) watch() (s screen, err error) {
	ctx, cancel := context.WithTimeout(v.ctx, requestWithin)
	defer cancel()
	err = v.in.courier.Call(ctx, "GET", "/v1/courier/visits/"+string(v.id), nil, &s)
	var p *client.Problem
	if errors.Is(err, client.ErrUnanswered) || errors.As(err, &p) && p.Status >= 500 {
		return screen{}, nil
	}
	if err == nil && s.Ended != nil {
		err = errEnded
	}
	return s, err
}

// shownOpen waits until the screen shows that the innermost barrier stands open.
func (v *visit) shownOpen() {
	v.in.Helper()
	v.in.poll("the screen shows the open door", func() error {
		s, err := v.watch()
		if err != nil {
			return err
		}
		return unless(len(s.Steps) > 0 && s.Steps[len(s.Steps)-1].Seen.Contact == event.ContactOpen)
	})
}

// tapAgain asks once more to open what was not asked for, or came to nothing; a hasty courier asks anyway.
func (v *visit) tapAgain(name string) error {
	s, err := v.watch()
	if err != nil {
		return err
	}
	for _, step := range s.Steps {
		if step.Barrier != v.in.barriers[name] {
			continue
		}
		if v.hasty || step.Asked == nil || step.Result != nil && step.Result.Outcome == event.NotDone {
			_, err = v.tap(name)
			return err
		}
	}
	return nil
}

// goOut puts the parcels down, pulls the doors shut, and asks to leave until that is granted.
func (v *visit) goOut() error {
	if err := v.until("deposit", event.NotOpened); err != nil {
		return err
	}
	for _, d := range slices.Backward(v.in.config.Devices) {
		_ = v.in.doors.Thing(d.Name).PullShut() // a garage door is moved by its motor
	}
	if err := v.until("close", event.NotOpened); err != nil {
		return err
	}
	return v.until("leave", event.NotSecured, event.OutcomePending)
}

// until repeats a request while it is refused for a reason that passes.
func (v *visit) until(what string, passing ...event.Code) error {
	tick := time.NewTicker(30 * look)
	defer tick.Stop()
	for {
		code, err := v.ask(what, nil)
		switch {
		case err != nil:
			return err
		case code == "":
			return nil
		case !slices.Contains(passing, code):
			return fmt.Errorf("%s was refused: %s", what, code)
		}
		select {
		case <-tick.C:
		case <-v.ctx.Done():
			return v.ctx.Err()
		}
	}
}
