package customer

import (
	_ "embed"

	"github.com/loquet/loquet/web/ui"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

// words are what the household's pages say, beside the words of the core (package phrase).
var words = ui.MustWords(english, french)

// keyFor is where the words for a car stand, as far as it has words of its own; else those of any place.
func keyFor(car bool, key string) string {
	if own := key + ".car"; car && words.Has(own) {
		return own
	}
	return key
}
