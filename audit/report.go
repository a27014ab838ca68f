package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loquet/loquet/event"
)

// Violation is one place in a journal where a law was broken.
type Violation struct {
	Site event.SiteID `json:"site,omitempty"`
	// Seq is the sequence of the event; 0 when it is about no single event.
	Seq uint64 `json:"seq,omitempty"`
	// What was wrong, in plain words.
	What string `json:"what"`
}

// Remark counts something that is no violation, and that a reader should know of.
type Remark struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// LawReport is what was found about one law.
type LawReport struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	// Cases is how many openings, blocks, ends and so on the law was held against.
	Cases      int         `json:"cases"`
	Remarks    []Remark    `json:"remarks,omitempty"`
	Violations []Violation `json:"violations"`
}

// Report is what an audit found: one entry for each law, in order.
type Report struct {
	Laws []LawReport `json:"laws"`
}

func newReport() Report {
	r := Report{Laws: make([]LawReport, len(laws))}
	for i, l := range laws {
		r.Laws[i] = LawReport{Number: i + 1, Name: l.name, Violations: []Violation{}}
	}
	return r
}

// OK says whether no law was broken.
func (r Report) OK() bool { return r.Count() == 0 }

// Count returns how many violations there are.
func (r Report) Count() int {
	n := 0
	for _, l := range r.Laws {
		n += len(l.Violations)
	}
	return n
}

func (r Report) sort() {
	for _, l := range r.Laws {
		slices.SortFunc(l.Violations, func(a, b Violation) int {
			return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.What, b.What))
		})
	}
}

// WriteText writes the report for a person at a terminal.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, l := range r.Laws {
		fmt.Fprintf(&b, "Law %-3d %-40s %8s   %s\n", l.Number, l.Name, count(l.Cases, "case"), l.verdict())
		for _, m := range l.Remarks {
			fmt.Fprintf(&b, "        %d × %s\n", m.Count, m.What)
		}
		for _, v := range l.Violations {
			fmt.Fprintf(&b, "        %s: %s\n", v.place(), v.What)
		}
	}
	if n := r.Count(); n > 0 {
		fmt.Fprintf(&b, "\n%s.\n", count(n, "violation"))
	} else {
		b.WriteString("\nNo violation.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the report for a program.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (l LawReport) verdict() string {
	switch {
	case len(l.Violations) > 0:
		return strings.ToUpper(count(len(l.Violations), "violation"))
	case l.Cases == 0:
		return "nothing to look at"
	default:
		return "holds"
	}
}

func (v Violation) place() string {
	switch {
	case v.Site == "":
		return "installation"
	case v.Seq == 0:
		return string(v.Site)
	default:
		return fmt.Sprintf("%s #%d", v.Site, v.Seq)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (l *LawReport) violate(site event.SiteID, seq uint64, what string) {
	l.Violations = append(l.Violations, Violation{site, seq, what})
}

func (l *LawReport) remark(what string) {
	i := slices.IndexFunc(l.Remarks, func(r Remark) bool { return r.What == what })
	if i < 0 {
		i = len(l.Remarks)
		l.Remarks = append(l.Remarks, Remark{What: what})
	}
	l.Remarks[i].Count++
}

// faults are what is wrong with one case.
type faults []string

// need notes a fault unless what is needed holds.
func (f *faults) need(holds bool, otherwise string, args ...any) {
	if !holds {
		*f = append(*f, fmt.Sprintf(otherwise, args...))
	}
}

// about names the case before its faults.
func (f faults) about(what string, args ...any) faults {
	if len(f) == 0 {
		return nil
	}
	return faults{fmt.Sprintf(what, args...) + ": " + f.String()}
}

func (f faults) String() string { return strings.Join(f, "; ") }
