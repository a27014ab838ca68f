package sign

import (
	_ "embed"

	"github.com/loquet/loquet/web/ui"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

// words are what the sign-in pages say.
var words = ui.MustWords(english, french)
