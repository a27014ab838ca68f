package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// used is what a process has taken so far.
type used struct {
	cpu      time.Duration
	resident int64 // bytes
}

// tick is the unit of times in /proc, fixed at 100 a second on Linux.
const tick = 10 * time.Millisecond

// usage reads it from /proc (proc(5)).
func usage(pid int) (used, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return used{}, err
	}
	// The name of the program, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	pages, err3 := strconv.ParseInt(fields[21], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return used{}, fmt.Errorf("/proc/%d/stat can't be read", pid)
	}
	return used{cpu: time.Duration(user+system) * tick, resident: pages * int64(os.Getpagesize())}, nil
}
