// Package app puts the parts together: configuration, wiring and the subcommands of the one binary. It is the
// only package that imports implementations.
//
//	cli.go      the command line
//	config.go   what serve can be told, by flag or environment
//	server.go   builds a server from its parts, runs it, ends it
//	admin.go    the local socket: what only somebody at the machine may do (links, pairing codes, keys)
//	broker.go   the embedded broker and its devices' accounts
//	metrics.go  counts for Prometheus
//	auditing.go loquet audit
package app
