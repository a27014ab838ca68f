package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/device/volvo/volvotest"
)

// Makers of the bench.
const (
	isVolvo    = "volvo"
	isSmartcar = "smartcar"
)

// consented is one car whose owner consented.
type consented struct {
	Maker string `json:"maker"`
	// Vehicle is the VIN, or Smartcar's identifier.
	Vehicle string           `json:"vehicle"`
	Token   fakecloud.Issued `json:"token"`
}

// opened is what the process with the clouds says when it is ready.
type opened struct {
	Volvo    string      `json:"volvo"`
	Smartcar string      `json:"smartcar"`
	Control  string      `json:"control"`
	Cars     []consented `json:"cars"`
}

// counted is what the fakes counted.
type counted struct {
	// Exceeded is how often one was asked for more than a limit allows; Twice how many cars were ordered to open more
	// than once.
	Exceeded, Twice  int
	Renewed          int
	VolvoRequests    int
	SmartcarRequests int
	// Peaks are how much of each limit was used at most by whoever used most of it.
	Peaks []peak
}

type peak struct {
	Name       string
	Used, Most int
}

// fakes are the clouds, in a process of their own.
type fakes struct {
	volvo    *volvotest.Server
	smartcar *smartcartest.Server
	cars     []*fakecloud.Car
	issued   int
}

// beClouds serves the clouds until its standard input ends.
func beClouds(ctx context.Context, o options) error {
	f, err := newFakes(o)
	if err != nil {
		return err
	}
	defer f.volvo.Close()
	defer f.smartcar.Close()
	control, err := fakecloud.Serve("127.0.0.1:0", f.control())
	if err != nil {
		return err
	}
	defer control.Close()
	said := opened{Volvo: f.volvo.URL(), Smartcar: f.smartcar.URL(), Control: control.URL}
	for i := range o.cars {
		said.Cars = append(said.Cars, f.add(i))
	}
	f.issued = f.volvo.OAuth.IssuedTokens() + f.smartcar.OAuth.IssuedTokens()
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func newFakes(o options) (*fakes, error) {
	v, err := volvotest.Start(volvotest.Config{})
	if err != nil {
		return nil, err
	}
	s, err := smartcartest.Start(smartcartest.Config{Application: fakecloud.Limit{Name: "contract", Most: o.contract, Per: time.Hour}})
	return &fakes{volvo: v, smartcar: s}, err
}

// Where the first car stands; the others stand somewhere within 100 m.
const latitude, longitude = 48.8566, 2.3522

// add makes a car, whose owner consents.
func (f *fakes) add(i int) consented {
	owner := "owner" + strconv.Itoa(i)
	vin, there := fmt.Sprintf("YV1CZ91H6F%07d", i), latitude+float64(i%100)*1e-5
	if i%2 == 0 {
		car := fakecloud.NewCar(vin, "VOLVO", "XC40", 2024, there, longitude)
		f.cars = append(f.cars, car)
		f.volvo.AddCar(owner, car)
		return consented{isVolvo, vin, f.volvo.OAuth.Issue(&fakecloud.Grant{Account: owner, Scopes: volvotest.Scopes})}
	}
	car := fakecloud.NewCar(vin, "CHEVROLET", "Malibu", 2020, there, longitude)
	car.Tracks = true
	f.cars = append(f.cars, car)
	f.smartcar.AddUser(owner)
	id := f.smartcar.AddCar(owner, car)
	return consented{isSmartcar, id, f.smartcar.OAuth.Issue(&fakecloud.Grant{Account: owner, Scopes: smartcartest.Scopes})}
}

// control is what somebody at a car does, and what the fakes counted.
func (f *fakes) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hand", func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(r.FormValue("car"))
		if err == nil {
			err = f.hand(f.cars[i], r.FormValue("open") == "true")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	mux.HandleFunc("POST /webhooks", func(w http.ResponseWriter, r *http.Request) {
		if err := f.smartcar.Subscribe(r.Context(), r.FormValue("address")); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) { fakecloud.WriteJSON(w, http.StatusOK, f.count()) })
	return mux
}

// hand opens a car's trunk, or shuts it.
func (f *fakes) hand(car *fakecloud.Car, open bool) error {
	if open {
		return car.PullHandle()
	}
	car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	return nil
}

func (f *fakes) count() counted {
	c := counted{
		Exceeded:      len(f.volvo.Meter.Exceeded()) + len(f.smartcar.Meter.Exceeded()),
		Renewed:       f.volvo.OAuth.IssuedTokens() + f.smartcar.OAuth.IssuedTokens() - f.issued,
		VolvoRequests: f.volvo.Wire.Requests("as"), SmartcarRequests: f.smartcar.Wire.Requests("oauth"),
	}
	for _, m := range []*fakecloud.Meter{&f.volvo.Meter, &f.smartcar.Meter} {
		for _, one := range m.Counts() {
			c.see(one)
		}
	}
	for _, car := range f.cars {
		if car.Done().UnlockCommands > 1 {
			c.Twice++
		}
	}
	return c
}

func (c *counted) see(one fakecloud.Count) {
	i := slices.IndexFunc(c.Peaks, func(p peak) bool { return p.Name == one.Limit.Name })
	if i < 0 {
		i = len(c.Peaks)
		c.Peaks = append(c.Peaks, peak{Name: one.Limit.Name, Most: one.Limit.Most})
	}
	c.Peaks[i].Used = max(c.Peaks[i].Used, one.Peak)
}

// clouds is that process, as seen from the server's.
type clouds struct {
	opened
	command *exec.Cmd
	end     io.Closer
}

func startClouds(ctx context.Context, o options) (*clouds, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &clouds{command: exec.CommandContext(ctx, program, "-clouds", "-cars", strconv.Itoa(o.cars), "-contract", strconv.Itoa(o.contract))}
	c.command.Stderr = os.Stderr
	c.end, err = c.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&c.opened); err != nil {
		c.stop()
		return nil, fmt.Errorf("the clouds do not open: %w", err)
	}
	return c, nil
}

// enrolAll has all cars enrolled into a folder, by a process of its own. This one forgets their tokens: a server knows those
// that it opens.
func (c *clouds) enrolAll(ctx context.Context, o options, dir string) error {
	known, err := json.Marshal(c.opened)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, c.command.Path, "-enrol", dir, "-contract", strconv.Itoa(o.contract))
	command.Stdin, command.Stderr = bytes.NewReader(known), os.Stderr
	for i := range c.Cars {
		c.Cars[i].Token = fakecloud.Issued{}
	}
	return command.Run()
}

func (c *clouds) stop() {
	_ = c.end.Close()
	_ = c.command.Wait()
}

// ask sends a request to the process with the clouds.
func (c *clouds) ask(ctx context.Context, method, path string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.Control+path+"?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", path, body)
	case into == nil:
		return nil
	}
	return json.Unmarshal(body, into)
}

// hand has somebody at a car open its trunk, or shut it.
func (c *clouds) hand(ctx context.Context, car int, open bool) error {
	return c.ask(ctx, http.MethodPost, "/hand", url.Values{"car": {strconv.Itoa(car)}, "open": {strconv.FormatBool(open)}}, nil)
}

func (c *clouds) count(ctx context.Context) (n counted, err error) {
	err = c.ask(ctx, http.MethodGet, "/count", nil, &n)
	return n, err
}

func (c counted) print() {
	fmt.Printf("%d requests to Volvo, %d to Smartcar, %d tokens renewed meanwhile.\n\n", c.VolvoRequests, c.SmartcarRequests, c.Renewed)
	fmt.Println("| limit | used at most, by whoever used most of it | of |\n|---|---|---|")
	for _, p := range c.Peaks {
		fmt.Printf("| %s | %d | %d |\n", p.Name, p.Used, p.Most)
	}
	fmt.Printf("\nAsked for more than a limit allows: %d times.\n\n", c.Exceeded)
}
