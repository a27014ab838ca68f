package demo

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/device/volvo/volvotest"
	pages "github.com/loquet/loquet/web/customer"
)

// makers are the clouds of cars' makers: fakes that answer as the published interfaces do, over real sockets. They
// outlive the server, as the real ones do.
type makers struct {
	volvo    *volvotest.Server
	smartcar *smartcartest.Server
	cars     map[string]*car
}

// contract are limits as a contract with Smartcar sets them; the published ones are for trying things out.
var contract = struct{ hourly, vehicleHourly int }{3600, 600}

// startMakers starts both clouds, which send owners back to the server's public address after they consented.
func startMakers(public string) (*makers, error) {
	m := &makers{cars: map[string]*car{}}
	var err error
	if m.volvo, err = volvotest.Start(volvotest.Config{RedirectURI: public + pages.CarsBackPath}); err != nil {
		return nil, err
	}
	m.smartcar, err = smartcartest.Start(smartcartest.Config{RedirectURI: public + pages.CarsBackPath,
		Application: fakecloud.Limit{Name: "application", Most: contract.hourly, Per: time.Hour},
		Vehicle:     fakecloud.Limit{Name: "vehicle", Most: contract.vehicleHourly, Per: time.Hour}})
	if err != nil {
		m.volvo.Close()
		return nil, err
	}
	return m, nil
}

// arguments tell the server where the clouds are, and how it is known there. Secrets go by file.
func (m *makers) arguments(dir string) ([]string, error) {
	v, s := m.volvo, m.smartcar
	args := []string{"--volvo-client", v.ClientID, "--volvo-url", v.URL(), "--volvo-lateness", "5s", "--smartcar-client", s.ClientID, "--smartcar-url", s.URL(),
		"--smartcar-hourly", strconv.Itoa(contract.hourly), "--smartcar-vehicle-hourly", strconv.Itoa(contract.vehicleHourly)}
	for _, secret := range []struct{ flag, text string }{{"--volvo-secret-file", v.ClientSecret}, {"--volvo-key-file", v.APIKey},
		{"--smartcar-secret-file", s.ClientSecret}, {"--smartcar-webhook-file", s.ManagementToken}} {
		path := filepath.Join(dir, secret.flag[2:])
		if err := os.WriteFile(path, []byte(secret.text), 0o600); err != nil {
			return nil, err
		}
		args = append(args, secret.flag, path)
	}
	return args, nil
}

// subscribe has Smartcar tell the server of every change, as soon as the server runs.
func (m *makers) subscribe(ctx context.Context, public string) error {
	return m.smartcar.Subscribe(ctx, public+"/hooks/smartcar")
}

// add puts a household's car there, near its house. It belongs to an account of its own at its maker.
func (m *makers) add(l lot, a auto) {
	name, at := l.carName(a), l.house.at.off(a.east, a.north)
	owner := name + "@example.com"
	c := &car{Car: fakecloud.NewCar(a.vin, a.make, a.model, a.year, at.latitude, at.longitude), auto: a, name: name, owner: owner, house: l.house.at}
	switch a.of {
	case volvo:
		m.volvo.AddCar(owner, c.Car)
	case smartcar:
		c.Tracks = true
		m.smartcar.AddUser(owner)
		m.smartcar.AddCar(owner, c.Car)
	}
	m.cars[name] = c
}

// wire is the way to the car's cloud, where things go wrong.
func (m *makers) wire(of brand) *fakecloud.Wire {
	if of == volvo {
		return &m.volvo.Wire
	}
	return &m.smartcar.Wire
}

// revoke has the owner of a car withdraw the consent on the maker's own page.
func (m *makers) revoke(c *car) {
	if c.of == volvo {
		m.volvo.OAuth.Revoke(c.owner)
		return
	}
	m.smartcar.OAuth.Revoke(c.owner)
}

// exceeded says whether the server ever asked for more than a maker allows.
func (m *makers) exceeded() bool {
	return len(m.volvo.Meter.Exceeded())+len(m.smartcar.Meter.Exceeded()) > 0
}

func (m *makers) close() {
	m.volvo.Close()
	m.smartcar.Close()
}

// consents is what the owner of a car does with a browser on the maker's page, and returns where it leads back to.
func (c *car) consents(ctx context.Context, page string) (*url.URL, error) {
	back, err := fakecloud.Consent(ctx, page, c.owner, "allow")
	if err == nil && back == nil {
		err = errors.New("the maker's page leads nowhere")
	}
	return back, err
}
