package maker

import (
	"sort"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
)

// usable is how much of a limit, in tenths, calls of a purpose may use together with all that are less urgent. What is
// left over by those that can wait is for visits, and whole: of Smartcar's 120 requests in an hour twelve for each of six.
var usable = [...]int{device.CanWait: 4, device.Seeking: 5, device.Opening: 6, device.Watching: 8, device.Securing: 10}

// Limit is one of a maker's published limits: at most Calls in any length of time Per.
type Limit struct {
	Calls int
	Per   time.Duration
	// PerVehicle counts for each vehicle by itself; else all calls of the account are counted together.
	PerVehicle bool
	// Kind names the calls that are counted ("command", "wake"); "" counts all.
	Kind string
}

// Ask is a call that wants to be made.
type Ask struct {
	Purpose device.Purpose
	// Vehicle is the maker's identifier of the vehicle, "" for calls that concern none.
	Vehicle string
	// Kind is compared with Limit.Kind.
	Kind string
}

// Limiter counts calls against a maker's limits. It is exact: in no length of time Per are there more than Calls.
// (A token bucket would let through twice as many after a pause.) It is safe for concurrent use.
type Limiter struct {
	limits []Limit

	mu     sync.Mutex
	seen   map[window]*tally
	held   map[string]time.Time // by vehicle; "" is the whole account
	swept  time.Time
	counts map[string]int64 // of today, by kind
	day    string
}

// window names what one limit counts.
type window struct {
	limit   int
	vehicle string
}

// NewLimiter makes a limiter with all of the maker's limits; none is no limit but what the maker asks for itself.
func NewLimiter(limits ...Limit) *Limiter {
	return &Limiter{
		limits: limits, seen: make(map[window]*tally), held: make(map[string]time.Time), counts: make(map[string]int64),
	}
}

// Take counts a call that is about to be made. A *device.BusyError says that it must not be, and nothing was counted.
func (l *Limiter) Take(at time.Time, a Ask) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.busy(at, a); until.After(at) {
		return &device.BusyError{RetryAt: until}
	}
	for i, limit := range l.limits {
		if limit.counts(a) {
			l.window(i, a).add(at, limit, a.Purpose)
		}
	}
	l.count(at, a.Kind)
	l.sweep(at)
	return nil
}

// Check says what Take would, and counts nothing.
func (l *Limiter) Check(at time.Time, a Ask) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.busy(at, a); until.After(at) {
		return &device.BusyError{RetryAt: until}
	}
	return nil
}

// Hold makes all calls for a vehicle wait until then, or all of the account where vehicle is "": the maker asked for it.
func (l *Limiter) Hold(vehicle string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.held[vehicle]) {
		l.held[vehicle] = until
	}
}

// Counts are the calls made on the UTC day of at, by kind.
func (l *Limiter) Counts(at time.Time) map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make(map[string]int64, len(l.counts))
	if l.day == dayOf(at) {
		for kind, n := range l.counts {
			counts[kind] = n
		}
	}
	return counts
}

// busy returns until when a call has to wait; a time that is not after at for none.
func (l *Limiter) busy(at time.Time, a Ask) time.Time {
	until := later(l.held[""], l.held[a.Vehicle])
	for i, limit := range l.limits {
		if limit.counts(a) {
			until = later(until, l.window(i, a).free(at, limit, a.Purpose))
		}
	}
	return until
}

func (l Limit) counts(a Ask) bool {
	return (l.Kind == "" || l.Kind == a.Kind) && (!l.PerVehicle || a.Vehicle != "")
}

// usable is how many calls of a purpose, and of those that are less urgent, the limit has room for; at least one, or a
// limit of two could never be used.
func (l Limit) usable(p device.Purpose) int {
	return min(l.Calls, max(1, l.Calls*usable[p]/10))
}

func (l *Limiter) window(i int, a Ask) *tally {
	w := window{limit: i}
	if l.limits[i].PerVehicle {
		w.vehicle = a.Vehicle
	}
	t := l.seen[w]
	if t == nil {
		t = &tally{}
		l.seen[w] = t
	}
	return t
}

func (l *Limiter) count(at time.Time, kind string) {
	if today := dayOf(at); today != l.day {
		l.day = today
		clear(l.counts)
	}
	l.counts[kind]++
}

// sweepEvery bounds how long the windows of vehicles that are not called any more stay in memory.
const sweepEvery = time.Minute

func (l *Limiter) sweep(at time.Time) {
	if at.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = at
	for w, t := range l.seen {
		if t.forget(at.Add(-l.limits[w.limit].Per)) {
			delete(l.seen, w)
		}
	}
	for vehicle, until := range l.held {
		if !until.After(at) {
			delete(l.held, vehicle)
		}
	}
}

// tally holds the calls in one window: for each purpose those of that purpose and of all that are less urgent.
type tally [device.Securing + 1]ring

func (t *tally) add(at time.Time, l Limit, p device.Purpose) {
	for q := p; q <= device.Securing; q++ {
		t[q].add(at, l.Per)
	}
}

// free returns when a call of the purpose has room, without taking what is kept back for more urgent ones.
func (t *tally) free(at time.Time, l Limit, p device.Purpose) time.Time {
	until := at
	for q := p; q <= device.Securing; q++ {
		until = later(until, t[q].free(at, l.Per, l.usable(q)))
	}
	return until
}

// forget forgets what is older, and says whether nothing is left.
func (t *tally) forget(until time.Time) bool {
	for q := range t {
		t[q].forget(until)
	}
	return len(t[device.Securing].times) == 0
}

// ring holds times, the oldest first.
type ring struct{ times []time.Time }

func (r *ring) add(at time.Time, per time.Duration) {
	r.forget(at.Add(-per))
	if n := len(r.times); n > 0 { // two callers may have read the clock in another order
		at = later(at, r.times[n-1])
	}
	r.times = append(r.times, at)
}

// before is how many calls have left a window that begins after t.
func (r *ring) before(t time.Time) int {
	return sort.Search(len(r.times), func(i int) bool { return r.times[i].After(t) })
}

func (r *ring) forget(until time.Time) {
	if r.times = r.times[r.before(until):]; len(r.times) == 0 {
		r.times = nil
	}
}

// free returns when there are fewer than most within per.
func (r *ring) free(at time.Time, per time.Duration, most int) time.Time {
	times := r.times[r.before(at.Add(-per)):]
	over := len(times) - most
	if over < 0 {
		return at
	}
	return times[over].Add(per)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }
