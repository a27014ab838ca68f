package demo

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/loquet/loquet/web/desk"
)

// outside are the addresses before which nobody is asked who they are, and what they answer.
var outside = map[string]int{
	"/healthz":                http.StatusOK,
	"/readyz":                 http.StatusOK,
	"/metrics":                http.StatusOK,
	"/openapi.json":           http.StatusOK,
	"/docs":                   http.StatusMovedPermanently,
	"/docs/":                  http.StatusOK,
	"/assets/":                http.StatusNotFound, // no list of what there is
	"/choose":                 http.StatusSeeOther,
	"/v1":                     http.StatusNotFound,
	"/favicon.ico":            http.StatusNotFound,
	"/.git/config":            http.StatusNotFound,
	"/debug/pprof/":           http.StatusNotFound,
	"/demo":                   http.StatusNotFound, // the hands of the demo are not in the product
	"/demo/":                  http.StatusNotFound,
	"/demo/act":               http.StatusNotFound,
	"/demo/in/operator/token": http.StatusNotFound,
}

// walkOutside asks the server itself at each such address, as everybody who can be there: the answer is the same, and
// holds nothing that happened in the town.
func walkOutside(t *testing.T, town *town) {
	t.Helper()
	server := "http://" + town.stage.listen
	callers := map[string]string{"nobody": "", "a member": signedIn(t, town, desk.Customer), "the office": signedIn(t, town, desk.Operator)}
	d := town.now.delivery
	told := []string{"Camille", "Karim", "karim", "Lilas", "lilas", string(d.id), string(d.site)}
	for path, want := range outside {
		for who, cookie := range callers {
			res, body := asked(t, http.MethodGet, server+path, cookie, nil)
			if res.StatusCode != want {
				t.Errorf("%s asks for %s: %s, want %d", who, path, res.Status, want)
			}
			for _, word := range told {
				if strings.Contains(body, word) {
					t.Errorf("%s is told %q at %s", who, word, path)
				}
			}
			if path == "/choose" {
				continue // the one that takes a form
			}
			if res, _ := asked(t, http.MethodPost, server+path, cookie, url.Values{"do": {"push"}}); res.StatusCode < 400 {
				t.Errorf("%s may send a form to %s: %s", who, path, res.Status)
			}
		}
	}
}

// signedIn is the cookie of who came by a link of the desk.
func signedIn(t *testing.T, town *town, app desk.App) string {
	t.Helper()
	link := follow(t, town.front.url()+town.Offer(app, ""))
	res, _ := asked(t, http.MethodPost, link, "", url.Values{})
	if len(res.Cookies()) == 0 {
		t.Fatalf("%s: the link leads to %q, and there to %s", app, link, res.Status)
	}
	var all []string
	for _, c := range res.Cookies() {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

func asked(t *testing.T, method, address, cookie string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Cookie", cookie)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}
