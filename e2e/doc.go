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
// be held just where it matters, disk_test.go disks that are small or can't be written, forgetful_test.go
// a disk that forgets, stage_test.go what stands around a server, people_test.go who speaks to it, visit_test.go
// a courier and a pair of hands who don't give up, verdict_test.go what is compared afterwards.
//
// LOQUET_KILLS=1000 go test -timeout 60m -run TestWitness ./e2e kills that many visits (60 when unset, fewer with
// -short), and -v prints how they ended. LOQUET_RACE=1 builds the program with the race detector.
package e2e
