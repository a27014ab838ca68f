package customer_test

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// A browser that somebody has had receive push messages says so again in each session of that person's, once, and in
// nobody else's.
func TestPushIsAskedForAgainInANewSession(t *testing.T) {
	const again = "/home/notifications/devices https://push.example/1"
	for name, c := range map[string]struct {
		session, remembered, subscribed string
		sent                            int
		kept                            string
	}{
		"a new session":                {"s2", "maple-m2 s1", "yes", 1, "maple-m2 s2"},
		"the same session":             {"s1", "maple-m2 s1", "yes", 0, "maple-m2 s1"},
		"somebody else in this tablet": {"s2", "maple-m3 s1", "yes", 0, "maple-m3 s1"},
		"never asked for":              {"s1", "", "yes", 0, ""},
		"taken back in the browser":    {"s2", "maple-m2 s1", "no", 0, "maple-m2 s1"},
	} {
		out, err := exec.CommandContext(t.Context(), "node", "testdata/keep.mjs", "maple-m2", c.session, c.remembered, c.subscribed).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got struct {
			Sent []string
			Kept string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if len(got.Sent) != c.sent || c.sent > 0 && got.Sent[0] != again || got.Kept != c.kept {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
