package remotecar

import (
	"sync/atomic"
	"time"
)

// Quota is how often the vehicles that share it are asked while nothing goes on, all together: a maker's limit is one of
// the whole application, however many vehicles are watched. It is safe for concurrent use.
type Quota struct {
	between time.Duration // two questions, whichever vehicles they are about
	watched atomic.Int64
}

// QuotaOf is three tenths of a limit of calls in a length of time, where a question takes that many of them. What can wait
// has four tenths (package maker), so that one is left for enrolling cars and for looking at them the day before.
func QuotaOf(calls int, per time.Duration, each int) *Quota {
	return &Quota{between: per * time.Duration(10*each) / time.Duration(3*calls)}
}

// interval is how long each vehicle waits for its turn; 0 without a quota.
func (q *Quota) interval() time.Duration {
	if q == nil {
		return 0
	}
	return q.between * time.Duration(q.watched.Load())
}

// count counts vehicles that are watched from now on, or no longer.
func (q *Quota) count(more int64) {
	if q != nil {
		q.watched.Add(more)
	}
}
