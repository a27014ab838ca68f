package demo_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loquet/loquet/app/demo"
)

// TestEveryScenarioEndsAsItShould plays each scenario against the real binary, several at a time: most of their
// time is waiting for deadlines.
func TestEveryScenarioEndsAsItShould(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("plays for minutes; make test does")
	}
	for _, name := range demo.Names() {
		if !slices.Contains(demo.Cars(), name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ends(t, name)
			})
		}
	}
}

// TestEveryCarEndsAsItShould plays the scenarios with cars all at once: they wait even longer, for makers' clouds that are
// asked every few seconds, and for a handle that is free for two minutes.
func TestEveryCarEndsAsItShould(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("plays for minutes; make test does")
	}
	var under sync.WaitGroup
	for _, name := range demo.Cars() {
		under.Go(func() { ends(t, name) })
	}
	under.Wait()
}

// ends plays a scenario.
func ends(t *testing.T, name string) {
	t.Helper()
	var out bytes.Buffer
	ok, err := demo.Run(t.Context(), demo.Options{Names: []string{name}, Out: &out, JSON: true, Program: demo.Program(t)})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	r := lastLine(t, out.String())
	if !ok || !r.OK || r.Violations != 0 || r.Scenario != name {
		t.Errorf("%+v\n%s", r, out.String())
	}
}

// lastLine decodes what --json prints last.
func lastLine(t *testing.T, out string) (r demo.Result) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	dec := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Errorf("the last line is no result: %v\n%s", err, out)
	}
	return r
}

func TestScenariosOfTheSpecificationAreThere(t *testing.T) {
	want := "home garage two-barriers one-time-code shared-visit two-couriers plan-b wrong-parcel wrong-courier wrong-place " +
		"too-early too-late double-scan block-before block-after lock-offline unlock-unknown jammed ajar never-closed " +
		"dwell-too-long resident-comes-home unprovable replayed-message foreign-opening crash-after-intent crash-after-command " +
		"camera-home camera-frozen camera-lost-during-visit camera-loop no-camera-required " +
		"trunk cabin-too-large car-moved car-too-far car-underground car-asleep car-stale-position trunk-window-passed trunk-left-ajar " +
		"car-wont-lock car-cloud-down car-rate-limited consent-revoked"
	if got := strings.Join(demo.Names(), " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnUnknownScenarioIsNamed(t *testing.T) {
	_, err := demo.Run(t.Context(), demo.Options{Names: []string{"nobody-knows"}, Out: &bytes.Buffer{}})
	if err == nil || !strings.Contains(err.Error(), "nobody-knows") {
		t.Errorf("got %v", err)
	}
}

func TestTheListNamesEachWithItsStory(t *testing.T) {
	var out bytes.Buffer
	demo.List(&out)
	if got := strings.Count(out.String(), "\n"); got != len(demo.Names()) {
		t.Errorf("%d lines", got)
	}
}
