package operator

import (
	_ "embed"

	"github.com/loquet/loquet/web/ui"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

// words are what the console says, beside the words of the core (package phrase).
var words = ui.MustWords(english, french)
