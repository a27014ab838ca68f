package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// loop is the running C program.
type loop struct {
	version string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

func startLoop(c config) (*loop, error) {
	cmd := exec.Command(c.cloop, filepath.Join(c.dir, "c.db"), c.schema, strconv.Itoa(c.sites), strconv.Itoa(c.state), "64")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l := &loop{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	version, err := l.line()
	l.version = strings.TrimPrefix(version, "sqlite ")
	return l, err
}

func (l *loop) line() (string, error) {
	if !l.out.Scan() {
		return "", fmt.Errorf("the C loop ended: %w", l.cmd.Wait())
	}
	return l.out.Text(), nil
}

func (l *loop) turn(d time.Duration) (float64, error) {
	if _, err := fmt.Fprintf(l.in, "%g\n", d.Seconds()); err != nil {
		return 0, err
	}
	rate, err := l.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(rate, 64)
}

func (l *loop) stop() {
	l.in.Close()
	_ = l.cmd.Wait() // it has given its figure
}
