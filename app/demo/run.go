package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options of a run.
type Options struct {
	// Names of the scenarios to play, in order.
	Names []string
	Out   io.Writer
	JSON  bool
	// Program is the loquet to run as the server; "" is this one.
	Program string
}

// pace suits a reader.
const pace = 250 * time.Millisecond

// Names lists the scenarios.
func Names() []string {
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// List prints the scenarios.
func List(out io.Writer) {
	for _, s := range Scenarios() {
		fmt.Fprintf(out, "%-20s %s\n", s.Name, s.Title)
	}
}

// Run plays the scenarios one after the other, and says whether each ended as it should.
func Run(ctx context.Context, o Options) (ok bool, err error) {
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return false, err
		}
	}
	r := &report{out: o.Out, json: o.JSON, color: !o.JSON && terminal(o.Out)}
	if !o.JSON && len(o.Names) == 1 {
		r.pace = pace
	}
	ok = true
	for _, name := range o.Names {
		n := slices.IndexFunc(Scenarios(), func(s Scenario) bool { return s.Name == name })
		if n < 0 {
			return false, fmt.Errorf("there is no scenario %q; --list shows them", name)
		}
		result, err := playOne(ctx, o.Program, Scenarios()[n], r)
		if err != nil {
			return false, err
		}
		ok = ok && result.OK
	}
	return ok, nil
}

func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// playOne sets the stage, plays, judges and clears the stage.
func playOne(ctx context.Context, program string, s Scenario, r *report) (result Result, err error) {
	dir, err := os.MkdirTemp("", "loquet-demo-")
	if err != nil {
		return result, err
	}
	defer os.RemoveAll(dir)
	r.title(s.Name, s.Title)
	stage, err := build(ctx, program, dir, s.devices, s.camera != noCamera)
	if err != nil {
		return result, fmt.Errorf("the stage can't be set: %w", err)
	}
	defer stage.close()
	if s.car != nil {
		if err := stage.connectMakers(); err != nil {
			return result, err
		}
		stage.makers.add(scenarioLot(), *s.car)
	}
	if err := stage.serve(ctx); err != nil {
		return result, err
	}
	if stage.camera != nil {
		stage.film("FRONT DOOR", s.devices[len(s.devices)-1].Name)
	}
	p := &play{ctx: ctx, cast: newCast(stage, "swift"), scenario: s, lot: scenarioLot(), report: r}
	result = p.run()
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	r.result(result)
	return result, nil
}

// run plays the scene and returns the verdict; a scene that broke off is one too.
func (p *play) run() (result Result) {
	err := p.perform(func() {
		p.set()
		p.scenario.scene(p)
		p.pause(look)
		p.read()
		var err error
		result, err = p.verdict()
		p.must(err)
	})
	if err == nil {
		return result
	}
	result = Result{Scenario: p.scenario.Name, State: "broken off", Problem: err.Error()}
	if kept := p.stage.keepLog(); kept != "" {
		result.Problem += "; the server's log is " + kept
	}
	return result
}

// perform plays something, and returns why it broke off, if it did.
func (p *play) perform(something func()) (err error) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		broken, ok := thrown.(failure)
		if !ok {
			panic(thrown)
		}
		err = broken.error
	}()
	something()
	return nil
}

// keepLog saves the server's log of a scene that broke off.
func (s *stage) keepLog() string {
	data, err := os.ReadFile(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return ""
	}
	file, err := os.CreateTemp("", "loquet-demo-*.log")
	if err != nil {
		return ""
	}
	_, err = file.Write(data)
	if errors.Join(err, file.Close()) != nil {
		return ""
	}
	return file.Name()
}
