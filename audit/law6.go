package audit

import (
	"github.com/loquet/loquet/event"
)

// mostPictureAge is how long before an opening its camera may have been proven live.
const mostPictureAge = 30 * event.Second

// law6 asks of each opening at a site that wants a camera whether one was proven live just before. Without such a
// site there is nothing to look at.
func law6(x *exam) {
	for _, o := range every[event.OpeningIntended](x.history) {
		if rules, _ := x.rules(o.pos); rules.Camera {
			x.judge(o.pos, picture(o).about("%s to open %s", o.body.Permit.ID, o.body.Permit.Barrier))
		}
	}
}

func picture(o intent) (f faults) {
	proof := o.body.Camera
	if proof == nil || proof.Camera == "" {
		f.need(false, "no camera was proven live")
		return f
	}
	age := o.at.Since(proof.At)
	f.need(age >= 0 && age <= mostPictureAge, "the camera was proven live at %s, and it opened at %s", proof.At, o.at)
	return f
}
