package device

import "context"

// Purpose is what a question or a command is for. A maker limits how often it may be asked: then the lesser purposes
// wait, so that a visit that has begun can be ended.
type Purpose int

// Purposes, the least urgent first.
const (
	// CanWait: nobody's visit depends on it. A car is looked at long before, is being enrolled, or somebody is curious.
	CanWait Purpose = iota
	// Seeking looks for the vehicle of a visit.
	Seeking
	// Opening opens, and asks just before.
	Opening
	// Watching asks while something may stand open.
	Watching
	// Securing locks or closes, and asks right after that whether it came true.
	Securing
)

type purposeKey struct{}

// For returns a context for calls with that purpose.
func For(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

// PurposeOf is the purpose of calls with a context: CanWait unless For said otherwise.
func PurposeOf(ctx context.Context) Purpose {
	p, _ := ctx.Value(purposeKey{}).(Purpose)
	return p
}
