package app

import (
	"github.com/loquet/loquet/app/demo"
)

type demoCommand struct {
	Scenario string `help:"Which one to play." default:"home" short:"s"`
	All      bool   `help:"Play all of them."`
	List     bool   `help:"List them."`
	JSON     bool   `help:"Print lines for machines." name:"json"`
	Stay     bool   `help:"Keep everything running afterwards, and say where to look."`
}

// Run plays, and fails unless each scenario ended as it should.
func (c *demoCommand) Run(env environment) error {
	options := demo.Options{Out: env.out, JSON: c.JSON, Stay: c.Stay}
	switch {
	case c.List:
		demo.List(env.out)
		return nil
	case c.All:
		options.Names = demo.Names()
	default:
		options.Names = []string{c.Scenario}
	}
	ok, err := demo.Run(env.ctx, options)
	if err == nil && !ok {
		err = errReported
	}
	return err
}
