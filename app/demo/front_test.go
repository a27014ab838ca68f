package demo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// still is a world in which nothing happens.
type still struct{ entered []string }

func (*still) Changed() <-chan struct{} { return nil }
func (*still) State() desk.State {
	return desk.State{Doors: []desk.Door{{ID: "front", Name: "Front door"}}}
}
func (*still) Do(context.Context, desk.Act) error { return nil }
func (*still) Offer(a desk.App, _ string) string  { return "/demo/in/" + string(a) + "/token" }
func (s *still) Enter(_ context.Context, a desk.App, token string) (string, error) {
	s.entered = append(s.entered, string(a)+" "+token)
	return "/somewhere", nil
}
func (*still) Audit(context.Context) (desk.Audit, error) { return desk.Audit{}, nil }

// fronted is a front before a server.
func fronted(t *testing.T, server http.Handler) *front {
	t.Helper()
	behind := httptest.NewServer(server)
	t.Cleanup(behind.Close)
	return frontOf(t, strings.TrimPrefix(behind.URL, "http://"))
}

func frontOf(t *testing.T, server string) *front {
	t.Helper()
	f, err := openFront()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	if err := f.seat(&still{}, &desk.Phone{}, quietly()); err != nil {
		t.Fatal(err)
	}
	f.serve(server)
	return f
}

// visit asks as a browser does, whose page it is.
func visit(t *testing.T, address string, headers ...string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Mode", "cors")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestTheFrontPassesOnWhatIsNotTheDesks(t *testing.T) {
	t.Parallel()
	f := fronted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "server: "+r.Host+" "+r.URL.RequestURI())
	}))
	host := strings.TrimPrefix(f.url(), "http://")
	for _, path := range []string{"/", "/home/?x=1", "/demonstration", "/assets/0000/ui/js/live.mjs"} {
		if _, body, err := visit(t, f.url()+path); err != nil || body != "server: "+host+" "+path {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	for path, want := range map[string]string{"/demo/": "Demo desk", "/demo": "Demo desk", f.assetsAt + "desk/css/desk.css": ".drawing"} {
		if status, body, err := visit(t, f.url()+path); err != nil || status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %v", path, status, err)
		}
	}
}

func TestTheDeskIsForThoseWhoCameUnderItsOwnName(t *testing.T) {
	t.Parallel()
	f := fronted(t, http.NotFoundHandler())
	status, body, err := visit(t, f.url()+"/demo/", "Host", "rebound.example:80")
	if err != nil || status != http.StatusMisdirectedRequest || strings.Contains(body, "act") {
		t.Errorf("under another name: %d, %v", status, err)
	}
}

func TestALinkIsCutForOneAppAlone(t *testing.T) {
	t.Parallel()
	opened := make(chan string, 2)
	f := fronted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/live") {
			_, _ = io.WriteString(w, "beat\n")
			_ = http.NewResponseController(w).Flush()
			opened <- r.URL.Path
			<-r.Context().Done()
		}
	}))
	var under sync.WaitGroup
	ended := make(chan string, 2)
	for _, path := range []string{"/home/live", "/operator/live"} {
		under.Go(func() {
			_, _, err := visit(t, f.url()+path)
			if err == nil {
				t.Errorf("%s ended as if all was well", path)
			}
			ended <- path
		})
		<-opened
	}
	f.cutFor("customer", time.Minute)
	if first := <-ended; first != "/home/live" {
		t.Errorf("%s was cut", first)
	}
	if _, _, err := visit(t, f.url()+"/home/"); err == nil {
		t.Error("a new request came through")
	}
	if f.cutUntil("customer").IsZero() || !f.cutUntil("courier").IsZero() {
		t.Error("nobody knows which link is cut")
	}
	if _, _, err := visit(t, f.url()+"/v1/home", "Sec-Fetch-Mode", ""); err != nil {
		t.Errorf("somebody who is no page: %v", err)
	}
	f.cutFor("customer", 0)
	if _, _, err := visit(t, f.url()+"/home/"); err != nil || !f.cutUntil("customer").IsZero() {
		t.Errorf("after the cut: %v", err)
	}
	f.close()
	under.Wait()
}

func TestTheOfficeHearsOfANewPhone(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"/v1/pair": `{"courier":"Rapido-Karim","stale":["x-d1","x-d2"]}`, "/v1/other": `{"courier":"Rapido-Karim","stale":["x-d3"]}`,
		"/v1/courier/approach": `{"visit":{"id":"x-v3","deliveries":[{"delivery":"x-d4"}]}}`}
	var next event.DeliveryID
	f := fronted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answers[r.URL.Path])
	}))
	var heard []event.DeliveryID
	f.paired = func(_ context.Context, courier event.CourierID, stale []event.DeliveryID) {
		if courier == "Rapido-Karim" {
			heard = append(heard, stale...)
		}
	}
	f.approached = func(d event.DeliveryID) { next = d }
	for path, want := range answers {
		if _, body, err := visit(t, f.url()+path); err != nil || body != want {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	if len(heard) != 2 || heard[1] != "x-d2" || next != "x-d4" {
		t.Errorf("heard of %v, then %s", heard, next)
	}
}

func TestADeadServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	f := frontOf(t, "127.0.0.1:1")
	if status, _, err := visit(t, f.url()+"/home/"); err == nil {
		t.Errorf("it said %d", status)
	}
}

func TestALinkWorksOnce(t *testing.T) {
	t.Parallel()
	fails := errors.New("no server")
	l := &links{enter: map[string]func(context.Context, string) (string, error){
		"customer": func(_ context.Context, door string) (string, error) { return "/signed-in/" + door, fails },
		"courier":  func(context.Context, string) (string, error) { return "/paired", nil },
	}}
	path := l.offer("customer", "garage")
	token := path[strings.LastIndex(path, "/")+1:]
	if _, err := l.spend(t.Context(), "customer", token); err == nil || errors.As(err, new(spentError)) {
		t.Errorf("while nothing can be made: %v", err)
	}
	fails = nil
	if to, err := l.spend(t.Context(), "courier", token); err == nil {
		t.Errorf("for another app it leads to %s", to)
	}
	if to, err := l.spend(t.Context(), "customer", token); err != nil || to != "/signed-in/garage" {
		t.Errorf("the first time: %s, %v", to, err)
	}
	var spent spentError
	if _, err := l.spend(t.Context(), "customer", token); !errors.As(err, &spent) || spent.at.IsZero() {
		t.Errorf("the second time: %v", err)
	}
	if _, err := l.spend(t.Context(), "customer", "made-up"); !errors.As(err, &spent) || !spent.at.IsZero() {
		t.Errorf("one that there never was: %v", err)
	}
	old := l.offer("courier", "")
	token = old[strings.LastIndex(old, "/")+1:]
	l.known[token].until = time.Now().Add(-time.Second)
	if _, err := l.spend(t.Context(), "courier", token); !errors.As(err, &spent) || !spent.at.IsZero() {
		t.Errorf("after its hour: %v", err)
	}
}

func TestTheWalkLeadsToTheDoor(t *testing.T) {
	t.Parallel()
	w := newWalk(lilas.at)
	start := w.standing()
	if start.left != walkFrom || start.walking || start.accuracy != good {
		t.Errorf("at the start: %+v", start)
	}
	if until := time.Until(w.arrives()); until < walkTime-time.Second || until > walkTime {
		t.Errorf("it takes %v", until)
	}
	w.begin()
	if at := w.standing(); !at.walking || at.left > walkFrom {
		t.Errorf("on the way: %+v", at)
	}
	w.hurry(0)
	if at := w.standing(); at.left != 0 || at.walking || at.point != lilas.at {
		t.Errorf("at the door: %+v", at)
	}
	w.blur(true)
	if w.standing().accuracy != vague {
		t.Error("the position is not vague")
	}
	w.back()
	if at := w.standing(); at.left != walkFrom || at.walking {
		t.Errorf("back at the start: %+v", at)
	}
}
