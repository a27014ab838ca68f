package ui

import (
	"cmp"
	"context"
	"strings"

	"github.com/a-h/templ"
)

func (p Picture) width() int  { return cmp.Or(p.Width, 640) }
func (p Picture) height() int { return cmp.Or(p.Height, 360) }

func (p Picture) attributes() templ.OrderedAttributes {
	state := "still"
	switch {
	case p.Lost != "" || p.Src == "" && !p.Live:
		state = "lost"
	case p.Live:
		state = "live"
	}
	return set("data-picture", state, "data-player", p.Player)
}

// gone is what a live picture is called once it is not live any more.
func (p Picture) gone(ctx context.Context) string {
	if p.Newest == "" {
		return own.T(ctx, "picture.stale")
	}
	return own.T(ctx, "picture.lost", "time", p.Newest)
}

// pairsOf cuts a code into pairs.
func pairsOf(digits string) []string {
	var pairs []string
	for r := []rune(digits); len(r) > 0; r = r[min(2, len(r)):] {
		pairs = append(pairs, string(r[:min(2, len(r))]))
	}
	return pairs
}

// spelled puts a comma between all characters, so that they are read one by one: codes, plates.
func spelled(s string) string { return strings.Join(strings.Split(s, ""), ", ") }
