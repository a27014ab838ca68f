package sign

import (
	"maps"
	"slices"

	"github.com/loquet/loquet/web/ui"
)

// Words is the catalogue.
func Words() ui.Words { return words }

// Ways are the addresses that everybody may ask.
func Ways() []string { return slices.Sorted(maps.Keys(ways)) }

// MineWays are those of one's own ways to sign in, without the base.
func MineWays() []string { return slices.Sorted(maps.Keys(mineWays)) }
