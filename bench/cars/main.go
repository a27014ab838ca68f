// Command cars measures what ten thousand enrolled cars cost a server, and whether it keeps the makers' limits while many
// of them are visited at once: real store, real connectors, real sockets, and the makers' fakes as another process, which
// count what they are asked by themselves.
//
// Half of the cars are Volvos, each with its owner's Volvo ID and the published limits; the other half are Smartcar's,
// with the published limit of each vehicle, webhooks, and a contract for the application, because the default one is for
// all cars together and lets nobody visit two hundred of them.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
)

func main() {
	o := options{}
	clouds := flag.Bool("clouds", false, "be the makers' clouds: this program starts itself so")
	flag.StringVar(&o.enrol, "enrol", "", "enrol all cars into this folder: this program starts itself so")
	flag.IntVar(&o.cars, "cars", 10_000, "enrolled cars")
	flag.IntVar(&o.visits, "visits", 200, "cars that are visited at once")
	flag.IntVar(&o.contract, "contract", 6_000, "requests an hour that the contract with Smartcar allows")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := measure
	switch {
	case *clouds:
		run = beClouds
	case o.enrol != "":
		run = enrol
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "cars:", err)
		os.Exit(1)
	}
}

type options struct {
	cars, visits, contract int
	enrol                  string
}

// most is what the server may hold resident.
const most = 300 << 20

func measure(ctx context.Context, o options) error {
	clouds, err := startClouds(ctx, o)
	if err != nil {
		return err
	}
	defer clouds.stop()
	dir, err := os.MkdirTemp("", "loquet-cars-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	begun := time.Now()
	if err := clouds.enrolAll(ctx, o, dir); err != nil {
		return err
	}
	fmt.Printf("%s, %d CPUs, %s/%s\n\n%d cars enrolled in %s\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		o.cars, time.Since(begun).Round(time.Second))
	t, err := openTown(dir, clouds, o)
	if err != nil {
		return err
	}
	defer t.close()
	end, err := t.run(ctx)
	if err != nil {
		return err
	}
	defer end()
	idle, err := settled(ctx)
	if err != nil {
		return err
	}
	made, err := t.visitAll(ctx, o.visits)
	if err != nil {
		return err
	}
	return t.judge(ctx, idle, made)
}

// judge prints what was measured; an error says what was not as it should be.
func (t *town) judge(ctx context.Context, idle memory, made []visited) error {
	peak, err := usedMemory()
	if err != nil {
		return err
	}
	counted, err := t.clouds.count(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("| memory of the server | resident |\n|---|---|\n| %d cars, nobody visits | %.0f MB |\n| the most in the whole run | %.0f MB |\n\n",
		len(t.clouds.Cars), idle.now(), peak.most())
	printVisits(made)
	counted.print()
	broken := 0
	for _, v := range made {
		if v.err != nil {
			broken++
			fmt.Printf("%s: %v\n", v.site, v.err)
		}
	}
	switch {
	case broken > 0:
		return fmt.Errorf("%d of %d visits did not end as they should", broken, len(made))
	case counted.Exceeded > 0:
		return fmt.Errorf("%d times a maker was asked for more than it allows", counted.Exceeded)
	case counted.Twice > 0:
		return fmt.Errorf("%d cars were ordered to open more than once", counted.Twice)
	case peak.peak > most:
		return fmt.Errorf("the server held %.0f MB, more than %d", peak.most(), most>>20)
	}
	return nil
}

// enrol moves all households in. That is another process than the one that is measured: nobody enrols ten thousand cars
// at once.
func enrol(ctx context.Context, o options) error {
	c := &clouds{}
	if err := json.NewDecoder(os.Stdin).Decode(&c.opened); err != nil {
		return err
	}
	t, err := openTown(o.enrol, c, o)
	if err != nil {
		return err
	}
	defer t.close()
	return t.enrol(ctx)
}
