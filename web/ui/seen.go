package ui

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/a-h/templ"
)

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// attributes: a reading that is over from the beginning is marked so by the server.
func (r Reading) attributes() templ.OrderedAttributes {
	if r.Age >= r.Fresh {
		return templ.OrderedAttributes{{Key: "data-over", Value: "true"}}
	}
	return templ.OrderedAttributes{{Key: "data-age", Value: millis(r.Age)}, {Key: "data-fresh", Value: millis(r.Fresh)}}
}

func (r Reading) gone(ctx context.Context) string {
	return cmp.Or(r.Gone, own.T(ctx, "state.unknown"))
}

func (p Part) reading() Reading {
	if !p.Heard {
		return Reading{Was: p.Was, Gone: p.Gone}
	}
	return Reading{Age: p.Age, Fresh: p.Fresh, Was: p.Was, Gone: p.Gone}
}

// padlock is the badge's drawing.
func (p Part) padlock() string {
	switch {
	case !p.known():
		return "padlock-unknown"
	case p.Wide:
		return "padlock-open"
	}
	return "padlock-shut"
}

func drawing(name string, open bool) string {
	if open {
		return name + "-open"
	}
	return name
}
