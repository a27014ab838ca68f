package demo

import (
	"math"
	"sync"
	"time"
)

// path leads from the street to Camille's door: metres east and north of it, from the door outwards.
var path = [][2]float64{{0, 0}, {0, -14}, {-85, -20}, {-95, -165}, {-270, -180}, {-285, -400}, {-430, -412}}

// Where the walk begins, and how long it takes on a loaded bicycle.
const (
	walkFrom = 780.0 // metres of way
	walkTime = 4 * time.Minute
)

// walk is the way of the courier whom a visitor plays. Safe for concurrent use.
type walk struct {
	mu sync.Mutex
	to point
	// left is the way to the door in metres, at the instant at; speed in metres a second.
	left, speed float64
	at          time.Time
	// accuracy of the phone, in metres.
	accuracy float64
}

func newWalk(to point) *walk {
	return &walk{to: to, left: walkFrom, at: time.Now(), accuracy: good}
}

// How well a phone knows where it is, in metres: out of doors, and in a stairwell.
const (
	good  = 6.0
	vague = 180.0
)

// standing is where the courier is now.
type standing struct {
	point
	// Left is the way to the door, in metres.
	left     float64
	accuracy float64
	walking  bool
}

func (w *walk) standing() standing {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.now()
	return standing{w.point(left), left, w.accuracy, w.speed > 0 && left > 0}
}

// now is how far it is now. The caller holds the lock.
func (w *walk) now() float64 {
	return max(0, w.left-w.speed*time.Since(w.at).Seconds())
}

// set changes the walk from now on. The caller holds the lock.
func (w *walk) set(left, speed float64) {
	w.left, w.speed, w.at = left, speed, time.Now()
}

// begin starts the ordinary walk, unless it is under way.
func (w *walk) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.speed == 0 {
		w.set(w.now(), walkFrom/walkTime.Seconds())
	}
}

// hurry gets to the door within the time.
func (w *walk) hurry(within time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.now()
	w.set(left, left/within.Seconds())
}

// head begins a walk to somewhere else.
func (w *walk) head(to point) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	w.set(walkFrom, 0)
}

// back puts the courier where the walk begins, standing.
func (w *walk) back() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set(walkFrom, 0)
}

// blur makes the phone's position vague, or good again.
func (w *walk) blur(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accuracy = good
	if yes {
		w.accuracy = vague
	}
	w.set(w.now(), w.speed)
}

// arrives is when the courier will be at the door; from a standstill, as if the walk began now.
func (w *walk) arrives() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	speed := w.speed
	if speed == 0 {
		speed = walkFrom / walkTime.Seconds()
	}
	return time.Now().Add(time.Duration(w.now() / speed * float64(time.Second)))
}

// point is where on the path it is so far to the door.
func (w *walk) point(left float64) point {
	for i := 1; i < len(path); i++ {
		east, north := path[i][0]-path[i-1][0], path[i][1]-path[i-1][1]
		length := math.Hypot(east, north)
		if left <= length || i == len(path)-1 {
			share := left / length
			return w.to.off(path[i-1][0]+share*east, path[i-1][1]+share*north)
		}
		left -= length
	}
	return w.to
}
