package courier_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/parcel"
)

// filmed is a film of a parcel's printed label, in a hand that shakes, not always in focus. For Chromium's camera.
func filmed(t *testing.T, code string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: scripts/need.sh installs it")
	}
	read, err := parcel.Parse(code, "")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := parcel.Label{Code: read, Title: "Swift", Rows: []parcel.Row{{Name: "From", Value: "grocer"}}}.PNG()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	label, film := filepath.Join(dir, "label.png"), filepath.Join(dir, "label.y4m")
	if err := os.WriteFile(label, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	const shaken = "scale=1100:-1,pad=1700:2000:(ow-iw)/2:(oh-ih)/2:color=0x8A8F94," +
		"rotate=a='0.04*sin(2.1*t)':fillcolor=0x8A8F94," +
		"crop=1280:720:x='210+50*sin(1.7*t)+5*sin(23*t)':y='1080+40*cos(1.3*t)+5*sin(29*t)'," +
		"gblur=sigma=4:enable='lt(mod(t,1),0.5)',gblur=sigma=0.8,noise=alls=8:allf=t"
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-loop", "1", "-framerate", "15", "-t", "4", "-i", label,
		"-vf", shaken, "-pix_fmt", "yuv420p", film).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return film
}

// The camera reads a real label in a shaky film, and that scan is what opens the door: no tap is needed.
func TestScanner(t *testing.T) {
	b := newBrowsing(t)
	booked := b.ordinary()
	*booked = b.Booked(b.home)
	b.hands["assign"] = func(string) any {
		b.call(b.Key(auth.Operator, "swift"), "POST", "/v1/deliveries/"+string(booked.ID)+"/assign", api.AssignRequest{Courier: b.anna.Courier}, nil)
		return true
	}
	b.run("scanner.mjs", "FILM="+filmed(t, booked.Parcel))
}
