package cars_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/device/tesla/teslatest"
)

// back is where owners are sent back to, who have consented.
const back = "http://localhost/back"

// garage has the Teslas of all tests, with Tesla's own verifier of signatures in each.
var garage *teslatest.Garage

// teslaCar is one of them.
type teslaCar struct{ *teslatest.World }

// LoseAnswers has orders carried out, and neither them nor what comes of them ever answered.
func (c *teslaCar) LoseAnswers() { c.Misbehave(teslatest.Quirks{Mute: true, Lost: "cut"}) }

var teslas atomic.Int64

// nextTesla is the VIN of one more.
func nextTesla() string { return fmt.Sprintf("5YJ3E1EA%09d", teslas.Add(1)) }

// atTesla puts a car of its own in the garage. Tesla's cloud is in front of it: it knows who consented, counts what is
// asked of each car, and is where things go wrong on the way.
func atTesla(opens tesla.Opens, motor bool) connect {
	return func(t *testing.T, sent device.Log) *parked {
		t.Helper()
		key, err := tesla.OpenKey(filepath.Join(t.TempDir(), "key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := tesla.Config{Device: "car", VIN: nextTesla(), Opens: opens}
		car := &teslaCar{&teslatest.World{Car: garage.Car(t, cfg.VIN), Key: key.Public(), Cabin: opens == tesla.Cabin}}
		car.Set(teslatest.Body{Lock: teslatest.Locked, Powered: motor})
		car.Pair(key.Public())
		car.Park(devicetest.Place{Latitude: reference.Latitude, Longitude: reference.Longitude, At: time.Now()})
		grants := fakecloud.NewOAuth(fakecloud.OAuthConfig{Maker: "Tesla", ClientID: "us", ClientSecret: "secret", RedirectURI: back, Scopes: tesla.Scopes(), PKCE: true})
		grants.AddAccount(owner)
		c := &parked{car: car, wire: &fakecloud.Wire{}, meter: &fakecloud.Meter{}, tesla: car, motor: motor, revoke: func() { grants.Revoke(owner) }}
		api, trust := frontOf(t, c, grants)
		account, err := tesla.NewAccount(tesla.AccountConfig{Base: api, Key: key, Limit: 5 * time.Second, TLS: trust,
			Polling: remotecar.Config{Settled: time.Nanosecond}, Log: sent, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(account.Close)
		if c.device, err = account.Device(cfg, consent(t, teslaOffice(t, grants))); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// teslaOffice is where the owner consents.
func teslaOffice(t *testing.T, grants *fakecloud.OAuth) *maker.Office {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", grants.ServeAuthorize)
	mux.HandleFunc("POST /token", grants.ServeToken)
	server, err := fakecloud.Serve("127.0.0.1:0", mux)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg, err := tesla.Office(tesla.Europe, "us", "secret", back)
	if err != nil {
		t.Fatal(err)
	}
	cfg.AuthURL, cfg.TokenURL = server.URL+"/authorize", server.URL+"/token"
	office, err := maker.NewOffice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(office.Close)
	return office
}

// frontOf is Tesla's cloud, as far as it is in front of the car. An answer that breaks off behind it does so before it.
func frontOf(t *testing.T, c *parked, grants *fakecloud.OAuth) (address string, trust *tls.Config) {
	t.Helper()
	to, err := url.Parse(garage.API)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: garage.TLS()}
	t.Cleanup(transport.CloseIdleConnections)
	behind := httputil.NewSingleHostReverseProxy(to)
	behind.Transport, behind.ErrorLog = transport, log.New(io.Discard, "", 0)
	behind.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	server := httptest.NewUnstartedServer(c.wire.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := grants.Who(r); err != nil {
			fakecloud.WriteJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid bearer token"})
			return
		}
		if _, within := c.meter.Admit(time.Now(), limitOf(r), "the car"); !within {
			fakecloud.WriteJSON(w, http.StatusTooManyRequests, map[string]string{"error": "account limited"})
			return
		}
		behind.ServeHTTP(w, r)
	})))
	server.Config.ErrorLog = behind.ErrorLog
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, &tls.Config{RootCAs: roots}
}

// limitOf is Tesla's published limit for such a request ("Billing and Limits").
func limitOf(r *http.Request) fakecloud.Limit {
	switch {
	case strings.HasSuffix(r.URL.Path, "/signed_command"):
		return fakecloud.Limit{Name: "commands", Most: 30, Per: time.Minute}
	case strings.HasSuffix(r.URL.Path, "/wake_up"):
		return fakecloud.Limit{Name: "wakes", Most: 3, Per: time.Minute}
	}
	return fakecloud.Limit{Name: "data", Most: 60, Per: time.Minute}
}
