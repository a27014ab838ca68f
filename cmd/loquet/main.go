// Command loquet serves unattended deliveries; see the README.
package main

import (
	"os"

	"github.com/loquet/loquet/app"
)

func main() { os.Exit(app.Main(os.Args[1:])) }
