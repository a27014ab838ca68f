package app

import (
	"os"
	"path/filepath"
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
		if zone, err := officeZone(c.named); err != nil || zone.String() != c.want {
			t.Errorf("%+v: %v, %v", c, zone, err)
		}
	}
	t.Setenv("TZ", "nowhere at all")
	zone, err := officeZone("")
	if err != nil || zone.String() == "Local" {
		t.Errorf("whatever the machine says: %v, %v", zone, err)
	}
	if _, err := time.LoadLocation(zone.String()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"Local", "Mars/Olympus"} {
		if _, err := officeZone(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
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
