package live

import (
	"embed"
	"io/fs"
)

//go:embed player/*.mjs player/*.txt
var player embed.FS

// Player holds the scripts that a page needs: live.mjs, which imports the others from the same folder. They are to be
// served as text/javascript.
func Player() fs.FS {
	sub, err := fs.Sub(player, "player")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}
