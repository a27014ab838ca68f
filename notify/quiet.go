package notify

import (
	"time"
)

// day is how many minutes the clock on the wall shows.
const day = 24 * 60

// Quiet is a stretch of each day in which only alarms are told; the rest is held until its end, or dropped if it is not
// worth telling by then. From and To are minutes after midnight, 0 to 1439, on the clocks of the site. From after To
// goes past midnight; the same for both is none at all.
type Quiet struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (q Quiet) valid() bool { return q.From >= 0 && q.From < day && q.To >= 0 && q.To < day }

// holds says whether it is quiet at a moment, which is in the site's own zone.
func (q Quiet) holds(at time.Time) bool {
	minute := at.Hour()*60 + at.Minute()
	if q.From <= q.To {
		return q.From <= minute && minute < q.To
	}
	return minute >= q.From || minute < q.To
}

// end is the first moment from at on, in the site's own zone, at which it is not quiet. It asks the clock on the wall
// minute by minute: a day may lack the minute at which the quiet would end, or show it twice.
func (q Quiet) end(at time.Time) time.Time {
	for q.holds(at) {
		at = at.Truncate(time.Minute).Add(time.Minute)
	}
	return at
}
