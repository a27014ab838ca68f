package customer

import "github.com/loquet/loquet/web/ui"

// Words are the catalogue, for its test.
func Words() ui.Words { return words }
