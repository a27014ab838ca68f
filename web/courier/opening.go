package courier

import (
	"slices"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// opening is what C5 says: an order on its way, or the door that comes next.
type opening struct {
	title, say string
	// order is the step whose order is on its way; nil when none is.
	order *api.Step
	// unknown: nobody knows what became of the order. slow: the lock takes its time.
	unknown, slow bool
	// next is the step that a tap opens; nil while there is none.
	next *api.Step
	// failed: the last order for it certainly did nothing.
	failed bool
	// passed are the barriers that were opened before.
	passed []api.Step
}

func (s at) opening() opening {
	furthest := furthestIn(s.visit)
	if furthest < 0 {
		return s.openNext(opening{}, 0)
	}
	step := &s.visit.Steps[furthest]
	if opened(*step) != 0 {
		return s.openNext(opening{passed: s.visit.Steps[:furthest+1]}, furthest+1)
	}
	o := opening{order: step, passed: s.visit.Steps[:furthest]}
	o.unknown = step.Recorded != nil && step.Recorded.Outcome == event.Unknown
	o.slow = !o.unknown && s.age(step.Asked.At) >= slowLock
	o.title, o.say = s.t("opening.order.title", "name", step.Name), s.t("opening.order.say")
	if p, left := s.freed(); p != nil && left > 0 {
		o.title, o.say = s.t("car.handle"), s.t("car.handle")
	}
	if o.unknown {
		o.title, o.say = s.t("opening.unknown.title"), s.either("opening.unknown.text", "opening.unknown.text.car")
	}
	return o
}

func (s at) openNext(o opening, i int) opening {
	o.next = &s.visit.Steps[i]
	o.failed = o.next.Asked != nil
	o.title = s.t("opening.next.title", "name", o.next.Name)
	o.say = o.title
	return o
}

// wayState is how a barrier of the way in looks in the row of drawings: behind, present, ahead.
func (o opening) wayState(p api.Step) string {
	switch {
	case o.order != nil && o.order.Barrier == p.Barrier, o.order == nil && o.next != nil && o.next.Barrier == p.Barrier:
		return "now"
	case live(p):
		return "done"
	}
	return "later"
}

// standing is how something stands, how long that is known without hearing of it again (0: it does not end by itself),
// and what is said once it is not known any more.
type standing struct {
	state ui.State
	said  string
	left  time.Duration
	gone  string
}

// inside is what is known of the door that matters now: "inside" is said only once it was seen open.
func (s at) inside() standing {
	p := s.pressing()
	shown := s.shown(p)
	key := "inside.state." + string(shown.State)
	if shown.State == ui.Open && !shown.Contact.Wide {
		key = "inside.state.unlocked"
	}
	return standing{shown.State, s.t(key, "name", p.Name, "word", shown.Word), shown.Left, s.t("inside.gone", "name", p.Name)}
}

// pressing is the step that matters now: the one that the alarm is about, else the innermost that is not proven shut.
func (s at) pressing() api.Step {
	steps := s.liveSteps()
	if alarm := s.alarm(); alarm != nil {
		if i := slices.IndexFunc(steps, func(p api.Step) bool { return p.Barrier == alarm.Barrier }); i >= 0 {
			return steps[i]
		}
	}
	for _, p := range slices.Backward(steps) {
		if p.Secured == 0 {
			return p
		}
	}
	return steps[len(steps)-1]
}

// through says whether the innermost barrier was opened.
func (s at) through() bool {
	last := s.visit.Steps[len(s.visit.Steps)-1]
	return live(last) && opened(last) != 0
}

// toPutDown says whether the parcels are still to be put down.
func (s at) toPutDown() bool { return s.through() && !s.visit.Deposited && !turnsBack(s.visit) }

// ajar is the step whose door stands ajar, its bolt out; nil when none does.
func (s at) ajar() *api.Step {
	for i, p := range s.visit.Steps {
		if live(p) && p.Ajar && p.By == event.PermitRemote {
			return &s.visit.Steps[i]
		}
	}
	return nil
}

// byOrder says whether something that is open can be shut by order.
func (s at) byOrder() bool {
	for _, p := range s.liveSteps() {
		if p.Secures && p.Secured == 0 {
			return true
		}
	}
	return false
}

// openSince is since when something has stood open; 0 when nothing does.
func (s at) openSince() event.Instant {
	var since event.Instant
	for _, p := range s.liveSteps() {
		if at := opened(p); at != 0 && p.Secured == 0 && (since == 0 || at < since) {
			since = at
		}
	}
	return since
}

// shutBy is when it will have stood open for too long; 0 when nothing stands open.
func (s at) shutBy() event.Instant {
	var by event.Instant
	for _, p := range s.visit.Steps {
		if p.ShutBy != 0 && (by == 0 || p.ShutBy < by) {
			by = p.ShutBy
		}
	}
	return by
}

// proven says whether everything that was opened is proven shut: only then it is green.
func (s at) proven() bool {
	for _, p := range s.liveSteps() {
		if !p.Provable || p.Secured == 0 {
			return false
		}
	}
	return true
}

// closed is how the way in stands once the courier may go: in the word that its barriers share, as long as each of them
// is known to be secured.
func (s at) closed() standing {
	k := standing{state: ui.Unknown, said: s.t("secured.unproven.title"), gone: s.t("secured.gone")}
	if !s.proven() {
		return k
	}
	for i, p := range s.liveSteps() {
		shown := s.shown(p)
		switch {
		case shown.State != ui.Secured:
			return standing{state: shown.State, said: shown.Word, left: shown.Left, gone: k.gone}
		case i == 0:
			k.state, k.said, k.left = ui.Secured, shown.Word, shown.Left
		case k.said != shown.Word:
			k.said = s.t("secured.title")
		}
		k.left = min(k.left, shown.Left)
	}
	if s.ofCar() {
		k.said = s.t("car.secured")
	}
	return k
}

func (s at) closedSaid() string {
	k := s.closed()
	if k.state != ui.Secured {
		return k.said
	}
	return s.either("secured.say", "car.secured.say", "word", k.said)
}

// codeStep is the step that waits for its code.
func (s at) codeStep() api.Step { return s.visit.Steps[furthestIn(s.visit)] }

func (s at) codeSaid() string {
	if s.codeStep().Recorded == nil {
		return s.t("code.wait")
	}
	return s.t("code.say")
}

// camera is the line of the picture, as it is known now; ok is false where nothing is filmed.
func (s at) camera() (p ui.Part, ok bool) {
	if s.visit == nil || !s.visit.Filmed && s.visit.Picture == nil {
		return ui.Part{}, false
	}
	p = ui.Part{Icon: "camera", Name: s.t("camera"), Gone: s.t("camera.none"), State: ui.Unknown}
	picture := s.visit.Picture
	switch {
	case picture == nil:
	case picture.Live:
		p.Word, p.State, p.Heard = s.t("camera.live"), ui.Underway, true
		p.Age = s.age(picture.At)
		p.Fresh = p.Age + picture.FreshFor.Duration()
	case picture.Fault == event.PictureProving:
		p.Word, p.State, p.Heard, p.Gone = s.t("camera.proving"), ui.Underway, true, s.t("camera.proving")
		p.Fresh = time.Minute
	default:
		p.Gone = picture.Title
	}
	return p, true
}
