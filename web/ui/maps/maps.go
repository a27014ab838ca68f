// Package maps is the map that the apps share: a library of its own, what draws it in the colours of the pages, the
// countries of the world that come with the server, and the operator's own map of streets, if there is one. Everything
// is served from here, and nothing of it is loaded before a page is asked for a map.
package maps

import (
	"embed"

	"github.com/loquet/loquet/web/ui"
)

//go:embed css js vendored
var files embed.FS

// Embed adds the map's files to the kit's, once: call it before the kit's files are served.
func Embed(k *ui.Kit) error { return k.Embed("maps", files) }
