// Command store measures the SQLite engine against a bare loop in C, and a large file against a small one.
//
// The rate at which a disk syncs swings widely from minute to minute, so that only ratios inside one run count:
// the competitors take turns, round by round, and each figure is the median over the rounds.
//
//	store -cloop bin/cloop -schema store/sqlite/schema/0001_store.sql             engine against C
//	store -deliveries 10000000                                                   large file against small
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

type config struct {
	cloop, schema, dir            string
	rounds, sites, state          int
	deliveries, perSite, perVisit int
	seconds                       float64
	profile                       string
}

func main() {
	var c config
	flag.StringVar(&c.cloop, "cloop", "", "the compiled C loop; with it, the engine is measured against it")
	flag.StringVar(&c.schema, "schema", "store/sqlite/schema/0001_store.sql", "the tables of the C loop")
	flag.StringVar(&c.dir, "dir", "", "a folder on the disk to be measured (default: a temporary one)")
	flag.IntVar(&c.rounds, "rounds", 9, "rounds in which the competitors take turns")
	flag.Float64Var(&c.seconds, "seconds", 2, "length of one turn")
	flag.IntVar(&c.sites, "sites", 10_000, "hot sites")
	flag.IntVar(&c.state, "state", 1000, "bytes of a site's state")
	flag.IntVar(&c.deliveries, "deliveries", 0, "finished deliveries in the large file; with it, large and small are compared")
	flag.IntVar(&c.perSite, "per-site", 10, "finished deliveries of one site in the large file")
	flag.IntVar(&c.perVisit, "events", 4, "events of one finished delivery in the large file")
	flag.StringVar(&c.profile, "profile", "", "write a CPU profile of the engine's turns to this file")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func run(c config) error {
	dir, err := os.MkdirTemp(c.dir, "loquet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.dir = dir
	stop, err := startProfile(c.profile)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Printf("%s, %s, %d cores, %s/%s; %d hot sites, state of %d bytes, %d rounds of %gs\n\n", time.Now().Format(time.DateOnly),
		machine(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, c.sites, c.state, c.rounds, c.seconds)
	if c.cloop != "" {
		if err := againstC(c); err != nil {
			return err
		}
	}
	if c.deliveries > 0 {
		return largeAgainstSmall(c)
	}
	return nil
}

// machine names the processor.
func machine() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(info)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return "unknown processor"
}

// turn is one competitor: it works for that long and returns decisions per second.
type turn struct {
	name string
	do   func(d time.Duration) (float64, error)
}

// interleave lets the competitors take turns, and prints rates and ratios to the first one. The order turns round
// with each round, so that nobody always follows the same one.
func interleave(c config, turns []turn) error {
	rates := make([][]float64, len(turns))
	ratios := make([][]float64, len(turns))
	for round := range c.rounds {
		got := make([]float64, len(turns))
		for k := range turns {
			i := (k + round) % len(turns)
			rate, err := turns[i].do(time.Duration(c.seconds * float64(time.Second)))
			if err != nil {
				return fmt.Errorf("%s: %w", turns[i].name, err)
			}
			got[i] = rate
		}
		for i := range turns {
			rates[i] = append(rates[i], got[i])
			ratios[i] = append(ratios[i], got[i]/got[0])
		}
	}
	fmt.Printf("| what | decisions/s, median | lowest–highest | ratio in the same round, median | lowest–highest |\n| --- | --- | --- | --- | --- |\n")
	for i, t := range turns {
		fmt.Printf("| %s | %.0f | %.0f–%.0f | %.2f | %.2f–%.2f |\n", t.name, median(rates[i]), slices.Min(rates[i]), slices.Max(rates[i]),
			median(ratios[i]), slices.Min(ratios[i]), slices.Max(ratios[i]))
	}
	fmt.Println()
	return nil
}

func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func againstC(c config) error {
	loop, err := startLoop(c)
	if err != nil {
		return err
	}
	defer loop.stop()
	hot := siteNames(0, c.sites, 1)
	e, err := openEngine(filepath.Join(c.dir, "engine.db"), hot, c.state)
	if err != nil {
		return err
	}
	defer e.s.Close()
	fmt.Printf("The engine through the store's interface, against a bare loop in C (SQLite %s), batches of 64 with a savepoint each\n\n", loop.version)
	return interleave(c, []turn{
		{"C loop, batches of 64", loop.turn},
		{"engine, 64 callers", func(d time.Duration) (float64, error) { return e.turn(64, d, false) }},
		{"engine, 512 callers", func(d time.Duration) (float64, error) { return e.turn(512, d, false) }},
		{"engine, 512 callers, each decision moves the deadline", func(d time.Duration) (float64, error) { return e.turn(512, d, true) }},
	})
}
