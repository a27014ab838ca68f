package camera

import "time"

const (
	// maxDrift is how far the stream's time may be from ours.
	maxDrift = time.Second
	// settle is how long a new connection may catch up: servers send the last group at once.
	settle = 5 * time.Second
	// span is how long the best time of travel stands. A camera's quartz errs by less than 0.1 ‰, bad firmware
	// by less than 1 %; 1 s in at most two spans lets 1.6 % pass.
	span = 30 * time.Second
)

// drift compares the stream's time with ours. The offset between both is constant but for the time of travel; its
// least in the last spans is the best that is possible.
type drift struct {
	begun   bool
	origin  time.Time     // our time of the first unit
	turned  time.Time     // when this span began
	least   time.Duration // offset in this span
	floor   time.Duration // least offset in the span before
	settled bool          // there is a span before
	lag     time.Duration // how much later than possible the last unit came
	lead    time.Duration // how much earlier
}

func (d *drift) add(at time.Time, dts int64) {
	if !d.begun {
		*d = drift{begun: true, origin: at, turned: at}
	}
	offset := at.Sub(d.origin) - time.Duration(dts)*(time.Second/10_000)/9
	d.turn(at, offset)
	d.least = min(d.least, offset)
	d.lag = offset - d.least
	d.lead = 0
	if d.settled {
		d.lag = offset - min(d.least, d.floor)
		d.lead = d.floor - offset
	}
}

func (d *drift) turn(at time.Time, offset time.Duration) {
	length := span
	if !d.settled {
		length = settle
	}
	if at.Sub(d.turned) < length {
		return
	}
	d.turned, d.floor, d.settled = at, d.least, true
	d.least = offset
}

func (d *drift) bad() bool { return d.lag > maxDrift || d.lead > maxDrift }
