package film

import (
	"hash/fnv"
	"sync"

	"github.com/loquet/loquet/event"
)

// locks let one piece of work at a time be done for a visit in this process. Visits share locks.
type locks [256]sync.Mutex

func (l *locks) lock(v event.VisitID) (unlock func()) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(v)) // never fails
	m := &l[h.Sum32()%uint32(len(l))]
	m.Lock()
	return m.Unlock
}
