package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// post brings the letters between two sites in the order in which they were written: one that could not be brought
// holds back those behind it, so that what a lent barrier said last is heard last. Letters of other sites go on. It
// knows of the letters of one process; safe for concurrent use.
type post struct {
	store   store.Store
	deliver Handler
	now     func() time.Time
	log     *slog.Logger
	// wake is told that a letter which was held back is due.
	wake chan struct{}

	mu sync.Mutex
	// known: waiting holds every letter that waits in the store.
	known   bool
	waiting map[route][]string
}

// route is who writes to whom.
type route struct{ from, to event.SiteID }

// letters is the trade of bringing them, one after the other.
func (d *Dispatcher) letters(deliver Handler) trade {
	p := &post{store: d.store, deliver: deliver, now: d.now, log: d.log, wake: make(chan struct{}, 1)}
	return trade{do: p.bring, wake: p.wake, atOnce: 1, takes: workTimeout, unsure: p.unsure}
}

// errBehind: an earlier letter between the same sites has not been brought yet.
var errBehind = errors.New("dispatch: an earlier letter to the same site waits")

// bring delivers a letter unless an earlier one waits.
func (p *post) bring(ctx context.Context, w store.Work) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := readLetter(w)
	if err != nil {
		return err
	}
	r := route{l.From, l.To}
	behind, err := p.behind(ctx, r, w)
	if err != nil {
		return err
	}
	if behind {
		p.hold(r, w.ID)
		return errBehind
	}
	if err := p.deliver(ctx, w); err != nil {
		p.hold(r, w.ID)
		return err
	}
	p.release(ctx, r, w.ID)
	return nil
}

// behind says whether an earlier letter waits. What it remembers of that is checked: another process may have brought
// it meanwhile.
func (p *post) behind(ctx context.Context, r route, w store.Work) (bool, error) {
	earlier := func() bool { return len(p.waiting[r]) > 0 && p.waiting[r][0] < w.ID }
	if p.known && !earlier() {
		return false, nil
	}
	if err := p.learn(ctx, w); err != nil {
		return false, err
	}
	return earlier(), nil
}

// unsure forgets what is known: a claim that failed may have hidden a letter.
func (p *post) unsure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = false
}

// learnAtOnce is how many letters are read at once, and within the time in which every letter that waits is due.
const (
	learnAtOnce = 1000
	within      = event.Hour
)

// learn reads every letter that waits, by claiming it and letting it be due again as it was, or soon.
func (p *post) learn(ctx context.Context, inHand store.Work) error {
	p.known, p.waiting = false, make(map[route][]string)
	now := event.InstantOf(p.now())
	all, err := p.claimAll(ctx, now.Add(within))
	if err != nil {
		return fmt.Errorf("dispatch: finding letters that wait: %w", err)
	}
	for _, w := range all {
		if err := p.learnOf(ctx, w, now, w.ID == inHand.ID); err != nil {
			return err
		}
	}
	p.known = true
	return nil
}

// claimAll hides what it finds only until the end of what it looks through: whoever learns after a failure, in the
// same instant even, finds it again.
func (p *post) claimAll(ctx context.Context, until event.Instant) (all []store.Work, err error) {
	seen := make(map[string]bool)
	for {
		page, err := p.store.Claim(ctx, []string{workLetter}, until, until, learnAtOnce)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, w := range page {
			if !seen[w.ID] {
				seen[w.ID], all = true, append(all, w)
			}
		}
		if len(page) < learnAtOnce || len(all) == before {
			return all, nil
		}
	}
}

// learnOf puts one letter back. What this release can't read holds nothing back.
func (p *post) learnOf(ctx context.Context, w store.Work, now event.Instant, inHand bool) error {
	due := now.Add(claimFor)
	if !inHand {
		due = min(due, w.Due)
		if l, err := readLetter(w); err == nil {
			p.hold(route{l.From, l.To}, w.ID)
		}
	}
	if err := p.store.Postpone(ctx, w.ID, due); err != nil {
		return fmt.Errorf("dispatch: putting a letter back: %w", err)
	}
	return nil
}

// hold keeps a letter among those that wait. Their names sort as their journal.
func (p *post) hold(r route, id string) {
	if i, there := slices.BinarySearch(p.waiting[r], id); !there {
		p.waiting[r] = slices.Insert(p.waiting[r], i, id)
	}
}

// release lets the next letter go that waited for this one.
func (p *post) release(ctx context.Context, r route, id string) {
	i, held := slices.BinarySearch(p.waiting[r], id)
	if held {
		p.waiting[r] = slices.Delete(p.waiting[r], i, i+1)
	}
	if len(p.waiting[r]) == 0 {
		delete(p.waiting, r)
		return
	}
	next := p.waiting[r][0]
	if err := p.store.Postpone(ctx, next, event.InstantOf(p.now())); err != nil {
		p.log.WarnContext(ctx, "a letter goes later than it could", slog.Any("work", next), slog.Any("error", err))
	}
	wake(p.wake)
}
