package operator

import (
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestWords(t *testing.T) { uitest.CheckWords(t, ".", words) }

// Every reason of an alarm has a guide, and every code that the pages look up has words.
func TestWordsForEveryCode(t *testing.T) {
	for _, reason := range []event.AlarmReason{event.AlarmDwell, event.AlarmAjar, event.AlarmJammed, event.AlarmNotClosed, event.AlarmUnknown,
		event.AlarmDanger, event.AlarmReopened, event.AlarmUnreached, event.AlarmCodeStuck, event.AlarmPicture} {
		for _, n := range []string{".1", ".2", ".3"} {
			if !words.Has("guide." + string(reason) + n) {
				t.Errorf("no words for guide.%s%s", reason, n)
			}
		}
	}
	for _, c := range causes {
		if !words.Has("cause." + string(c)) {
			t.Errorf("no words for the cause %s", c)
		}
	}
}
