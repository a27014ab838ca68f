package customer_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
)

// pushPage is what a browser's page is, and remembers, for the scripts of push messages.
type pushPage struct {
	Member     string   `json:"member"`
	Session    string   `json:"session"`
	Remembered string   `json:"remembered"`
	Subscribed bool     `json:"subscribed"`
	Answered   string   `json:"answered"`
	Devices    []string `json:"devices"`
	Removes    string   `json:"removes"`
}

// pushed is what came of it.
type pushed struct {
	Sent, Shown []string
	Kept, ID    string
	Subscribed  bool
}

func (p pushPage) run(t *testing.T) pushed {
	t.Helper()
	data, err := json.Marshal(p)
	must(t, err)
	out, err := exec.CommandContext(t.Context(), "node", "testdata/keep.mjs", string(data)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got pushed
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}

const (
	subscribedAt = "/home/notifications?done=subscribed"
	// pushID is the device that https://push.example/1 is.
	pushID = "3124486b9a72da2dc263c66f5fc21cee"
)

// A browser that somebody has had receive push messages says so again in each session of that person's, once, and in
// nobody else's. What was refused is not taken for done.
func TestPushIsAskedForAgainInANewSession(t *testing.T) {
	const again = "/home/notifications/devices https://push.example/1"
	for name, c := range map[string]struct {
		session, remembered string
		subscribed          bool
		answered            string
		sent                int
		kept                string
	}{
		"a new session":                {"s2", "maple-m2 s1", true, subscribedAt, 1, "maple-m2 s2"},
		"the same session":             {"s1", "maple-m2 s1", true, subscribedAt, 0, "maple-m2 s1"},
		"somebody else in this tablet": {"s2", "maple-m3 s1", true, subscribedAt, 0, "maple-m3 s1"},
		"never asked for":              {"s1", "", true, subscribedAt, 0, ""},
		"taken back in the browser":    {"s2", "maple-m2 s1", false, subscribedAt, 0, "maple-m2 s1"},
		"refused: tried again later":   {"s2", "maple-m2 s1", true, "/home/notifications?not=devices", 2, "maple-m2 s1"},
		"signed out: tried again":      {"s2", "maple-m2 s1", true, "/sign-in?next=%2Fhome%2F", 2, "maple-m2 s1"},
	} {
		got := pushPage{Member: "maple-m2", Session: c.session, Remembered: c.remembered, Subscribed: c.subscribed, Answered: c.answered}.run(t)
		if len(got.Sent) != c.sent || c.sent > 0 && got.Sent[0] != again || got.Kept != c.kept {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The page says that this browser is told only where the server lists it for this person, and what is removed here is not told again.
func TestWhetherThisBrowserIsTold(t *testing.T) {
	on, ask := []string{"[data-push-on]"}, []string{"[data-push-ask]"}
	ours := pushPage{Member: "maple-m2", Session: "s1", Remembered: "maple-m2 s1", Subscribed: true, Answered: subscribedAt, Devices: []string{"other", pushID}}
	removed, beside := ours, ours
	removed.Removes, beside.Removes = pushID, "other"
	elses := ours
	elses.Devices = []string{"other"}
	none := ours
	none.Devices = []string{}
	for name, c := range map[string]struct {
		page       pushPage
		shown      []string
		kept       string
		subscribed bool
	}{
		"listed":            {ours, on, "maple-m2 s1", true},
		"not listed":        {elses, ask, "maple-m2 s1", true},
		"nothing is listed": {none, ask, "maple-m2 s1", true},
		"removed here":      {removed, ask, "", false},
		"another removed":   {beside, on, "maple-m2 s1", true},
	} {
		if got := c.page.run(t); !slices.Equal(got.Shown, c.shown) || got.Kept != c.kept || got.Subscribed != c.subscribed || got.ID != pushID {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
