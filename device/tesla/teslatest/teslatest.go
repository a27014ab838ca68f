// Package teslatest runs the other side of a Tesla for tests: a process that answers the Fleet API's signed_command over
// TLS, with Tesla's own verifier of signatures behind it. Its source is a module of its own (../testdata/car), so that
// the library's internal package with the car's side can be imported.
package teslatest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Garage is a running process with any number of cars.
type Garage struct {
	// API is the Fleet API's address: https on loopback.
	API     string
	control string
	roots   *x509.CertPool
	client  *http.Client
	cmd     *exec.Cmd
	stdin   io.Closer
	dir     string
}

// Start builds the process and runs it. Close ends it.
func Start() (*Garage, error) {
	dir, err := os.MkdirTemp("", "loquet-tesla-")
	if err != nil {
		return nil, err
	}
	g := &Garage{dir: dir, client: &http.Client{Transport: &http.Transport{}}}
	if err := g.start(filepath.Join(dir, "car")); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (g *Garage) start(binary string) error {
	_, here, _, _ := runtime.Caller(0)
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = filepath.Join(filepath.Dir(here), "..", "testdata", "car")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the car: %w\n%s", err, out)
	}
	g.cmd = exec.Command(binary)
	g.cmd.Stderr = os.Stderr
	stdin, err := g.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := g.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	g.stdin = stdin
	if err := g.cmd.Start(); err != nil {
		return err
	}
	return g.greet(stdout)
}

// greet reads where the process listens.
func (g *Garage) greet(stdout io.Reader) error {
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the car did not start: %w", err)
	}
	var said struct{ API, Control, Authority string }
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	g.API, g.control, g.roots = said.API, said.Control, x509.NewCertPool()
	if !g.roots.AppendCertsFromPEM([]byte(said.Authority)) {
		return errors.New("the car's certificate can't be read")
	}
	return nil
}

// Close ends the process.
func (g *Garage) Close() error {
	g.client.CloseIdleConnections()
	var err error
	if g.cmd != nil && g.cmd.Process != nil {
		_ = g.stdin.Close()
		err = g.cmd.Wait()
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// TLS trusts the garage and nobody else.
func (g *Garage) TLS() *tls.Config { return &tls.Config{RootCAs: g.roots} }

// Body is how a car really is. Locks and closures are numbers of Tesla's protocol (vcsec.proto).
type Body struct {
	Lock, Trunk, Frunk, Door int32
	// Powered gives the trunk a motor, so that the command to move it is a toggle.
	Powered bool
	// NoParts and NoStatus leave that out of what the car says.
	NoParts, NoStatus bool
}

// Quirks are what is wrong with a car, with its cloud and with the way between them.
type Quirks struct {
	Asleep, Offline, Deaf, Refuse, RefuseUnsigned, Jam, Old bool
	// MotorDelay, ReportDelay and SleepsFor are milliseconds.
	MotorDelay, ReportDelay, SleepsFor int
	// Mute answers no question after a command.
	Mute bool
	// Fault is answered to commands; FaultAfter: although they were carried out.
	Fault      int32
	FaultAfter bool
	// Lost is what becomes of answers to commands, and LostAnswers of those to questions: "cut", "silent",
	// "truncated", "gateway", "garbage" or "empty".
	Lost, LostAnswers string
	// Replay answers each question with the last answer before a command, Strip with one that nobody signed.
	Replay, Strip bool
	// NewEpoch restarts the car before the next message.
	NewEpoch bool
	// Token is the only one that is taken, if there is one. The others are the cloud's answers.
	Token            string
	Status           int
	Error            string
	RetryAfter       string
	HTML, Cut, Stall bool
	Drive, Config    json.RawMessage
}

// Report is what happened to a car.
type Report struct {
	Version                                             int
	Body                                                Body
	OpenCommands, SecureCommands, Openings, Signals     int
	TrunkMoves, Unlocks, Requests, Verified, Handshakes int
	Rejected                                            map[string]int
	Wakes                                               int
	// Motors is how often it was asked whether the trunk has a motor, Private what else of vehicle_data but its place.
	Motors  int
	Private []string
}

// Car is one car in the garage.
type Car struct {
	t      testing.TB
	garage *Garage
	vin    string
}

// Car makes a car that is parked, locked and shut.
func (g *Garage) Car(t testing.TB, vin string) *Car {
	t.Helper()
	c := &Car{t, g, vin}
	c.send(http.MethodPost, "", nil)
	return c
}

func (c *Car) send(method, what string, body []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, c.garage.control+"/"+c.vin+what, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.garage.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if text, _ := io.ReadAll(response.Body); response.StatusCode > 299 {
		c.t.Fatalf("the car answered %d: %s", response.StatusCode, strings.TrimSpace(string(text)))
	}
}

func (c *Car) put(what string, value any) {
	c.t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(http.MethodPut, "/"+what, body)
}

// Pair adds a public key (PEM) to the car, and Unpair takes it away.
func (c *Car) Pair(public []byte) { c.t.Helper(); c.send(http.MethodPut, "/pair", public) }

// Unpair takes a key away.
func (c *Car) Unpair(public []byte) { c.t.Helper(); c.send(http.MethodPut, "/unpair", public) }

// Set makes the car so.
func (c *Car) Set(b Body) { c.t.Helper(); c.put("body", b) }

// Play makes the car so wrong, and no more than that.
func (c *Car) Play(q Quirks) { c.t.Helper(); c.put("quirks", q) }

// Report is what happened until now.
func (c *Car) Report() Report {
	c.t.Helper()
	r, err := c.after(context.Background(), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// Changed returns a channel that is closed at the next change.
func (c *Car) Changed() <-chan struct{} {
	c.t.Helper()
	now, changed := c.Report().Version, make(chan struct{})
	ctx := c.t.Context()
	go func() {
		defer close(changed)
		_, _ = c.after(ctx, now+1)
	}()
	return changed
}

// after waits for a version.
func (c *Car) after(ctx context.Context, version int) (Report, error) {
	address := fmt.Sprintf("%s/%s?since=%d", c.garage.control, c.vin, version)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Report{}, err
	}
	response, err := c.garage.client.Do(request)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var r Report
	return r, json.NewDecoder(response.Body).Decode(&r)
}
