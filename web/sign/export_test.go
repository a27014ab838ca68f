package sign

import "github.com/loquet/loquet/web/ui"

// Words is the catalogue.
func Words() ui.Words { return words }
