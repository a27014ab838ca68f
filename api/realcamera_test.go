package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
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

// mediaService starts the real one behind its socket, as beside a server, and returns its client and what ends it.
func mediaService(t *testing.T) (camera.Studio, func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	shelf := get(disk.Open(t.TempDir()))(t)
	shown := get(live.Listen(live.Config{UDP: "127.0.0.1:0", Log: log}))(t)
	local := studio.New(studio.Config{Shelf: shelf, Live: shown, Log: log,
		Dial: func(a string) (camera.Source, error) { return rtsp.New(a, rtsp.DefaultTimeouts) }})
	socket := filepath.Join(t.TempDir(), "media.sock")
	listener := get(net.Listen("unix", socket))(t)
	server := &http.Server{Handler: studio.Handler(local), ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	client := studio.OverSocket(socket, log)
	end := sync.OnceFunc(func() {
		must(t, server.Close())
		<-served
		must(t, local.Close(context.Background()))
		must(t, shown.Close())
		must(t, shelf.Close())
	})
	t.Cleanup(func() {
		end()
		client.Close()
	})
	return client, end
}

// A real camera behind the real media service, from adding it to what is left of it.
func TestARealCamera(t *testing.T) {
	cam := get(virtual.Start(virtual.Options{User: "loquet", Password: eyePassword, Group: 25}))(t)
	t.Cleanup(cam.Close)
	media, end := mediaService(t)
	w := newFilmedWorld(t, media)
	w.secrets = []string{eyePassword}
	h, anna := w.home(), w.courier("anna")

	var added api.Camera
	h.post("/v1/home/cameras", api.CameraRequest{Address: cam.Address(), Sees: []event.AccessPointID{h.place}}, &added)
	cam.SetPassword("another")
	var check api.CameraCheck
	h.send("POST", "/v1/home/cameras/"+string(added.ID)+"/check", nil, "Accept-Language", "fr").want(200, &check)
	if check.Good || check.Picture.Fault != event.PictureRefused || !strings.Contains(check.Picture.Title, "Mot de passe") || h.look().Cameras[0].Proven {
		t.Errorf("with another password: %+v", check)
	}
	cam.SetPassword(eyePassword)
	h.send("POST", "/v1/home/cameras/"+string(added.ID)+"/check", nil).want(200, &check)
	if !check.Good || !check.Picture.Live || check.Stream.Width != 320 || !check.Stream.WebRTC || !h.look().Cameras[0].Proven {
		t.Fatalf("a good camera: %+v", check)
	}

	h.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, Camera: true}).want(200, nil)
	w.assign(w.book(w.merchant("grocer"), h, 1).ID, "anna")
	v := granted(t, anna.approach(h)).Visit
	if !v.Filmed {
		t.Error("the courier is not told to be filmed")
	}
	w.until(t, "the picture counts", func() bool { return media.Picture(added.ID).Fault == "" })
	watchLive(t, w, h, "/v1/home/visits/"+string(v.ID)+"/live/")
	granted(t, anna.scan(v.ID, 1))
	anna.finish(h, v.ID)
	await[event.ClipFinished](w, h.site)
	h.offer("/v1/home/visits/"+string(v.ID)+"/live/whep").problem(404, "not-found")

	var all struct{ Clips []api.Clip }
	h.get("/v1/home/clips", &all)
	if len(all.Clips) != 1 || len(all.Clips[0].Files) == 0 {
		t.Fatalf("kept: %+v", all)
	}
	path, file := "/v1/home/clips/"+string(all.Clips[0].ID), all.Clips[0].Files[0]
	whole := h.send("GET", path+"/files/1", nil).want(200, nil)
	if sum := sha256.Sum256(whole.body); hex.EncodeToString(sum[:]) != file.SHA256 || int64(len(whole.body)) != file.Bytes {
		t.Errorf("%d bytes, and the journal has %+v", len(whole.body), file)
	}
	plainly(t, whole)
	part := h.send("GET", path+"/files/1", nil, "Range", "bytes=4-7").want(206, nil)
	if string(part.body) != "ftyp" {
		t.Errorf("bytes 4 to 7: %q", part.body)
	}
	plainly(t, part)
	for _, r := range []reply{h.send("GET", path+"/files/1", nil, "Range", "bytes=999999999-"), h.send("GET", path+"/files/99", nil), h.send("GET", path+"/poster", nil)} {
		r.problem(map[bool]int{true: 416, false: 404}[r.status == 416], map[bool]string{true: "range", false: "not-found"}[r.status == 416])
		plainly(t, r)
	}
	h.send("DELETE", path, nil).want(202, nil)
	await[event.ClipErased](w, h.site)
	h.send("GET", path+"/files/1", nil).problem(404, "not-found")

	end()
	h.send("POST", "/v1/home/cameras/"+string(added.ID)+"/check", nil).problem(503, "media")
	host := get(url.Parse(cam.Address()))(t).Host
	for _, secret := range []string{eyePassword, host} {
		if strings.Contains(w.logs.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// watchLive plays a visit by HLS as a player would, and offers what is no offer.
func watchLive(t *testing.T, w *world, h *home, live string) {
	t.Helper()
	list := h.send("GET", live+"hls/index.m3u8", nil).want(200, nil)
	plainly(t, list)
	media := regexp.MustCompile(`(?m)^[^#\n].*$`).FindString(string(list.body))
	if !strings.HasPrefix(string(list.body), "#EXTM3U") || media == "" {
		t.Fatalf("the first playlist: %s", list.body)
	}
	parts := h.send("GET", live+"hls/"+media, nil).want(200, nil)
	plainly(t, parts)
	first := regexp.MustCompile(`URI="([^"]+[.]mp4[^"]*)"`).FindStringSubmatch(string(parts.body))
	if first == nil {
		t.Fatalf("the second playlist: %s", parts.body)
	}
	piece := h.send("GET", live+"hls/"+first[1], nil).want(200, nil)
	plainly(t, piece)
	if len(piece.body) < 8 || string(piece.body[4:8]) != "ftyp" {
		t.Errorf("the beginning of the picture: %d bytes", len(piece.body))
	}
	if n := count[event.PictureWatched](w, h.site); n != 1 {
		t.Errorf("%d looks by HLS", n)
	}
	bad := h.offer(live + "whep")
	var p api.Problem
	if bad.want(400, &p); p.Code != "offer" || bad.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("an offer that is none: %s", bad.body)
	}
	plainly(t, bad)
	h.send("POST", live+"whep", "v=0", "Content-Type", "text/plain").want(415, nil)
	gone := h.send("DELETE", live+"whep/nobody", nil)
	gone.problem(410, "look-ended")
	plainly(t, gone)
}
