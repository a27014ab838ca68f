package sqlite

import (
	"encoding/binary"
	"errors"
)

// Events stand in the order in which they were written, those of one decision side by side. A site finds its
// own through runs: which sequence begins at which row, and how many follow. The latest runs are in the site's
// row, which each decision writes anyway; after runsInRow decisions they move to table runs in one piece.
//
// Encoding: the first sequence, then for each run the distance from the end of the run before (for the first
// one, from 0) and the number of events, each as an unsigned varint.

// runsInRow is how many runs a site's row holds at most: about 5 bytes each.
const runsInRow = 64

// run is count events from seq on, in rows from n on.
type run struct {
	seq   uint64
	n     int64
	count uint64
}

var errRuns = errors.New("the list of a site's events is damaged")

// appendRun adds a run after the ones encoded in b, or starts anew when b is empty.
func appendRun(b []byte, r run) ([]byte, error) {
	if len(b) == 0 {
		b = binary.AppendUvarint(b, r.seq)
		b = binary.AppendUvarint(b, uint64(r.n))
		return binary.AppendUvarint(b, r.count), nil
	}
	var end int64
	if err := eachRun(b, func(last run) bool { end = last.n + int64(last.count); return true }); err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(r.n-end))
	return binary.AppendUvarint(b, r.count), nil
}

// countRuns returns how many runs are encoded in b.
func countRuns(b []byte) (int, error) {
	n := 0
	err := eachRun(b, func(run) bool { n++; return true })
	return n, err
}

// eachRun decodes b, until f says that it has enough.
func eachRun(b []byte, f func(run) bool) error {
	if len(b) == 0 {
		return nil
	}
	var r run
	var ok bool
	if r.seq, b, ok = uvarint(b); !ok {
		return errRuns
	}
	for len(b) > 0 {
		var gap, count uint64
		if gap, b, ok = uvarint(b); !ok {
			return errRuns
		}
		if count, b, ok = uvarint(b); !ok {
			return errRuns
		}
		r.seq, r.n, r.count = r.seq+r.count, r.n+int64(r.count)+int64(gap), count
		if !f(r) {
			return nil
		}
	}
	return nil
}

func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
