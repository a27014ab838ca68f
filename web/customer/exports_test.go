package customer_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
)

const exportPage = "/home/household/export"

// exported begins an export from the page, and waits on its stream until it is over.
func (v *visitor) exported(t *testing.T, says string) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if to := v.post(exportPage, exportPage); to != exportPage {
		t.Fatalf("begun, and led to %s", to)
	}
	await(t, v.live(ctx, exportPage+"/live"), says)
}

// archive is what a member fetches.
func archive(t *testing.T, me *visitor) map[string]string {
	t.Helper()
	a := me.send("GET", exportPage+"/file", nil)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("the file: %d %v", a.status, a.header)
	}
	z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
	must(t, err)
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		files[f.Name] = string(data)
	}
	return files
}

// Everything about a household is one file that is made while the page is left, waits to be found again, and is for
// whoever asked alone.
func TestExport(t *testing.T) {
	t.Parallel()
	other := func(d *api.Deps) {
		d.Others = func(context.Context, auth.Member) (map[string]any, error) {
			return map[string]any{"mailbox": "camille@example.org"}, nil
		}
	}
	b := build(t, indoors.Wired(other))
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	anna.Finish(d, anna.Enter(d))
	both(t, me, exportPage, "Make the file", "Préparer le fichier")
	if a := me.send("GET", exportPage+"/file", nil); a.header.Get("Location") != exportPage {
		t.Errorf("a file that is not there: %d", a.status)
	}
	me.in(phrase.English).exported(t, "Your export is ready")
	both(t, me, exportPage, "It waits here until", "Il attend ici jusqu'à")
	me.shows("/home/household", "Your export is ready")
	files := archive(t, me)
	var home api.Home
	must(t, json.Unmarshal([]byte(files["home.json"]), &home))
	if home.Members[0].Name != "Camille" || strings.Count(files["journal.jsonl"], "\n") != len(b.Journal(h.Site)) || !strings.Contains(files["others/mailbox.json"], "camille@") {
		t.Errorf("the archive: %v", files)
	}
	if part := me.send("GET", exportPage+"/file", nil); part.header.Get("Accept-Ranges") != "bytes" {
		t.Error("what broke off can't be gone on with")
	}

	paul := *h
	var m api.Member
	must(t, h.Call(t.Context(), "POST", "/v1/home/members", api.MemberRequest{Name: "Paul"}, &m))
	paul.Cookie = b.SignIn(m.ID)
	if a := b.visitor(t, &paul).send("GET", exportPage+"/file", nil); a.status == http.StatusOK {
		t.Error("another member fetches it")
	}
	for _, data := range sealedFiles(t, b) {
		if bytes.Contains(data, []byte("journal.jsonl")) || bytes.Contains(data, []byte("PK\x03\x04")) {
			t.Error("it can be read from the disk")
		}
	}
	me.exported(t, "Your export is ready")
	if n := len(sealedFiles(t, b)); n != 1 {
		t.Errorf("%d files", n)
	}
	must(t, h.Call(t.Context(), "POST", "/v1/home/close", nil, nil))
	for limit := time.Now().Add(indoors.Patience); len(sealedFiles(t, b)) > 0 && time.Now().Before(limit); {
		b.app.Forget([]event.MemberID{h.Member})
	}
	if n := len(sealedFiles(t, b)); n != 0 {
		t.Errorf("%d files outlive the household", n)
	}
}

// sealedFiles are the exports that wait, as they lie on the disk.
func sealedFiles(t *testing.T, b *building) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(b.folder, "*"))
	must(t, err)
	var all [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(t, err)
		all = append(all, data)
	}
	return all
}

// An export shows how far it is, in steps that are read out; a second press begins no second one.
func TestAnExportUnderWay(t *testing.T) {
	t.Parallel()
	going := make(chan struct{})
	slow := func(d *api.Deps) {
		d.Others = func(ctx context.Context, _ auth.Member) (map[string]any, error) {
			select {
			case <-going:
			case <-ctx.Done():
			}
			return nil, ctx.Err()
		}
	}
	b := build(t, indoors.Wired(slow))
	h := b.Household("Camille")
	me := b.visitor(t, h)
	fields := form(t, me.page(exportPage), exportPage)
	for i := range 3 {
		fields.Set("key", strings.Repeat("k", i+1))
		me.send("POST", exportPage, fields)
	}
	both(t, me, exportPage, "You may leave this page", "Vous pouvez quitter cette page")
	me.shows(exportPage, "No e-mail is sent when it is ready")
	if page := me.page(exportPage); !strings.Contains(page, `<div id="status" class="said" role="status">Export: 0`) || strings.Contains(page, "Make the file") {
		t.Errorf("it is read out as %s", page)
	}
	if a := me.send("GET", exportPage+"/file", nil); a.status == http.StatusOK {
		t.Error("what is half made can be fetched")
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	lines := me.live(ctx, exportPage+"/live")
	close(going)
	await(t, lines, "Your export is ready")
}

// An export that breaks off says so, and can be made again.
func TestAnExportThatBreaksOff(t *testing.T) {
	t.Parallel()
	asked := 0
	broken := func(d *api.Deps) {
		d.Others = func(context.Context, auth.Member) (map[string]any, error) {
			if asked++; asked == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, nil
		}
	}
	b := build(t, indoors.Wired(broken))
	me := b.visitor(t, b.Household("Camille"))
	b.app.BreakExports(1000) // theirs take no room
	me.exported(t, "Your export broke off")
	both(t, me, exportPage, "Nothing is lost and nothing was sent.", "Rien n'est perdu et rien n'a été envoyé.")
	if n := len(sealedFiles(t, b)); n != 0 {
		t.Errorf("%d files are left of it", n)
	}
	me.exported(t, "Your export is ready")
	for _, not := range []string{"exports"} {
		me.page(exportPage + "?not=" + url.QueryEscape(not))
	}
}

// That an export broke off is forgotten after a day, as one that is ready is.
func TestABrokenExportIsForgotten(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		if then, later := customer.BrokenExport(slog.New(slog.DiscardHandler)); then != 1 || later != 0 {
			t.Errorf("%d known then, %d a day later", then, later)
		}
	})
}

// How long an export will take is reckoned from when its turn came.
func TestAnExportWaitsForItsTurn(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(*testing.T) {
		if began := customer.TurnOf(time.Hour, folder, slog.New(slog.DiscardHandler)); began != time.Hour {
			t.Errorf("it began %s after it was asked for", began)
		}
	})
}
