package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/device/tesla"
)

func TestRegistrationsThatCanNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		config CarsConfig
		wrong  string
	}{
		"none":                      {CarsConfig{}, ""},
		"volvo":                     {CarsConfig{VolvoClient: "a", VolvoSecretFile: "f", VolvoKeyFile: "f"}, ""},
		"volvo without its key":     {CarsConfig{VolvoClient: "a", VolvoSecretFile: "f"}, "--volvo-client needs"},
		"volvo's key alone":         {CarsConfig{VolvoKeyFile: "f"}, "belong to --volvo-client"},
		"smartcar":                  {CarsConfig{SmartcarClient: "a", SmartcarSecretFile: "f"}, ""},
		"smartcar without a secret": {CarsConfig{SmartcarClient: "a"}, "--smartcar-client needs"},
		"smartcar's hooks alone":    {CarsConfig{SmartcarWebhookFile: "f"}, "belong to --smartcar-client"},
		"less than nothing an hour": {CarsConfig{SmartcarClient: "a", SmartcarSecretFile: "f", SmartcarHourly: -1}, "--smartcar-hourly"},
		"tesla":                     {CarsConfig{TeslaClient: "a", TeslaSecretFile: "f"}, ""},
		"tesla without a secret":    {CarsConfig{TeslaClient: "a"}, "belong together"},
	} {
		err := c.config.checkCars()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// registered is a server that is registered at makers, as far as that goes without asking them.
func registered(t *testing.T, c CarsConfig) *server {
	t.Helper()
	log, err := sendlog.Open(filepath.Join(t.TempDir(), "sent"))
	must(t, err)
	s := &server{config: ServeConfig{Data: t.TempDir(), PublicURL: "https://loquet.example", CarsConfig: c}, log: slog.New(slog.DiscardHandler), sent: log,
		clouds: &clouds{makers: map[string]carlink.Maker{}}}
	t.Cleanup(func() {
		s.clouds.close()
		must(t, log.Close())
	})
	for _, add := range []func() error{s.addVolvo, s.addSmartcar, s.addTesla} {
		must(t, add())
	}
	return s
}

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(text+"\n"), 0o600))
	return path
}

// What makers ask this server for is there where they look for it, and only for those that it is registered at.
func TestWhatMakersAskFor(t *testing.T) {
	s := registered(t, CarsConfig{TeslaClient: "a", TeslaRegion: "eu", TeslaSecretFile: secret(t, "s1"), SmartcarClient: "b", SmartcarMode: "live",
		SmartcarSecretFile: secret(t, "s2"), SmartcarWebhookFile: secret(t, "token")})
	mux := http.NewServeMux()
	s.mountCars(mux)
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(`{"eventType":"VEHICLE_STATE"}`)))
		return w
	}
	key := get(http.MethodGet, tesla.PublicPath)
	if key.Code != http.StatusOK || !strings.HasPrefix(key.Body.String(), "-----BEGIN PUBLIC KEY-----") {
		t.Errorf("the public key: %d %s", key.Code, key.Body)
	}
	file, err := os.Stat(s.config.file(teslaKeyName))
	must(t, err)
	if file.Mode().Perm() != 0o600 {
		t.Errorf("the private key can be read by others: %v", file.Mode())
	}
	if w := get(http.MethodPost, smartcarHooks); w.Code != http.StatusUnauthorized {
		t.Errorf("a forged webhook: %d", w.Code)
	}
	if at := s.clouds.makers["tesla"].About().Pairing; at != "https://tesla.com/_ak/loquet.example" {
		t.Errorf("the key is added at %s", at)
	}
	address, _ := s.clouds.makers["smartcar"].Office().Begin("state-1")
	if !strings.Contains(address, "redirect_uri=https%3A%2F%2Floquet.example%2Fhome%2Fcars%2Fback") {
		t.Errorf("customers come back to %s", address)
	}
	if s.clouds.makers["volvo"] != nil {
		t.Error("a maker that nobody named")
	}
	s = registered(t, CarsConfig{SmartcarClient: "b", SmartcarMode: "live", SmartcarSecretFile: secret(t, "s2")})
	mux = http.NewServeMux()
	s.mountCars(mux)
	for method, path := range map[string]string{http.MethodPost: smartcarHooks, http.MethodGet: tesla.PublicPath} {
		if w := get(method, path); w.Code != http.StatusNotFound {
			t.Errorf("%s without its maker: %d", path, w.Code)
		}
	}
}
