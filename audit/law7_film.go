package audit

import (
	"sort"

	"github.com/loquet/loquet/event"
)

const (
	// keepUnchosen is how long a clip is kept where the members chose nothing.
	keepUnchosen = 7 * event.Day
	// lateErasure is how much later than due an erasure may be asked for.
	lateErasure = event.Minute
)

type ending = entry[event.FilmingEnded]

// looks asks of each look at a camera's picture who it was, and of what was filmed whether it is erased in time.
func (x *exam) looks() {
	for _, w := range every[event.PictureWatched](x.history) {
		x.judge(w.pos, x.whyWatched(w).about("the look at %s%s", w.body.Visit, w.body.Clip))
	}
	for _, e := range every[event.FilmingEnded](x.history) {
		x.judge(e.pos, x.keptInTime(e).about("what was filmed of %s", e.body.Visit))
	}
	for _, a := range every[event.ClipErasureAsked](x.history) {
		x.judge(a.pos, x.whyErasing(a).about("%s is to be erased", a.body.Clip))
	}
	for _, e := range every[event.ClipErased](x.history) {
		var f faults
		f.need(has[event.ClipErasureAsked](x.history, e.body.Clip, -1, e.pos), "nobody had asked for that")
		x.judge(e.pos, f.about("%s was erased", e.body.Clip))
	}
	for _, c := range every[event.SiteClosed](x.history) {
		x.blame(c.pos, x.leftBehind(c).about("the members moved out"))
	}
}

// whyWatched: what is kept is for members only, until it is to be erased; what is live, for members, and for the
// operator where the members allow it and an alarm stands.
func (x *exam) whyWatched(w entry[event.PictureWatched]) (f faults) {
	member := x.byMember(w.body.By, w.pos)
	if w.body.Clip == "" {
		x.filmedNow(&f, w.body.Visit, w.pos)
		f.need(member || x.operatorMay(w), "by a %q who was not allowed to", w.body.By.Kind)
		return f
	}
	f.need(member, "by a %q who was not allowed to", w.body.By.Kind)
	kept, ok := last[event.FilmingEnded](x.history, w.body.Clip, w.pos)
	f.need(ok && kept.body.Kept, "nothing was kept of it yet")
	f.need(w.body.Visit == "" || w.body.Visit == kept.body.Visit, "it is of %s", kept.body.Visit)
	f.need(!has[event.ClipErasureAsked](x.history, w.body.Clip, -1, w.pos), "it was to be erased")
	return f
}

// filmedNow: the visit was under way, and a camera filmed it.
func (x *exam) filmedNow(f *faults, v event.VisitID, pos int) {
	f.need(has[event.FilmingAsked](x.history, v, -1, pos) && !x.over(v, pos), "no camera filmed that visit then")
}

func (x *exam) operatorMay(w entry[event.PictureWatched]) bool {
	rules, _ := x.rules(w.pos)
	raised, ok := last[event.AlarmRaised](x.history, w.body.Visit, w.pos)
	stands := ok && !has[event.AlarmEnded](x.history, w.body.Visit, raised.pos, w.pos)
	return w.body.By.Kind == event.ActorOperator && rules.OperatorWatches && stands
}

// keptInTime: for as long as the members chose, and, where nothing was opened after all, not at all. That it is to be
// erased is asked for before the journal goes on for long after that.
func (x *exam) keptInTime(e ending) (f faults) {
	if !e.body.Kept {
		f.need(e.body.EraseAt == 0, "it is not kept, and is to be erased at %s", e.body.EraseAt)
		return f
	}
	right := x.eraseAt(e)
	f.need(e.body.EraseAt == right, "it is to be erased at %s, and not at %s", e.body.EraseAt, right)
	on := sort.Search(x.end(), func(pos int) bool { return x.events[pos].At > e.body.EraseAt.Add(lateErasure) })
	if on < x.end() {
		f.need(x.erasingBy(e.body.Clip, x.events[on].At), "its time was over at %s, and nobody asked for it to be erased", e.body.EraseAt)
	}
	return f
}

func (x *exam) eraseAt(e ending) event.Instant {
	over, _ := last[event.VisitEnded](x.history, e.body.Visit, e.pos)
	rules, _ := x.rules(e.pos)
	switch {
	case over.body.How == event.EndUnopened:
		return e.at
	case rules.KeepClips == 0:
		return e.at.Add(keepUnchosen)
	default:
		return e.at.Add(rules.KeepClips)
	}
}

// erasingBy says whether it had been asked by then that a clip be erased.
func (x *exam) erasingBy(c event.ClipID, at event.Instant) bool {
	asked := all[event.ClipErasureAsked](x.history, c, x.end())
	return len(asked) > 0 && asked[0].at <= at
}

// whyErasing: after the visit, because its time is over, a member asks for it, or the members move out.
func (x *exam) whyErasing(a entry[event.ClipErasureAsked]) (f faults) {
	kept, ok := last[event.FilmingEnded](x.history, a.body.Clip, a.pos)
	if !ok || !kept.body.Kept {
		f.need(false, "nothing was kept of it")
		return f
	}
	switch a.body.Why {
	case event.EraseInTime:
		f.need(a.at >= kept.body.EraseAt, "it was to be kept until %s", kept.body.EraseAt)
	case event.EraseOnRequest:
		f.need(x.byMember(a.body.By, a.pos), "by no member of the site")
	case event.EraseMovedOut:
		closed, ok := latest[event.SiteClosed](x.history, x.end())
		f.need(ok && closed.at <= a.at, "the members had not moved out")
	default:
		f.need(false, "for no known reason: %q", a.body.Why)
	}
	return f
}

// leftBehind: who moves out leaves nothing behind that was filmed.
func (x *exam) leftBehind(c entry[event.SiteClosed]) (f faults) {
	for _, e := range every[event.FilmingEnded](x.history) {
		f.need(e.pos > c.pos || !e.body.Kept || x.erasingBy(e.body.Clip, c.at), "%s was kept", e.body.Clip)
	}
	return f
}
