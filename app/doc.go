// Package app is configuration, wiring and the subcommands of loquet. It is the outermost ring of the house and
// the only package that imports implementations; its tests hold the house to its architecture.
package app
