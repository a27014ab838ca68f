// Package e2e holds tests of the loquet binary from outside: it is built once, run as a process, spoken to over
// its public HTTP API and a real broker, and killed.
//
//	witness_test.go   mosquitto, a witness on all topics of commands, and SIGKILL at every point of a visit
//	powercut_test.go  the same, on files that lose whatever was not synced
//	twice_test.go     two scans at the same instant; two processes on one folder
//	world_test.go     no broker, no room, no right to write, wrong clocks, stolen sessions, things played again
//	script_test.go    the command line, as scripts in testdata
//
// The rest are the parts of the stage: process_test.go the server, wire_test.go a line to the broker that can
// be held just where it matters, stage_test.go what stands around the server, people_test.go who speaks to it,
// visit_test.go a courier and a pair of hands who don't give up, verdict_test.go what is compared afterwards.
//
// LOQUET_KILLS says how many visits the witness's test kills (60 when unset).
package e2e
