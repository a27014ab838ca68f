package courier_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/web/courier"
	"github.com/loquet/loquet/web/ui"
)

// house is an installation with the courier's app, one home, and a courier.
type house struct {
	*indoors.Installation
	t    *testing.T
	kit  *ui.Kit
	home *indoors.Household
	anna *indoors.Phone
}

// mounted serves the app behind the guard; extra, if not nil, goes beside it.
func mounted(kit **ui.Kit, extra func(*http.ServeMux)) func(*indoors.Installation) http.Handler {
	return func(in *indoors.Installation) http.Handler {
		in.T.Helper()
		k, err := ui.New(ui.Options{Public: in.URL, Log: in.Log, Now: time.Now, Random: rand.Reader})
		if err != nil {
			in.T.Fatal(err)
		}
		*kit = k
		app, err := courier.New(courier.Deps{API: in.API, Couriers: in.Couriers, Dispatch: in.Dispatcher, Kit: k, Now: time.Now,
			Log: slog.New(slog.DiscardHandler), Phone: "+33123456789"})
		if err != nil {
			in.T.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/assets/", k.Assets())
		mux.Handle("/", k.Guard(app))
		if extra != nil {
			extra(mux)
		}
		return mux
	}
}

func newHouse(t *testing.T, with ...indoors.Option) *house {
	t.Helper()
	h := &house{t: t}
	h.Installation = indoors.New(t, mounted(&h.kit, nil), with...)
	t.Cleanup(h.kit.EndStreams)
	h.home = h.Household("Camille")
	h.anna = h.Courier("swift-anna")
	return h
}

// get asks for a page in a language, signed by the phone if it is not nil.
func (h *house) get(p *indoors.Phone, lang, path string) (status int, header http.Header, body string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", lang)
	if p != nil {
		if err := p.Authorize(r, nil); err != nil {
			h.t.Fatal(err)
		}
	}
	answer, err := (&http.Client{Timeout: indoors.Patience}).Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, answer.Body); err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, b.String()
}

// view is what a place shows to the courier.
func (h *house) view(lang, place string) string {
	h.t.Helper()
	status, _, body := h.get(h.anna, lang, "/courier/view/"+place)
	if status != http.StatusOK {
		h.t.Fatalf("%s: %d: %s", place, status, body)
	}
	return body
}

// screen is which screen a view shows.
func screen(t *testing.T, view string) string {
	t.Helper()
	_, after, found := strings.Cut(view, `data-screen="`)
	name, _, ended := strings.Cut(after, `"`)
	if !found || !ended {
		t.Fatalf("no screen in %s", view)
	}
	return name
}

// problem is the code of what is wrong.
func problem(t *testing.T, body string) string {
	t.Helper()
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return p.Code
}
