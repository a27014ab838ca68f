package live

import (
	"time"

	"github.com/loquet/loquet/camera"
)

// clock turns the times of a camera into times that only grow, whatever the camera does, in units of 1/90,000 s.
type clock struct {
	format *camera.Format
	offset int64
	last   int64     // that was given
	pts    int64     // of the last unit
	at     time.Time // of the last unit
}

// next gives the time of a unit, and says whether it comes in the order of its pictures.
func (c *clock) next(u *camera.Unit) (int64, bool) {
	if c.format == u.Format && u.PTS < c.pts {
		return 0, false
	}
	c.follow(u)
	c.last = max(c.last+1, u.PTS+c.offset)
	c.pts, c.at = u.PTS, u.At
	return c.last, true
}

// follow goes on with our own time where the camera's begins anew.
func (c *clock) follow(u *camera.Unit) {
	if c.format == u.Format {
		return
	}
	if c.format != nil {
		c.offset = c.last + max(1, int64(u.At.Sub(c.at))*9/100_000) - u.PTS
	}
	c.format = u.Format
}

// rush gives times to a group that is sent at once: the newest has its own, those before it almost the same.
func (c *clock) rush(group camera.Group) []int64 {
	newest := group[len(group)-1]
	c.follow(newest)
	span := int64(len(group)-1) * rush
	c.offset = max(c.offset, c.last+1+span-newest.PTS) // nothing goes back: the same group may have been sent before
	times := make([]int64, len(group))
	for i := range group {
		times[i] = newest.PTS + c.offset - span + int64(i)*rush
	}
	c.last, c.pts, c.at = times[len(times)-1], newest.PTS, newest.At
	return times
}
