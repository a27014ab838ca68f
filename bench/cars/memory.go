package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// memory is what this process holds resident, and the most that it held, in bytes.
type memory struct{ resident, peak int64 }

func (m memory) now() float64  { return float64(m.resident) / (1 << 20) }
func (m memory) most() float64 { return float64(m.peak) / (1 << 20) }

// usedMemory reads it (proc(5)).
func usedMemory() (m memory, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(status)) {
		for name, into := range map[string]*int64{"VmRSS:": &m.resident, "VmHWM:": &m.peak} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				if _, err := fmt.Sscanf(rest, "%d kB", into); err != nil {
					return m, err
				}
				*into <<= 10
			}
		}
	}
	return m, nil
}

// settled is the memory after what the preparation left behind was given back.
func settled(ctx context.Context) (memory, error) {
	if err := wait(ctx, 5*time.Second); err != nil {
		return memory{}, err
	}
	debug.FreeOSMemory()
	return usedMemory()
}
