package broker

import (
	"context"
	"log/slog"
	"slices"
)

// discreet keeps what devices and the server say to each other out of the log: the library logs whole packets where one
// fails, with passwords and door codes.
type discreet struct{ slog.Handler }

// contents are the names under which the library logs what was said.
var contents = []string{"pk", "packet", "will", "payload"}

// Handle passes a record on without what was said.
func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if !slices.Contains(contents, a.Key) {
			clean.AddAttrs(a)
		}
		return true
	})
	return d.Handler.Handle(ctx, clean)
}

// WithAttrs is a logger's With.
func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discreet{d.Handler.WithAttrs(attrs)}
}

// WithGroup is a logger's WithGroup.
func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.Handler.WithGroup(name)} }
