package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Result is how a scenario ended: the last line of --json.
type Result struct {
	Scenario string `json:"scenario"`
	// State of the delivery that the scenario is about.
	State string `json:"state"`
	// Openings counts commands sent that open a barrier or set a code.
	Openings int `json:"openings"`
	// Secured: every barrier that was opened is proven shut at the end.
	Secured    bool `json:"secured"`
	Violations int  `json:"violations"`
	// OK: it ended as it should, and the audit found nothing.
	OK bool `json:"ok"`
	// Why it is not OK.
	Problem string `json:"problem,omitempty"`
}

// report tells a scenario while it plays: to a person, or to a machine.
type report struct {
	mu    sync.Mutex
	out   io.Writer
	json  bool
	color bool
	// pace is how long people take between two things, so that a reader can follow.
	pace time.Duration
}

// line is one moment of the timeline.
type line struct {
	At   string `json:"at"`
	Who  string `json:"who"`
	What string `json:"what"`
}

func (r *report) title(name, text string) {
	if r.json {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "\n%s  %s\n\n", r.paint(bold, name), text)
}

func (r *report) tell(at time.Time, who, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clock := at.Local().Format("15:04:05.000")
	if r.json {
		r.encode(line{clock, who, what})
		return
	}
	fmt.Fprintf(r.out, "  %s  %s %s\n", r.paint(faint, clock), r.paint(colorOf(who), fmt.Sprintf("%-9s", who)), what)
}

func (r *report) result(v Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json {
		r.encode(v)
		return
	}
	secured := "not proven shut"
	if v.Secured {
		secured = "proven shut and locked"
	}
	if v.Openings == 0 {
		secured = "nothing was opened"
	}
	mark := r.paint(green, "as it should be")
	if !v.OK {
		mark = r.paint(red, "NOT as it should be: "+v.Problem)
	}
	fmt.Fprintf(r.out, "\n  delivery: %s · orders to open: %d · %s · audit: %s\n  %s\n",
		v.State, v.Openings, secured, plural(v.Violations, "violation"), mark)
}

// encode writes one line for machines; where the output is gone there is nobody to tell.
func (r *report) encode(v any) {
	data, err := json.Marshal(v)
	if err == nil {
		fmt.Fprintf(r.out, "%s\n", data)
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Colours of a terminal (ECMA-48).
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
)

func (r *report) paint(code, text string) string {
	if !r.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// colorOf gives each kind of actor its colour: people cyan, what was recorded blue, what devices say green.
func colorOf(who string) string {
	switch strings.TrimSpace(who) {
	case "loquet":
		return "34"
	case "door", "car", "device":
		return "32"
	case "crash":
		return "31"
	default:
		return "36"
	}
}
