package audit_test

import (
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw6NoPictureNoOpening(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{
		{"no proof", filmed, edit("open", func(o *intended) { o.Camera = nil }), "no camera"},
		{"no camera", filmed, edit("open", func(o *intended) { o.Camera = &event.CameraProof{At: clock("10:40:08")} }), "no camera"},
		{"proven long ago", filmed, edit("open", func(o *intended) { o.Camera.At = clock("10:39:00") }), "was proven live at"},
		{"proven after", filmed, edit("open", func(o *intended) { o.Camera.At = clock("10:41:00") }), "was proven live at"},
	})
}

// TestLaw6HasNothingToLookAt where no site asks for a camera.
func TestLaw6HasNothingToLookAt(t *testing.T) {
	t.Parallel()
	if report := tell(home).check(t, audit.Options{}); report.Laws[5].Cases != 0 {
		t.Errorf("%d cases:\n%s", report.Laws[5].Cases, text(report))
	}
}
