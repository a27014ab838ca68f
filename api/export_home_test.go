package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

// unpacked are the files of an archive.
func unpacked(t testing.TB, archive []byte) map[string]string {
	t.Helper()
	r := get(zip.NewReader(bytes.NewReader(archive), int64(len(archive))))(t)
	files := map[string]string{}
	for _, f := range r.File {
		open := get(f.Open())(t)
		files[f.Name] = string(get(io.ReadAll(open))(t))
		must(t, open.Close())
	}
	return files
}

// An export holds everything about the household: what is personal, the journal, and the films themselves.
func TestExport(t *testing.T) {
	s := newFilmed(t)
	s.open()
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	var taken api.PhotoTaken
	s.phone.sendPhoto("/v1/courier/visits/"+string(s.visit), snapshot(t, 50)).want(200, &taken)
	granted(t, s.phone.act(s.visit, "deposit", api.DepositRequest{Photo: taken.Photo}))
	s.phone.finish(s.home, s.visit)
	clip := await[event.ClipFinished](s.w, s.home.site).Clip
	s.w.operator().get("/v1/sites/"+string(s.home.site), nil)
	looks := s.looks()
	r := s.home.send("GET", "/v1/home/export", nil, "Accept-Language", "fr").want(200, nil)
	if r.header.Get("Content-Type") != "application/zip" || !strings.Contains(r.header.Get("Content-Disposition"), "attachment") || r.header.Get("Loquet-Expected-Bytes") == "" {
		t.Errorf("sent as %v", r.header)
	}
	files := unpacked(t, r.body)
	for name, holds := range map[string]string{
		"README.txt": "foyer", "home.json": "12 rue des Lilas", "journal.jsonl": `"kind":"delivery.delivered"`, "deliveries.jsonl": "34012345",
		"openings.jsonl": "Anna Sommer", "looks.jsonl": "operator/swift", "alarms.jsonl": "", "sessions.json": "begun", "films.json": string(clip),
		"films/" + string(clip) + "-1.mp4": "0123456789", "photos/" + string(s.visit) + ".jpg": "\xff\xd8",
	} {
		if content, there := files[name]; !there || !strings.Contains(content, holds) {
			t.Errorf("%s lacks %q: %.200s", name, holds, content)
		}
	}
	if events := strings.Count(files["journal.jsonl"], "\n"); events < len(s.w.journal(s.home.site))-1 {
		t.Errorf("%d events of %d", events, len(s.w.journal(s.home.site)))
	}
	for _, l := range strings.Split(strings.TrimSpace(files["journal.jsonl"]), "\n") {
		var e event.Event
		must(t, json.Unmarshal([]byte(l), &e))
	}
	if n := s.looks() - looks; n != 1 {
		t.Errorf("%d looks at the film are recorded", n)
	}
	var p api.ExportProgress
	s.home.get("/v1/home/export/progress", &p)
	if p.Running || p.Ended == 0 || p.Part != p.Parts || p.Parts != len(files) || p.Bytes != int64(len(r.body)) || p.Of == 0 {
		t.Errorf("progress %+v of %d files, %d bytes", p, len(files), len(r.body))
	}
	bare := unpacked(t, s.home.send("GET", "/v1/home/export?films=false", nil).want(200, nil).body)
	if _, there := bare["films/"+string(clip)+"-1.mp4"]; there || !strings.Contains(bare["films.json"], string(clip)) || !strings.Contains(bare["README.txt"], "household") {
		t.Errorf("without films: %v", bare["films.json"])
	}
	stranger := s.w.empty(s.w.merchant("butcher"))
	if other := unpacked(t, stranger.send("GET", "/v1/home/export", nil).want(200, nil).body); strings.Contains(other["journal.jsonl"], string(s.home.site)) {
		t.Error("another household's journal")
	}
	if s.home.get("/v1/home/export/progress", &p); p.Running {
		t.Error("it runs for ever")
	}
}

// What other rooms keep comes along, and an export that fails on the way does not look whole.
func TestExportOfOtherRooms(t *testing.T) {
	fail := false
	w := newWorld(t, func(d *api.Deps) {
		d.Others = func(_ context.Context, m auth.Member) (map[string]any, error) {
			if fail {
				return nil, io.ErrUnexpectedEOF
			}
			return map[string]any{"mailbox": map[string]string{"address": "camille@example.org", "of": string(m.ID())}}, nil
		}
	})
	h := w.home()
	files := unpacked(t, h.send("GET", "/v1/home/export", nil).want(200, nil).body)
	if !strings.Contains(files["others/mailbox.json"], "camille@example.org") || !strings.Contains(files["others/mailbox.json"], string(h.member)) {
		t.Errorf("others: %q", files["others/mailbox.json"])
	}
	fail = true
	req := get(http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/home/export", nil))(t)
	h.sign(req, nil)
	if res, err := w.transport.RoundTrip(req); err == nil {
		body, err := io.ReadAll(res.Body)
		must(t, res.Body.Close())
		if err == nil {
			t.Errorf("an export that failed looks whole: %d bytes", len(body))
		}
	}
	var p api.ExportProgress
	w.until(t, "it has ended", func() bool {
		h.get("/v1/home/export/progress", &p)
		return !p.Running
	})
	if p.Ended != 0 {
		t.Errorf("progress %+v", p)
	}
	fail = false
	h.send("GET", "/v1/home/export", nil).want(200, nil)
}

// A member has one export at a time.
func TestOneExportAtATime(t *testing.T) {
	s := newFilmed(t)
	s.clip()
	going, goOn := make(chan struct{}), make(chan struct{})
	s.cinema.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(going)
		<-goOn
		_, _ = w.Write([]byte("0123456789"))
	})
	first := make(chan reply)
	go func() { first <- s.home.send("GET", "/v1/home/export", nil) }()
	select {
	case <-going:
	case <-time.After(patience):
		t.Fatal("no film was read")
	}
	s.home.send("GET", "/v1/home/export", nil).problem(409, "export-running")
	var p api.ExportProgress
	s.home.get("/v1/home/export/progress", &p)
	if !p.Running || p.Part != p.Parts || p.Of < 10 {
		t.Errorf("progress %+v", p)
	}
	close(goOn)
	r := <-first
	if files := unpacked(t, r.want(200, nil).body); len(files) != p.Parts {
		t.Errorf("%d files, not %d", len(files), p.Parts)
	}
}
