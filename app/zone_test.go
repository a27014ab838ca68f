package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheOfficesZoneHasAName(t *testing.T) {
	for _, c := range []struct{ named, env, want string }{
		{"Europe/Paris", "", "Europe/Paris"},
		{"Asia/Tokyo", "Europe/Paris", "Asia/Tokyo"},
		{"", "America/Lima", "America/Lima"},
	} {
		t.Setenv("TZ", c.env)
		if zone, err := officeZone(c.named, slog.New(slog.DiscardHandler)); err != nil || zone.String() != c.want {
			t.Errorf("%+v: %v, %v", c, zone, err)
		}
	}
	t.Setenv("TZ", "nowhere at all")
	var said strings.Builder
	zone, err := officeZone("", slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || zone.String() == "Local" {
		t.Errorf("whatever the machine says: %v, %v", zone, err)
	}
	if !strings.Contains(said.String(), "zone="+zone.String()) {
		t.Errorf("the log does not say which: %s", said.String())
	}
	if _, err := time.LoadLocation(zone.String()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"Local", "Mars/Olympus"} {
		if _, err := officeZone(wrong, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// Where the machine's zone has no name, days begin at another hour than its clock says; that is not silent.
func TestAZoneWithoutANameIsWarnedOf(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for zone, want := range map[*time.Location]string{paris: "level=WARN", london: "level=WARN", time.UTC: ""} {
		var said strings.Builder
		warnOfUTC(slog.New(slog.NewTextHandler(&said, nil)), time.Date(2026, 11, 22, 12, 0, 0, 0, zone))
		if got := said.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", zone, got)
		}
	}
}

func TestAZoneIsReadOffItsLink(t *testing.T) {
	t.Parallel()
	zones := filepath.Join(t.TempDir(), "zoneinfo", "Europe")
	if err := os.MkdirAll(zones, 0o700); err != nil {
		t.Fatal(err)
	}
	file, link := filepath.Join(zones, "Paris"), filepath.Join(t.TempDir(), "localtime")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if got := linkedZone(link); got != "Europe/Paris" {
		t.Errorf("%q", got)
	}
	if got := linkedZone(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("no link: %q", got)
	}
}
