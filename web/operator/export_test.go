package operator

import (
	"context"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// What is asked of pages that can't be brought about from outside.
var (
	FocusOf = focusOf
	Insist  = insist
)

// BookFile books the lines of a file in somebody's name as it is done behind the page, but for those that are booked
// already, and returns what became of each line, and the stage at which the file is left.
func (c *Console) BookFile(ctx context.Context, who auth.Staff, token, csv string, already ...int) (outcomes []string, at string, err error) {
	lines, err := readCSV([]byte(csv))
	if err != nil {
		return nil, "", err
	}
	f := &file{head: head{ID: "a-file", By: who.ID(), At: event.InstantOf(c.Now()), Stage: stageBooking}}
	for _, l := range lines {
		f.Lines = append(f.Lines, fileLine{csvLine: l, Outcome: lineReady})
	}
	for _, i := range already {
		f.Lines[i].Outcome = lineBooked
	}
	err = c.imports.run(f, work{asker{c, who.Client(), phrase.English, 1}, token, who.Role()})
	for _, l := range f.Lines {
		outcomes = append(outcomes, string(l.Outcome))
	}
	return outcomes, string(f.Stage), err
}

// Addresses are the patterns of every way into the console.
func Addresses() []string {
	var all []string
	for _, w := range ways() {
		all = append(all, w.pattern)
	}
	return all
}
