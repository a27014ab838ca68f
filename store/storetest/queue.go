package storetest

import (
	"fmt"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

var queueChecks = []check{
	{"deadlines are listed earliest first", checkDeadlines},
	{"a decision moves the deadline and leaves no stale one", checkDeadlineMoves},
	{"work is put once", checkPutOnce},
	{"work is claimed earliest first, by kind", checkClaimOrder},
	{"a claim tells what to do and counts the attempts", checkClaimed},
	{"claimed work is hidden, then due again", checkDueAgain},
	{"finished work is gone", checkFinish},
	{"postponed work is due at another time", checkPostpone},
	{"the next work is the earliest of its kinds", checkNextWork},
	{"a sweep erases what is past its time, and only that", checkSweep},
	{"a sweep removes a bounded number at once", checkSweepBounded},
}

func (h harness) withDeadline(site event.SiteID, version uint64, at event.Instant) {
	h.Helper()
	a := decision(site, version, 1)
	a.Deadline = at
	h.append(a)
}

func (h harness) nextDeadline(want event.Instant) {
	h.Helper()
	got, err := h.s.NextDeadline(h.Context())
	h.must(err)
	if got != want {
		h.Fatalf("next deadline at %d, want %d", got, want)
	}
}

func checkDeadlines(h harness) {
	h.nextDeadline(0)
	h.withDeadline("c", 0, t1)
	h.withDeadline("b", 0, t0)
	h.withDeadline("a", 0, t2)
	h.withDeadline("d", 0, 0)
	h.deadlines(t0-1, 10)
	h.deadlines(t0, 10, store.Due{Site: "b", At: t0})
	h.deadlines(t1+1, 10, store.Due{Site: "b", At: t0}, store.Due{Site: "c", At: t1})
	h.deadlines(t3, 2, store.Due{Site: "b", At: t0}, store.Due{Site: "c", At: t1})
	h.deadlines(t3, 0)
	h.nextDeadline(t0)
}

func checkDeadlineMoves(h harness) {
	h.withDeadline("a", 0, t0)
	h.withDeadline("b", 0, t1)
	h.withDeadline("a", 1, t2)
	h.deadlines(t3, 10, store.Due{Site: "b", At: t1}, store.Due{Site: "a", At: t2})
	h.nextDeadline(t1)
	h.withDeadline("b", 1, 0)
	h.deadlines(t3, 10, store.Due{Site: "a", At: t2})
	h.nextDeadline(t2)
	stays := decision("a", 2, 1)
	stays.Deadline = t2
	h.append(stays)
	h.deadlines(t3, 10, store.Due{Site: "a", At: t2})
	earlier := decision("a", 3, 0)
	earlier.Deadline = t0
	h.append(earlier)
	h.deadlines(t0, 10, store.Due{Site: "a", At: t0})
}

// work makes one piece of work of the site.
func work(id, kind string, due event.Instant) store.Work {
	return store.Work{ID: id, Site: "a", Kind: kind, Due: due, Data: []byte("do " + id)}
}

// put appends a decision that only puts work.
func (h harness) put(all ...store.Work) {
	h.Helper()
	version, err := load(h.Context(), h.s, "a")
	h.must(err)
	a := decision("a", version, 1)
	a.Work = all
	h.append(a)
}

func checkPutOnce(h harness) {
	h.put(work("a-1", "k", t0), work("a-1", "other", t1))
	h.put(work("a-1", "k", t1))
	h.claims(t0, t1, 10, []string{"k", "other"}, "a-1")
	h.put(work("a-1", "k", t0))
	h.claims(t0, t1, 10, []string{"k", "other"})
	h.must(h.s.Finish(h.Context(), "a-1"))
	h.claims(t3, t3, 10, []string{"k", "other"})
}

func checkClaimOrder(h harness) {
	h.put(work("a-3", "k", t1), work("a-2", "k", t0), work("a-1", "k", t1), work("a-4", "l", t0), work("a-5", "m", t0), work("a-6", "k", t2))
	h.claims(t1, t3, 10, nil)
	h.claims(t0-1, t3, 10, []string{"k", "l"})
	h.claims(t1, t3, 0, []string{"k", "l"})
	h.claims(t1, t3, 3, []string{"l", "k", "l"}, "a-2", "a-4", "a-1")
	h.claims(t1, t3, 10, []string{"k", "l"}, "a-3")
	h.claims(t2, t3, 10, []string{"m", "k"}, "a-5", "a-6")
}

func checkClaimed(h harness) {
	put := work("a-1", "k", t0)
	put.Attempts = 7 // set by Claim alone
	h.put(put)
	want := work("a-1", "k", t0)
	for want.Attempts = 1; want.Attempts <= 3; want.Attempts++ {
		again := want.Due + event.Instant(event.Second)
		got := h.claim(want.Due, again, 1, "k")
		if fmt.Sprint(got) != fmt.Sprint([]store.Work{want}) {
			h.Fatalf("claimed %+v, want %+v", got, want)
		}
		want.Due = again
	}
}

func checkDueAgain(h harness) {
	h.put(work("a-1", "k", t0), work("a-2", "k", t0))
	h.claims(t0, t1, 1, []string{"k"}, "a-1")
	h.claims(t0, t2, 10, []string{"k"}, "a-2")
	h.claims(t1-1, t3, 10, []string{"k"})
	h.claims(t1, t3, 10, []string{"k"}, "a-1")
	h.claims(t2, t3, 10, []string{"k"}, "a-2")
}

func checkFinish(h harness) {
	h.put(work("a-1", "k", t0), work("a-2", "k", t0))
	h.must(h.s.Finish(h.Context(), "a-1"))
	h.must(h.s.Finish(h.Context(), "a-1"))
	h.must(h.s.Finish(h.Context(), "never there"))
	h.claims(t3, t3, 10, []string{"k"}, "a-2")
	h.must(h.s.Finish(h.Context(), "a-2"))
	h.claims(t3, t3, 10, []string{"k"})
	h.nextWork(0, "k")
}

func checkPostpone(h harness) {
	h.put(work("a-1", "k", t0), work("a-2", "k", t1))
	h.must(h.s.Postpone(h.Context(), "a-1", t2))
	h.must(h.s.Postpone(h.Context(), "never there", t0))
	h.claims(t1, t1, 10, []string{"k"}, "a-2")
	h.must(h.s.Postpone(h.Context(), "a-2", t3))
	h.claims(t2, t2, 10, []string{"k"}, "a-1")
	h.must(h.s.Postpone(h.Context(), "a-2", t0))
	h.claims(t0, t1, 10, []string{"k"}, "a-2")
}

func checkNextWork(h harness) {
	h.nextWork(0, "k")
	h.put(work("a-1", "k", t2), work("a-2", "l", t1), work("a-3", "m", t0))
	h.nextWork(0)
	h.nextWork(t2, "k")
	h.nextWork(t1, "k", "l")
	h.claims(t1, t3, 10, []string{"l"}, "a-2")
	h.nextWork(t3, "l")
	h.nextWork(t2, "k", "l")
	h.nextWork(0, "none")
}

func checkSweep(h harness) {
	a := decision("a", 0, 1)
	a.Values = []store.Value{
		{Name: "old", Sealed: []byte("x"), EraseAt: t1}, {Name: "kept", Sealed: []byte("y"), EraseAt: t2 + 1},
		{Name: "site's", Sealed: []byte("z")}, {Name: "prolonged", Sealed: []byte("x"), EraseAt: t1},
	}
	a.Remember = &store.Remembered{Key: "old", Until: t1}
	h.append(a)
	b := decision("a", 1, 1)
	b.Values = []store.Value{{Name: "prolonged", Sealed: []byte("p"), EraseAt: t3}}
	b.Remember = &store.Remembered{Key: "kept", Until: t3}
	h.append(b)
	for id, until := range map[string]event.Instant{"old": t1, "kept": t3, "for ever": 0} {
		_, err := h.s.Put(h.Context(), store.Record{Kind: "k", ID: id, Until: until})
		h.must(err)
	}
	h.sweeps(t1-1, 0)
	h.sweeps(t1, 3)
	h.sweeps(t2, 0)
	h.afterSweep()
}

func (h harness) sweeps(now event.Instant, want int) {
	h.Helper()
	n, err := h.s.Sweep(h.Context(), now)
	h.must(err)
	if n != want {
		h.Fatalf("swept %d, want %d", n, want)
	}
}

// afterSweep requires that of checkSweep's records the old ones are gone, and the others are not.
func (h harness) afterSweep() {
	h.Helper()
	_, err := h.s.Value(h.Context(), "a", "old")
	h.fails(err, store.ErrNotFound)
	_, err = h.s.Recall(h.Context(), "old")
	h.fails(err, store.ErrNotFound)
	_, err = h.s.Get(h.Context(), "k", "old")
	h.fails(err, store.ErrNotFound)
	for name, want := range map[string]string{"kept": "y", "site's": "z", "prolonged": "p"} {
		h.value("a", name, want)
	}
	_, err = h.s.Recall(h.Context(), "kept")
	h.must(err)
	for _, id := range []string{"kept", "for ever"} {
		_, err = h.s.Get(h.Context(), "k", id)
		h.must(err)
	}
}

func checkSweepBounded(h harness) {
	const many = 5000
	a := decision("a", 0, 1)
	for i := range many {
		a.Values = append(a.Values, store.Value{Name: fmt.Sprint(i), Sealed: []byte("x"), EraseAt: t0})
	}
	h.append(a)
	total, rounds := 0, 0
	for {
		n, err := h.s.Sweep(h.Context(), t1)
		h.must(err)
		if n == 0 {
			break
		}
		total, rounds = total+n, rounds+1
	}
	if total != many || rounds < 2 {
		h.Fatalf("swept %d of %d in %d rounds", total, many, rounds)
	}
}
