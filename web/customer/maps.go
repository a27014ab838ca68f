package customer

import (
	"context"
	"strconv"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/web/ui/maps"
)

// streetsPath is where a map asks for the operator's own map of streets.
const streetsPath = "/home/map"

func (p *person) streets() maps.Streets {
	return maps.Streets{Folder: p.Tiles, Path: streetsPath, Log: p.Log}
}

func (p *person) tellStreets() { p.streets().Tell(p.w, p.r) }

func (p *person) serveStreets() { p.streets().Serve(p.w, p.r, p.r.PathValue("name")) }

// mapWords are what a map says by itself.
func mapWords(ctx context.Context) templ.OrderedAttributes {
	return templ.OrderedAttributes{{Key: "data-open-text", Value: words.T(ctx, "map.open")}, {Key: "data-grid-text", Value: words.T(ctx, "map.grid")},
		{Key: "data-failed-text", Value: words.T(ctx, "map.failed")}}
}

// degrees is one of a position's two numbers, as they are typed: good to a metre.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }
