package app

import (
	"cmp"

	"github.com/loquet/loquet/app/demo"
)

type demoCommand struct {
	Scenario string `help:"Which one to play (home)." short:"s" xor:"what"`
	All      bool   `help:"Play all of them." xor:"what"`
	List     bool   `help:"List them." xor:"what"`
	JSON     bool   `help:"Print lines for machines." name:"json"`
	Stay     bool   `help:"Open a virtual town instead, to look around in for as long as you like." xor:"what"`
}

// Run plays, and fails unless each scenario ended as it should.
func (c *demoCommand) Run(env environment) error {
	options := demo.Options{Out: env.out, JSON: c.JSON}
	switch {
	case c.Stay:
		return demo.Stay(env.ctx, options)
	case c.List:
		demo.List(env.out)
		return nil
	case c.All:
		options.Names = demo.Names()
	default:
		options.Names = []string{cmp.Or(c.Scenario, "home")}
	}
	ok, err := demo.Run(env.ctx, options)
	if err == nil && !ok {
		err = errReported
	}
	return err
}
