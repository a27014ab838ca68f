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

	"github.com/loquet/loquet/client"
)

// Options of a run.
type Options struct {
	// Names of the scenarios to play, in order.
	Names []string
	Out   io.Writer
	JSON  bool
	// Program is the loquet to run as the server; "" is this one.
	Program string
	// Stay keeps the last scenario's stage until the context ends.
	Stay bool
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
	for i, name := range o.Names {
		n := slices.IndexFunc(Scenarios(), func(s Scenario) bool { return s.Name == name })
		if n < 0 {
			return false, fmt.Errorf("there is no scenario %q; --list shows them", name)
		}
		stay := o.Stay && i == len(o.Names)-1
		result, err := playOne(ctx, o.Program, Scenarios()[n], r, stay)
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
func playOne(ctx context.Context, program string, s Scenario, r *report, stay bool) (result Result, err error) {
	dir, err := os.MkdirTemp("", "loquet-demo-")
	if err != nil {
		return result, err
	}
	defer os.RemoveAll(dir)
	r.title(s.Name, s.Title)
	stage, err := build(ctx, program, dir, s)
	if err != nil {
		return result, fmt.Errorf("the stage can't be set: %w", err)
	}
	defer stage.close()
	if err := stage.serve(ctx); err != nil {
		return result, err
	}
	p := &play{ctx: ctx, scenario: s, stage: stage, report: r, couriers: make(map[string]*courier), shops: make(map[string]*client.Caller)}
	result = p.run()
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	r.result(result)
	if stay {
		p.stayOn()
	}
	return result, nil
}

// run plays the scene and returns the verdict; a scene that broke off is one too.
func (p *play) run() (result Result) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		broken, ok := thrown.(failure)
		if !ok {
			panic(thrown)
		}
		result = Result{Scenario: p.scenario.Name, State: "broken off", Problem: broken.Error()}
		if kept := p.keepLog(); kept != "" {
			result.Problem += "; the server's log is " + kept
		}
	}()
	p.set()
	p.scenario.scene(p)
	p.pause(look)
	p.read()
	result, err := p.verdict()
	p.must(err)
	return result
}

// keepLog saves the server's log of a scene that broke off.
func (p *play) keepLog() string {
	data, err := os.ReadFile(filepath.Join(p.stage.dir, "server.log"))
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

// stayOn keeps the stage and says where to look.
func (p *play) stayOn() {
	fmt.Fprintf(p.report.out, `
  Everything keeps running until you press Ctrl-C:

    the API, described            %[1]s/docs
    is it well?                   %[1]s/readyz   %[1]s/metrics
    everything that is kept       %[2]s
    check the ten laws yourself   loquet audit --data %[2]s
    the broker of the home        %[3]s

  The operator's API key: %[4]s
  The delivery's story:   curl -s -H "Authorization: Bearer $KEY" %[1]s/v1/sites/%[5]s/journal
`, p.stage.url, p.stage.data(), p.stage.broker.URL(), p.operatorKey, p.home.site)
	<-p.ctx.Done()
}
