// Command powercut is loquet over a disk that can lose its power: killed at any moment, it leaves in the folder
// LOQUET_MIRROR what the disk would then hold, which is all that was synced and some of the rest.
package main

import (
	"fmt"
	"os"

	"github.com/loquet/loquet/app"
)

func main() {
	if err := forget(os.Getenv("LOQUET_MIRROR"), os.Getenv("LOQUET_NO_SYNC") != ""); err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(2)
	}
	os.Exit(app.Main(os.Args[1:]))
}
