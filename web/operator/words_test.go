package operator

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
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

// What other projects made is what the README says.
func TestVendoredFilesAreAsTheirPackagesHaveThem(t *testing.T) {
	table, err := os.ReadFile("vendored/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(table), -1)
	if len(rows) != 6 {
		t.Fatalf("%d files are listed", len(rows))
	}
	for _, row := range rows {
		data, err := os.ReadFile("vendored/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != row[2] {
			t.Errorf("%s is not the file of the package", row[1])
		}
	}
}
