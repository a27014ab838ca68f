package makers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/loquet/loquet/app/makers"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/event"
)

// given are tokens that were consented to long ago.
type given struct{}

// Load returns them.
func (given) Load(context.Context) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "a", RefreshToken: "r", Expiry: time.Now().Add(time.Hour), ExpiresIn: 3600}, nil
}

// Save keeps nothing.
func (given) Save(context.Context, *oauth2.Token) error { return nil }

// What Tesla says of a car's key and software (as in its published description) decides whether it can be chosen, and what
// its word is worth.
func TestWhatATeslaLacks(t *testing.T) {
	t.Parallel()
	const paired, unpaired, old, unsigned = "5YJ3000000NEXUS01", "5YJ3000000NEXUS02", "5YJ3000000NEXUS03", "5YJS000000NEXUS04"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/1/vehicles" {
			_, _ = io.WriteString(w, `{"response":[{"vin":"`+paired+`","display_name":"Red"},{"vin":"`+unpaired+`"},{"vin":"`+old+`"},{"vin":"`+unsigned+`"}]}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		switch asked := string(body); {
		case strings.Contains(asked, paired):
			_, _ = io.WriteString(w, `{"response":{"key_paired_vins":["`+paired+`"],"unpaired_vins":[],"vehicle_info":{"`+paired+`":{"firmware_version":"2025.2.6","vehicle_command_protocol_required":true}}}}`)
		case strings.Contains(asked, unpaired):
			_, _ = io.WriteString(w, `{"response":{"key_paired_vins":[],"unpaired_vins":["`+unpaired+`"],"vehicle_info":{"`+unpaired+`":{"firmware_version":"2024.38","vehicle_command_protocol_required":true}}}}`)
		case strings.Contains(asked, old):
			_, _ = io.WriteString(w, `{"response":{"key_paired_vins":["`+old+`"],"unpaired_vins":[],"vehicle_info":{"`+old+`":{"firmware_version":"2024.26.9","vehicle_command_protocol_required":true}}}}`)
		default:
			_, _ = io.WriteString(w, `{"response":{"key_paired_vins":[],"unpaired_vins":["`+unsigned+`"],"vehicle_info":{"`+unsigned+`":{"vehicle_command_protocol_required":false}}}}`)
		}
	}))
	t.Cleanup(api.Close)
	key, err := tesla.OpenKey(filepath.Join(t.TempDir(), "key"))
	must(t, err)
	account, err := tesla.NewAccount(tesla.AccountConfig{Base: api.URL, Key: key, Log: unkept{}})
	must(t, err)
	t.Cleanup(account.Close)
	at, err := tesla.Office(tesla.Europe, "client-1", "secret-1", "https://loquet.example/home/cars/back")
	must(t, err)
	office, err := maker.NewOffice(at)
	must(t, err)
	t.Cleanup(office.Close)
	m := makers.NewTesla(account, office, "loquet.example")
	by := carlink.Consented{Consent: office.Consent(given{})}
	all, err := m.Vehicles(t.Context(), by)
	must(t, err)
	want := []carlink.Lack{"", carlink.LacksKey, "", carlink.LacksCommands}
	grades := []event.Grade{event.GradeProven, event.GradeProven, event.GradeReported, event.GradeReported}
	for i, v := range all {
		if v.Lacks != want[i] {
			t.Errorf("car %d lacks %q", i+1, v.Lacks)
		}
		for is, reveals := range map[event.BarrierKind]event.Reveals{event.Trunk: event.RevealsTrunk, event.Cabin: event.RevealsCar} {
			dev, err := m.Device(by, carlink.Chosen{Device: "d", Ref: v.Ref, Is: is, Extra: v.Extra})
			must(t, err)
			if s := dev.Spec(); s.Reveals != reveals || s.Grade != grades[i] {
				t.Errorf("car %d, %s: %+v", i+1, is, s)
			}
		}
	}
	if len(all) != 4 || all[0].Model != "Red" || !m.About().Elsewhere {
		t.Errorf("%d cars, %+v", len(all), m.About())
	}
}
