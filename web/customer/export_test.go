package customer

import (
	"maps"
	"slices"

	"github.com/loquet/loquet/web/ui"
)

// Words are the catalogue, for its test.
func Words() ui.Words { return words }

// Patterns are all addresses of the app.
func Patterns() []string { return slices.Sorted(maps.Keys(pages)) }

// Parts that are tested by themselves.
var (
	Estimate      = estimate
	PositionTyped = positionTyped
	MinutesTyped  = minutesTyped
	HoursSaid     = hoursSaid
	VTTText       = vttText
	Offset        = offset
	NewSealed     = newSealed
)
