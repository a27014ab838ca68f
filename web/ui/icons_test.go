package ui_test

import (
	"encoding/xml"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// sprite is the drawings, by name.
func sprite(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("icons/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Symbols []struct {
			ID      string `xml:"id,attr"`
			ViewBox string `xml:"viewBox,attr"`
			Inside  string `xml:",innerxml"`
		} `xml:"symbol"`
	}
	if err := xml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range file.Symbols {
		if _, twice := found[s.ID]; twice || s.ViewBox != "0 0 24 24" {
			t.Errorf("%s stands twice, or is not on the grid: %q", s.ID, s.ViewBox)
		}
		found[s.ID] = s.Inside
	}
	return found
}

func TestDrawings(t *testing.T) {
	drawn := sprite(t)
	kinds := []event.BarrierKind{event.FrontDoor, event.Lobby, event.Flat, event.Gate, event.Garage, event.Fridge, event.ParcelBox, event.KeyDesk,
		event.Trunk, event.Cabin, event.RobotBay}
	names := []string{"camera", "bolt"}
	for _, k := range kinds {
		names = append(names, ui.IconOf(k))
	}
	seen := map[string]string{}
	for _, name := range names {
		shut, open := drawn[name], drawn[name+"-open"]
		if shut == "" || open == "" || shut == open {
			t.Errorf("%s is not drawn in two ways", name)
		}
		for _, body := range []string{shut, open} {
			if other, ok := seen[body]; ok {
				t.Errorf("%s is drawn like %s", name, other)
			}
			seen[body] = name
		}
	}
	if ui.IconOf("something new") != "door" {
		t.Error("a new kind of barrier has no drawing")
	}
	states := map[string]ui.State{}
	for _, s := range []ui.State{ui.Secured, ui.Open, ui.Alarming, ui.Underway, ui.Refused, ui.Unknown, ui.Neutral} {
		body := drawn["state-"+string(s)]
		if other, taken := states[body]; body == "" || taken {
			t.Errorf("the state %s has no icon, or that of %s", s, other)
		}
		states[body] = s
	}
	for _, name := range []string{"padlock-shut", "padlock-open", "padlock-unknown", "step-done", "step-now", "step-later", "step-failed"} {
		if drawn[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for name, body := range drawn {
		if !strings.Contains(body, `stroke="currentColor" stroke-width="2"`) || strings.Contains(body, "style=") || strings.Contains(body, "#") {
			t.Errorf("%s is not drawn in two pixels of the text's colour", name)
		}
	}
}

// TestNamedDrawingsExist: whatever the components name is in the sprite.
func TestNamedDrawingsExist(t *testing.T) {
	drawn := sprite(t)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".templ") {
			continue
		}
		for _, m := range regexp.MustCompile(`@Icon\("([a-z-]+)", |\+ "#([a-z-]+)"`).FindAllStringSubmatch(style(t, f.Name()), -1) {
			if name := m[1] + m[2]; !strings.HasSuffix(name, "-") && drawn[name] == "" {
				t.Errorf("%s names %s, which is not drawn", f.Name(), name)
			}
		}
	}
}
