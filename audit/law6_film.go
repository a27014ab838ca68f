package audit

import (
	"regexp"

	"github.com/loquet/loquet/event"
)

// trailing is how long after the end of a visit its last pictures may have been received: what was under way.
const trailing = 5 * event.Second

type filming = entry[event.FilmingAsked]

// films asks of everything that is said of a visit's camera whether it was so.
func (x *exam) films() {
	for _, f := range every[event.FilmingAsked](x.history) {
		x.blame(f.pos, x.whyFilmed(f).about("the filming of %s", f.body.Visit))
	}
	for _, r := range every[event.RecordingAsked](x.history) {
		x.blame(r.pos, x.whyRecorded(r).about("the recording of %s", r.body.Visit))
	}
	for _, b := range every[event.PictureBack](x.history) {
		x.blame(b.pos, x.whyBack(b).about("the picture of %s is called back", b.body.Visit))
	}
	for _, e := range every[event.FilmingEnded](x.history) {
		x.blame(e.pos, x.whyLeftAlone(e).about("the end of filming %s", e.body.Visit))
	}
	for _, v := range every[event.VisitBegun](x.history) {
		if first, ok := x.firstFilming(v.body.Visit, x.end()); ok {
			x.judge(first.pos, x.wholeFilm(v, first).about("%s", v.body.Visit))
		}
	}
}

// firstFilming is when a camera was first asked to film a visit.
func (h *history) firstFilming(v event.VisitID, before int) (filming, bool) {
	list := all[event.FilmingAsked](h, v, before)
	if len(list) == 0 {
		return filming{pos: -1}, false
	}
	return list[0], true
}

// whyFilmed: a visit under way, by a camera that sees it, under one name. That no other visit has it is law 10's.
func (x *exam) whyFilmed(e filming) (f faults) {
	v, begun := last[event.VisitBegun](x.history, e.body.Visit, e.pos)
	f.need(begun && !x.over(e.body.Visit, e.pos), "the visit was not under way")
	if begun {
		x.sees(&f, e.body.Camera, v.body.AccessPoint, e.pos)
	}
	first, _ := x.firstFilming(e.body.Visit, x.end())
	f.need(e.body == first.body, "it is %s by %s, and was %s by %s", e.body.Clip, e.body.Camera, first.body.Clip, first.body.Camera)
	return f
}

// whyRecorded: a visit under way that a camera films, in which something had been opened.
func (x *exam) whyRecorded(r entry[event.RecordingAsked]) (f faults) {
	asked, ok := x.firstFilming(r.body.Visit, r.pos)
	f.need(ok && asked.body == event.FilmingAsked(r.body), "it is %s by %s, and that was not asked to be filmed", r.body.Clip, r.body.Camera)
	f.need(!x.over(r.body.Visit, r.pos), "the visit had ended")
	_, opened := x.firstSpent(r.body.Visit, -1, r.pos)
	f.need(opened, "nothing had been opened")
	return f
}

// firstSpent is the first position after one and before another at which a visit had an order that could open, and
// had not come to nothing by the earlier one.
func (x *exam) firstSpent(v event.VisitID, from, before int) (first int, found bool) {
	for _, o := range x.intents(v, before) {
		pos, p := o.pos, o.body.Permit
		if p.Type == event.PermitCode {
			shown := all[event.CodeShown](x.history, p.ID, before)
			if len(shown) == 0 {
				continue
			}
			pos = shown[0].pos
		}
		if pos = max(pos, from); !x.failed(p.ID, pos) && (!found || pos < first) {
			first, found = pos, true
		}
	}
	return first, found
}

// whyBack: by a picture that counts, of the camera that films the visit.
func (x *exam) whyBack(b entry[event.PictureBack]) (f faults) {
	asked, ok := last[event.FilmingAsked](x.history, b.body.Visit, b.pos)
	f.need(ok && asked.body.Camera == b.body.Seen.Camera, "by a picture of %q", b.body.Seen.Camera)
	live(&f, b.body.Seen)
	x.fresh(&f, b.body.Seen, b.at)
	return f
}

// whyLeftAlone: once, with the end of the visit, and something is kept exactly if it was recorded.
func (x *exam) whyLeftAlone(e entry[event.FilmingEnded]) (f faults) {
	id := e.body.Visit
	ended, ok := last[event.VisitEnded](x.history, id, e.pos)
	f.need(ok && ended.at == e.at, "the visit did not end then")
	f.need(!has[event.FilmingEnded](x.history, id, -1, e.pos), "it had ended before")
	asked, _ := x.firstFilming(id, e.pos)
	f.need(asked.body == event.FilmingAsked{Visit: id, Camera: e.body.Camera, Clip: e.body.Clip}, "%s by %s was not asked to be filmed", e.body.Clip, e.body.Camera)
	recorded := has[event.RecordingAsked](x.history, id, -1, e.pos)
	f.need(e.body.Kept || !recorded, "it was recorded, and is called not kept")
	f.need(!e.body.Kept || recorded, "it was not recorded, and is called kept")
	return f
}

// wholeFilm: what a camera filmed of a visit is recorded from the first order to open, watched until all is secured,
// and left alone at the end.
func (x *exam) wholeFilm(v visit, first filming) (f faults) {
	id := v.body.Visit
	if due, opened := x.firstSpent(id, first.pos, x.end()); opened && !x.over(id, due) {
		recorded := all[event.RecordingAsked](x.history, id, x.end())
		f.need(len(recorded) > 0 && recorded[0].at <= x.events[due].At, "it opened at %s, and was not recorded from then on", x.events[due].At)
	}
	x.alarmedWhenLost(&f, v)
	if over, ok := last[event.VisitEnded](x.history, id, x.end()); ok {
		left, done := last[event.FilmingEnded](x.history, id, x.end())
		f.need(done && left.at >= over.at, "it ended at %s, and the camera was not left alone", over.at)
	}
	return f
}

// alarmedWhenLost: while the picture is lost and something stands open, an alarm stands. It follows the visit as law 5
// does, and looks at the end of each instant: what was decided together has the same time.
func (x *exam) alarmedWhenLost(f *faults, v visit) {
	if !has[event.PictureLost](x.history, v.body.Visit, v.pos, x.end()) {
		return
	}
	w := &watch{exam: x, visit: v.body.Visit, open: make(map[event.BarrierID]ajarSince)}
	list := x.ofVisit(v.body.Visit)
	for i, pos := range list {
		if pos <= v.pos {
			continue
		}
		if w.over(x.events[pos].Body) {
			return
		}
		w.hear(pos)
		at := x.events[pos].At
		if i+1 < len(list) && x.events[list[i+1]].At == at {
			continue
		}
		if len(w.open) > 0 && w.level == 0 && x.lost(w.visit, pos+1) {
			f.need(false, "at %s the picture was lost while something stood open, and no alarm stood", at)
			return
		}
	}
}

var sum256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// whyFinished: once, of a visit that was recorded and has ended, with files of nothing but that visit, in order.
func (x *exam) whyFinished(c entry[event.ClipFinished]) (f faults) {
	id := c.body.Clip
	recorded, ok := last[event.RecordingAsked](x.history, id, c.pos)
	if !ok {
		f.need(false, "it was never to be recorded")
		return f
	}
	f.need(!has[event.ClipFinished](x.history, id, -1, c.pos), "it had been finished before")
	f.need(!has[event.ClipErased](x.history, id, -1, c.pos), "it had been erased")
	over, ended := last[event.VisitEnded](x.history, recorded.body.Visit, c.pos)
	f.need(ended, "its visit had not ended")
	asked, _ := x.firstFilming(recorded.body.Visit, c.pos)
	x.filesFit(&f, c.body.Files, event.Span{From: asked.at, To: over.at.Add(trailing)})
	return f
}

// filesFit: one after the other, from the first asking to film on, and hardly longer than the visit.
func (x *exam) filesFit(f *faults, files []event.ClipFile, visit event.Span) {
	from := visit.From.Add(-x.options.Skew)
	for i, file := range files {
		f.need(file.From >= from && file.To >= file.From && file.To <= visit.To.Add(x.options.Skew),
			"its file %d is from %s to %s, and the visit was filmed from %s to %s", i+1, file.From, file.To, from, visit.To)
		f.need(sum256.MatchString(file.SHA256) && file.Bytes > 0, "its file %d has no right hash or size", i+1)
		from = max(from, file.To)
	}
}
