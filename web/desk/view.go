package desk

import (
	"context"
	"strconv"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

var cameras = []Camera{CameraLive, CameraFrozen, CameraLoop, CameraUnplugged, CameraJammed}

// leaf is how the door stands: "open", "ajar" or "shut".
func (d Door) leaf() string {
	switch {
	case d.Ajar:
		return "ajar"
	case d.Contact == event.ContactOpen:
		return "open"
	}
	return "shut"
}

// The desk shows what is, not what is proven: a door that is shut is not green here.
func (d Door) leafState() ui.State {
	switch d.leaf() {
	case "ajar":
		return ui.Alarming
	case "open":
		return ui.Open
	}
	return ui.Neutral
}

func (d Door) boltState() ui.State {
	switch d.Bolt {
	case event.BoltJammed:
		return ui.Alarming
	case event.BoltUnlocked:
		return ui.Open
	case event.BoltLocked, event.BoltUnknown:
	}
	return ui.Neutral
}

// said is the door in words.
func (d Door) said(ctx context.Context) string {
	said := words.T(ctx, "door."+d.leaf())
	if d.Bolt != "" {
		said += ", " + words.T(ctx, "bolt."+string(d.Bolt))
	}
	return said
}

// drawn is which drawing it has.
func (d Door) drawn() string {
	switch {
	case d.Car != nil:
		return "car"
	case d.Is == event.Garage:
		return "garage"
	}
	return "door"
}

// of is a key of the catalogue for what doors and cars have, and say in other words.
func (d Door) of(key string) string {
	if d.Car != nil {
		return "car." + key
	}
	return key
}

// away is how far the car stands from its address.
func (c *Car) away(ctx context.Context) string {
	key := "car.away"
	if c.Away > c.Within {
		key = "car.far"
	}
	return words.T(ctx, key, "metres", strconv.Itoa(c.Away), "within", strconv.Itoa(c.Within))
}

// drives are where a car can be driven.
var drives = []string{"near", "far", "home"}

// turns names what turning the lock by hand does now.
func (d Door) turns() string {
	switch {
	case d.Bolt == event.BoltLocked:
		return "unlock"
	case d.Bolt != "":
		return "lock"
	}
	return "wall"
}

// sentence is the door that is in the hands, as the page's title.
func (b board) sentence(ctx context.Context) string {
	return words.T(ctx, "title", "door", b.door.Name, "how", b.door.said(ctx))
}

// kindOf makes the one thing primary that hands would do next.
func (b board) kindOf(d Deed) ui.Kind {
	open := b.door.Contact == event.ContactOpen
	if d == Pull && open || d == Push && !open && b.door.Bolt == event.BoltUnlocked {
		return ui.Primary
	}
	return ui.Secondary
}

// far is where the courier's way begins, in metres.
const far = 780

// Come is how much of the way is behind the courier, in percent.
func (w Walk) Come() int { return max(0, 100-w.Metres*100/far) }

func (w Walk) sentence(ctx context.Context) string {
	key := "walk.stands"
	switch {
	case w.There():
		key = "walk.there"
	case w.Walking:
		key = "walk.walks"
	}
	return words.T(ctx, key, "name", w.Name, "metres", strconv.Itoa(w.Metres))
}

// steps are a story's, with the one that plays.
func (s *Story) steps(ctx context.Context) []ui.Step {
	var shown []ui.Step
	now := false
	for _, step := range s.Steps {
		state := ui.StepLater
		switch {
		case step.Done:
			state = ui.StepDone
		case !now && s.Broken:
			state, now = ui.StepFailed, true
		case !now:
			state, now = ui.StepNow, true
		}
		shown = append(shown, ui.Step{Text: words.T(ctx, "step."+step.Key), State: state})
	}
	return shown
}

func (a *Audit) sentence(ctx context.Context) string {
	return words.T(ctx, "audit.found", "n", strconv.Itoa(a.Violations), "cases", strconv.Itoa(a.Cases), "time", a.At.Local().Format("15:04:05"))
}

func (b button) kind() ui.Kind {
	if b.Kind == "" {
		return ui.Secondary
	}
	return b.Kind
}

// id tells the button's meaning, so that another one in its place does not take its tap.
func (b button) id() string { return string(b.Do) + "-" + b.Door + "-" + b.To }

func (b button) pressed() templ.Attributes {
	if !b.Switch {
		return nil
	}
	return templ.Attributes{"aria-pressed": strconv.FormatBool(b.On)}
}
