package audit

import (
	"github.com/loquet/loquet/event"
)

// law2 counts: what each permit sent, and what each visit opened.
func law2(x *exam) {
	for _, o := range every[event.OpeningIntended](x.history) {
		var f faults
		x.sentOnce(&f, o)
		x.openedOnce(&f, o)
		x.judge(o.pos, f.about("%s to open %s", o.body.Permit.ID, o.body.Permit.Barrier))
	}
	for _, s := range every[event.CodeShown](x.history) {
		x.judge(s.pos, x.shownOnce(s).about("the code of %s", s.body.Permit))
	}
}

// sentOnce: at most one command, to the permit's device, of its type, before its deadline.
func (x *exam) sentOnce(f *faults, o intent) {
	p := o.body.Permit
	sent := x.sent.of(p.ID)
	if len(sent) == 0 && !x.failed(p.ID, x.end()) {
		x.law.remark("intended, and not known to be sent")
	}
	f.need(len(sent) <= 1, "it was sent %d times", len(sent))
	for _, s := range sent {
		f.need(s.Device == p.Device, "it was sent to the device %s, and is for %s", s.Device, p.Device)
		f.need((s.Act == event.ActSetCode) == (p.Type == event.PermitCode), "%q was sent for a permit by %q", s.Act, p.Type)
		f.need(s.At <= p.Deadline, "it was sent at %s, and its deadline was %s", s.At, p.Deadline)
	}
}

// openedOnce: the visit has not opened this barrier yet. A recovery opens again what stands ajar; whether it did,
// is law 1's.
func (x *exam) openedOnce(f *faults, o intent) {
	if o.body.Permit.Recovery {
		return
	}
	for _, e := range x.intents(o.body.Permit.Visit, o.pos) {
		same := e.body.Permit.Barrier == o.body.Permit.Barrier && x.outcome(e.body.Permit.ID, o.pos) == event.Done
		f.need(!same, "the visit had opened it with %s", e.body.Permit.ID)
	}
}

// shownOnce: a code is for the one device key that the permit names, until it is over.
func (x *exam) shownOnce(s entry[event.CodeShown]) (f faults) {
	o, ok := x.intentOf(s.body.Permit, s.pos)
	if !ok {
		return nil // law 1 tells
	}
	p := o.body.Permit
	f.need(s.body.Key == p.Key, "it was shown to another device key than the permit's")
	f.need(s.at < p.Deadline, "it was shown at %s, and was void from %s on", s.at, p.Deadline)
	f.need(!has[event.CodeRemovalAsked](x.history, p.ID, o.pos, s.pos), "it was shown after it was over")
	return f
}

// sends finds what was sent for a permit.
type sends struct {
	// byPermit are the opening commands with a permit that no journal has named yet.
	byPermit map[event.PermitID][]event.Sent
	// bare are opening commands without a permit.
	bare []event.Sent
}

func opens(a event.Act) bool { return a == event.ActOpen || a == event.ActSetCode }

func newSends(log []event.Sent) *sends {
	s := &sends{byPermit: make(map[event.PermitID][]event.Sent)}
	for _, line := range log {
		switch {
		case !opens(line.Act):
		case event.CheckID(line.Permit, 'p') != nil:
			s.bare = append(s.bare, line)
		default:
			s.byPermit[line.Permit] = append(s.byPermit[line.Permit], line)
		}
	}
	return s
}

func (s *sends) of(p event.PermitID) []event.Sent { return s.byPermit[p] }

// settle forgets what a journal has explained.
func (s *sends) settle(h *history) {
	for _, o := range every[event.OpeningIntended](h) {
		if p := o.body.Permit.ID; event.SiteOf(p) == h.site {
			delete(s.byPermit, p)
		}
	}
}

// leftOver tells of commands that no journal explains.
func (s *sends) leftOver(once, intent *LawReport) {
	for _, line := range s.bare {
		once.Cases++
		once.violate("", 0, "a command to "+string(line.Device)+" was sent at "+line.At.String()+" without a permit")
	}
	for permit, lines := range s.byPermit {
		intent.Cases++
		intent.violate(event.SiteOf(permit), 0, "a command was sent to "+string(lines[0].Device)+" at "+lines[0].At.String()+
			" for "+string(permit)+", which no journal intended")
	}
}
