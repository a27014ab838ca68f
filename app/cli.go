package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version string

// cli is the command line.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run a server."`
	Media   mediaCommand   `cmd:"" help:"Do the media work for servers: watch cameras, film visits, show them."`
	Demo    demoCommand    `cmd:"" help:"Play deliveries on a virtual home, from the booked parcel to the door that is proven shut."`
	Audit   auditCommand   `cmd:"" help:"Check the ten laws over everything that was recorded."`
	Key     keyCommand     `cmd:"" help:"API keys of a running server."`
	Member  memberCommand  `cmd:"" help:"Members' sign-in, at a running server's machine."`
	Staff   staffCommand   `cmd:"" help:"Accounts of the operator's staff, at a running server's machine."`
	Courier courierCommand `cmd:"" help:"Couriers' devices, at a running server's machine."`
	Broker  brokerCommand  `cmd:"" help:"Accounts of devices at a running server's embedded broker."`
	Camera  cameraCommand  `cmd:"" help:"Cameras: is one good enough?"`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// errReported ends a command that has said itself what was wrong.
var errReported = errors.New("reported")

// environment is what commands work with.
type environment struct {
	ctx context.Context
	out io.Writer
	err io.Writer
}

// Main runs the command line and returns the exit code: 0 for success, 1 for a failure, 2 for a wrong call.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(environment{ctx, os.Stdout, os.Stderr}, args)
}

func run(env environment, args []string) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("loquet"), kong.Writers(env.out, env.err), kong.Exit(func(code int) { exit = code }),
		kong.Description("Loquet opens one door, once, for one visit, and proves that it was closed again."), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(env.err, "loquet:", err)
		return 2
	}
	call, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(env.err, "loquet: %v\nloquet --help lists the commands.\n", err)
		return 2
	}
	if err := call.Run(env); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(env.err, "loquet:", err)
		}
		return 1
	}
	return 0
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(env environment) error {
	fmt.Fprintln(env.out, "loquet", versionText())
	return nil
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(development)"
}

type serveCommand struct{ ServeConfig }

// Run serves until the process is told to end.
func (c *serveCommand) Run(env environment) error {
	return serve(env.ctx, c.ServeConfig, env.err)
}
