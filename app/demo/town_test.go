package demo

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// opened is a town with its morning played, in which nobody dawdles.
func opened(t *testing.T) *town {
	t.Helper()
	town, err := openTown(t.Context(), Program(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(town.close)
	town.pace, town.come = 0, 100*time.Millisecond
	return town
}

// until waits for the town to be so.
func until(t *testing.T, town *town, what string, is func(desk.State) bool) desk.State {
	t.Helper()
	limit := time.After(3 * patience)
	for {
		changed, s := town.Changed(), town.State()
		if is(s) {
			return s
		}
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond): // what walks does not tell each step
		case <-limit:
			t.Fatalf("waited in vain until %s: %+v", what, s)
		}
	}
}

func do(t *testing.T, town *town, acts ...desk.Act) {
	t.Helper()
	for _, a := range acts {
		if err := town.Do(t.Context(), a); err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
	}
}

func refuses(t *testing.T, town *town, a desk.Act, code string) {
	t.Helper()
	var refusal *desk.Refusal
	if err := town.Do(t.Context(), a); !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("%+v should be refused as %s, and was: %v", a, code, err)
	}
}

// TestTheTownStaysLawful opens the town, plays every story and every prank in it, and has all of it audited.
func TestTheTownStaysLawful(t *testing.T) {
	t.Parallel()
	town := opened(t)
	before, err := town.Audit(t.Context())
	if err != nil || before.Violations != 0 || before.Cases < 50 {
		t.Fatalf("the morning: %+v, %v", before, err)
	}
	for _, name := range desk.Stories() {
		playStory(t, town, name)
	}
	byHand(t, town)
	theOpenDoor(t, town)
	byWire(t, town)
	playStory(t, town, desk.StoryHome)
	after, err := town.Audit(t.Context())
	if err != nil || after.Violations != 0 || after.Cases <= before.Cases {
		t.Errorf("at the end: %+v, %v", after, err)
	}
}

func playStory(t *testing.T, town *town, name desk.StoryName) {
	t.Helper()
	do(t, town, desk.Act{Do: desk.Play, To: string(name)})
	refuses(t, town, desk.Act{Do: desk.Play, To: string(name)}, "playing")
	s := until(t, town, "the story "+string(name)+" ends", func(s desk.State) bool { return !s.Story.Playing })
	if s.Story.Broken || s.Camera != desk.CameraLive {
		t.Errorf("%s: %+v, camera %s: %v", name, s.Story, s.Camera, town.story.broken)
	}
	for _, step := range s.Story.Steps {
		if !step.Done {
			t.Errorf("%s: the step %s was not reached", name, step.Key)
		}
	}
}

// byHand works a door that no visit holds.
func byHand(t *testing.T, town *town) {
	t.Helper()
	const door = "foch-front-door"
	at := func(deed desk.Deed) desk.Act { return desk.Act{Do: deed, Door: door} }
	stands := func(what string, is func(desk.Door) bool) {
		t.Helper()
		until(t, town, what, func(s desk.State) bool { return is(s.Door(door)) })
	}
	refuses(t, town, at(desk.Push), "bolted")
	refuses(t, town, at(desk.LeaveAjar), "shut")
	refuses(t, town, desk.Act{Do: desk.Push, Door: "nobody's"}, "door")
	refuses(t, town, at("fly"), "deed")
	do(t, town, at(desk.Turn), at(desk.Push))
	stands("it is open", func(d desk.Door) bool { return d.Bolt == event.BoltUnlocked && d.Contact == event.ContactOpen })
	do(t, town, at(desk.LeaveAjar))
	stands("it is ajar", func(d desk.Door) bool { return d.Ajar })
	do(t, town, at(desk.Turn))
	refuses(t, town, at(desk.Pull), "bolted")
	do(t, town, at(desk.Turn), at(desk.Pull), at(desk.Jam), at(desk.Turn))
	stands("it is jammed", func(d desk.Door) bool { return d.Jam && !d.Ajar && d.Bolt == event.BoltJammed })
	do(t, town, at(desk.Jam), at(desk.Turn), at(desk.Drain))
	stands("its battery is empty", func(d desk.Door) bool { return d.Dead && d.Bolt == event.BoltLocked })
	do(t, town, at(desk.Drain), at(desk.Key))
	stands("somebody with a key goes in", func(d desk.Door) bool { return d.Contact == event.ContactOpen })
	stands("and locks again", func(d desk.Door) bool { return d.Contact == event.ContactClosed && d.Bolt == event.BoltLocked })
}

// theOpenDoor ends the morning's alarm by hand: the courier who waits there may go then, once the server knows of it. As
// long as the lock has no power nobody asks, and so nobody is refused.
func theOpenDoor(t *testing.T, town *town) {
	t.Helper()
	const door = "port-front-door"
	for _, deed := range []desk.Deed{desk.Drain, desk.Turn, desk.Pull, desk.Turn} {
		do(t, town, desk.Act{Do: deed, Door: door})
	}
	p, port := town.camille(t.Context()), town.plays[len(town.plays)-1]
	waiting, again := port.first, *port
	if err := again.perform(again.release); err != nil || again.held == nil {
		t.Errorf("with an empty battery: %v, held %v", err, again.held)
	}
	do(t, town, desk.Act{Do: desk.Drain, Door: door})
	err := p.perform(func() {
		for limit := time.Now().Add(patience); p.status(waiting) != dispatch.StatusDelivered; p.pause(10 * look) {
			if time.Now().After(limit) {
				p.fail("the courier still waits: %s", p.status(waiting))
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	var journal struct {
		Events []event.Event `json:"events"`
	}
	if err := town.office().Call(t.Context(), "GET", "/v1/sites/"+string(waiting.site)+"/journal?limit=500", nil, &journal); err != nil {
		t.Fatal(err)
	}
	refusals := slices.DeleteFunc(journal.Events, func(e event.Event) bool { return e.Body.Kind() != event.Refused{}.Kind() })
	if len(refusals) != 1 { // the morning's
		t.Errorf("%d refusals at the door", len(refusals))
	}
}

// byWire cuts and mends what connects the parts of the town, and kills its server.
func byWire(t *testing.T, town *town) {
	t.Helper()
	for _, c := range []desk.Camera{desk.CameraFrozen, desk.CameraLoop, desk.CameraUnplugged, desk.CameraJammed} {
		do(t, town, desk.Act{Do: desk.Film, To: string(c)})
		if got := town.State().Camera; got != c {
			t.Errorf("the camera is %s, not %s", got, c)
		}
	}
	refuses(t, town, desk.Act{Do: desk.Film, To: "burnt"}, "deed")
	refuses(t, town, desk.Act{Do: desk.Link, To: "burnt"}, "deed")
	do(t, town, desk.Act{Do: desk.Wire})
	if town.State().Wire {
		t.Error("the wire is whole")
	}
	do(t, town, desk.Act{Do: desk.Wire}, desk.Act{Do: desk.Link, To: string(desk.Customer)})
	if s := town.State(); !s.Wire || len(s.Cut) != 1 || s.Cut[desk.Customer] == 0 {
		t.Errorf("the wire is %v, the links are cut: %v", s.Wire, s.Cut)
	}
	do(t, town, desk.Act{Do: desk.Link, To: string(desk.Customer)})
	if s := town.State(); len(s.Cut) != 0 {
		t.Errorf("the link is not given back: %v", s.Cut)
	}
	do(t, town, desk.Act{Do: desk.Kill})
	if town.State().Server {
		t.Error("the server lives")
	}
	until(t, town, "the server runs again", func(s desk.State) bool { return s.Server })
}

// TestOneCanPlayIt delivers the parcel as a visitor does, by the desk alone: with a courier's page that is another
// phone, bound by the link.
func TestOneCanPlayIt(t *testing.T) {
	t.Parallel()
	town := opened(t)
	to := follow(t, town.front.url()+town.Offer(desk.Courier, ""))
	code, found := strings.CutPrefix(to, "/courier/pair#")
	if !found {
		t.Fatalf("the courier's link leads to %q", to)
	}
	p := town.camille(t.Context())
	err := p.perform(func() {
		p.catchUp()
		p.phones[karim] = p.pair(karim, code)
		if !town.State().Courier.Page {
			p.fail("nobody noticed that a page is the phone now")
		}
		d, page := town.now.delivery, p.courier(karim)
		v := page.approach(d)
		do(t, town, desk.Act{Do: desk.Come})
		until(t, town, "the courier is there", func(s desk.State) bool { return s.Courier.Metres == 0 })
		p.awaitPicture("")
		page.scan(v, d.parcels[0]).granted()
		p.awaitOpened("front-door")
		do(t, town, desk.Act{Do: desk.Push})
		p.awaitSeenOpen("front-door")
		page.leave(v).refused(event.NotSecured)
		page.deposit(v)
		do(t, town, desk.Act{Do: desk.Pull, Door: "lilas-front-door"})
		page.tellClose(v)
		p.awaitSecured("front-door")
		page.leave(v).granted()
	})
	if err != nil {
		t.Fatal(err)
	}
	pressedTwice(t, town)
	if s := town.State(); s.Parcel.Over || s.Courier.Metres < 700 {
		t.Errorf("the next parcel: %+v, the courier %+v", s.Parcel, s.Courier)
	}
	refuses(t, town, desk.Act{Do: desk.Another}, "underway")
	refuses(t, town, desk.Act{Do: desk.Another, Door: "lilas-front-door"}, "underway")
	refuses(t, town, desk.Act{Do: desk.Another, Door: "lices-volvo"}, "underway")
	refuses(t, town, desk.Act{Do: desk.Another, Door: "lys-volvo"}, "unshared")
	refuses(t, town, desk.Act{Do: desk.Another, Door: "lys-garage"}, "deed")
	walkOutside(t, town)
}

// pressedTwice has another parcel sent by two presses at once: one is sent.
func pressedTwice(t *testing.T, town *town) {
	t.Helper()
	answers := make(chan error)
	for range 2 {
		go func() { answers <- town.Do(t.Context(), desk.Act{Do: desk.Another}) }()
	}
	one, two := <-answers, <-answers
	var refusal *desk.Refusal
	if err := cmp.Or(one, two); !errors.As(err, &refusal) || refusal.Code != "underway" || one != nil && two != nil {
		t.Errorf("two presses: %v, %v", one, two)
	}
}

// follow opens a link as a browser does, and returns where it leads.
func follow(t *testing.T, address string) string {
	t.Helper()
	res, _ := asked(t, http.MethodGet, address, "", nil)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: %s", address, res.Status)
	}
	return res.Header.Get("Location")
}

// TestTheEndOfAStopIsNotThatOfTheNext: the scripted phone looks whether a delivery is over while the visitor may have the
// next one sent, whose label would be hidden then, and beside which one more could be sent.
func TestTheEndOfAStopIsNotThatOfTheNext(t *testing.T) {
	before, next := new(stop), new(stop)
	town := &town{changed: make(chan struct{}), now: next}
	town.endStop(before)
	if town.over {
		t.Error("the next stop is over with the one before")
	}
	town.endStop(next)
	town.endStop(before)
	if !town.over {
		t.Error("a stop that ended is not over")
	}
}
