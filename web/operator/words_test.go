package operator

import (
	"strconv"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestWords(t *testing.T) { uitest.CheckWords(t, ".", words) }

// Every reason of an alarm has a guide, and every code that the pages look up has words.
func TestWordsForEveryCode(t *testing.T) {
	for _, reason := range []event.AlarmReason{event.AlarmDwell, event.AlarmAjar, event.AlarmJammed, event.AlarmNotClosed, event.AlarmUnknown,
		event.AlarmDanger, event.AlarmReopened, event.AlarmUnreached, event.AlarmCodeStuck, event.AlarmPicture, event.AlarmNotLocked} {
		for _, n := range []string{".1", ".2", ".3"} {
			if !words.Has("guide." + string(reason) + n) {
				t.Errorf("no words for guide.%s%s", reason, n)
			}
		}
	}
	for _, reason := range []event.AlarmReason{event.AlarmAjar, event.AlarmJammed, event.AlarmNotClosed, event.AlarmUnknown, event.AlarmDanger,
		event.AlarmReopened, event.AlarmUnreached, event.AlarmNotLocked} {
		car := &visitView{visitRow: visitRow{BoardVisit: api.BoardVisit{Visit: api.Visit{Alarm: &api.Alarm{Reason: reason}}}, focus: &api.Step{Is: event.Cabin}}}
		for n := 1; n <= 3; n++ {
			if key := car.guideKey(n); key != "guide.car."+string(reason)+"."+strconv.Itoa(n) {
				t.Errorf("of a car's alarm %s is said %s", reason, key)
			}
		}
		if car.focus.Is = event.FrontDoor; car.guideKey(1) != "guide."+string(reason)+".1" {
			t.Errorf("of a door's alarm %s is said %s", reason, car.guideKey(1))
		}
	}
	for _, c := range causes {
		if !words.Has("cause." + string(c)) {
			t.Errorf("no words for the cause %s", c)
		}
	}
}
