package film

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// openStudio starts the real service in this process, which keeps what it films in a folder.
func openStudio(t *testing.T, folder string) *studio.Local {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	shelf, err := disk.Open(folder)
	must(t, err)
	shown, err := live.Listen(live.Config{UDP: "127.0.0.1:0", Log: log})
	must(t, err)
	l := studio.New(studio.Config{Shelf: shelf, Live: shown, Log: log,
		Dial: func(a string) (camera.Source, error) { return rtsp.New(a, rtsp.DefaultTimeouts) }})
	t.Cleanup(func() {
		must(t, l.Close(context.Background()))
		must(t, shown.Close())
		must(t, shelf.Close())
	})
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filesIn counts what lies in a folder and below.
func filesIn(t *testing.T, folder string) (n int) {
	t.Helper()
	must(t, filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

// A real camera, from the approach to the erasure: proven, watched while the door stands open, lost and back, kept,
// shown as the journal has it, and gone.
func TestARealCamera(t *testing.T) {
	cam, err := virtual.Start(virtual.Options{User: "loquet", Password: "s3cr3t", Group: 25})
	must(t, err)
	t.Cleanup(cam.Close)
	folder := t.TempDir()
	local := openStudio(t, folder)
	street := newStreet(t)
	street.patience = 60 * time.Second
	h := street.process(local).furnish("home", cam.Address())
	t.Cleanup(h.run())

	h.approach()
	limit := time.After(street.patience)
	for local.Picture(h.eye).Fault != "" {
		select {
		case <-limit:
			t.Fatalf("not proven: %+v", local.Picture(h.eye))
		case <-time.After(50 * time.Millisecond):
		}
	}
	h.scan()
	h.until("the picture is kept", func(all []event.Event) bool { return count[event.RecordingAsked](all) == 1 })
	cam.Vanish()
	h.until("the picture is lost", func(all []event.Event) bool { return count[event.PictureLost](all) == 1 })
	cam.Return()
	h.until("it is back", func(all []event.Event) bool { return count[event.PictureBack](all) == 1 })
	h.enter()
	h.until("the clip is there", func(all []event.Event) bool { return count[event.ClipFinished](all) == 1 })

	key, err := h.director.ClipKey(t.Context(), h.clip)
	must(t, err)
	kept, _ := h.state().Clip(h.clip)
	if len(kept.Files) == 0 {
		t.Fatal("nothing was kept")
	}
	for i, f := range kept.Files {
		w := httptest.NewRecorder()
		local.ServeFile(w, httptest.NewRequest("GET", "/", nil), h.clip, i, key)
		if sum := sha256.Sum256(w.Body.Bytes()); hex.EncodeToString(sum[:]) != f.SHA256 || w.Code != 200 {
			t.Errorf("file %d is not the one of the journal: %d", i, w.Code)
		}
	}
	h.do(h.site, h.member, site.EraseClip{Clip: h.clip})
	h.until("it is erased", func(all []event.Event) bool { return count[event.ClipErased](all) == 1 })
	if n := filesIn(t, filepath.Join(folder, "clips")); n > 0 || h.sealedKey() {
		t.Errorf("%d files are left; the key is: %t", n, h.sealedKey())
	}
}
