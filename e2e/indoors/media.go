package indoors

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/event"
)

// Media is the real media service behind its socket, until the test ends. Name it with Filmed.
func Media(t testing.TB) camera.Studio {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	shelf := must(disk.Open(t.TempDir()))(t)
	shown := must(live.Listen(live.Config{UDP: "127.0.0.1:0", Log: log}))(t)
	local := studio.New(studio.Config{Shelf: shelf, Live: shown, Log: log,
		Dial: func(a string) (camera.Source, error) { return rtsp.New(a, rtsp.DefaultTimeouts) }})
	socket := filepath.Join(t.TempDir(), "media.sock")
	listener := must(net.Listen("unix", socket))(t)
	server := &http.Server{Handler: studio.Handler(local), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	client := studio.OverSocket(socket, log)
	t.Cleanup(func() {
		client.Close()
		must(0, server.Close())(t)
		serving.Wait()
		must(0, local.Close(context.Background()))(t)
		must(0, shown.Close())(t)
		must(0, shelf.Close())(t)
	})
	return client
}

// PutUpCamera has a virtual camera film the door, proven good enough.
func (h *Household) PutUpCamera() *virtual.Camera {
	t := h.in.T
	t.Helper()
	cam := must(virtual.Start(virtual.Options{User: "loquet", Password: "eye-of-the-hall", Group: 25}))(t)
	t.Cleanup(cam.Close)
	var made api.Camera
	h.post("/v1/home/cameras", api.CameraRequest{Address: cam.Address(), Sees: []event.AccessPointID{h.AccessPoint}}, &made)
	var check api.CameraCheck
	h.post("/v1/home/cameras/"+string(made.ID)+"/check", nil, &check)
	if !check.Good {
		t.Fatalf("the camera is not good enough: %+v", check)
	}
	return cam
}
