package fakecloud_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// cloud counts what reached it, behind a wire.
type cloud struct {
	*testing.T
	fakecloud.Wire
	url     string
	reached atomic.Int64
}

func listen(t *testing.T) *cloud {
	c := &cloud{T: t}
	server, err := fakecloud.Serve("127.0.0.1:0", c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.reached.Add(1)
		fakecloud.WriteJSON(w, http.StatusOK, map[string]string{"hello": "world"})
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// get asks, and returns what came.
func (c *cloud) get(path string) (*http.Response, string, error) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 200*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestTroubleOnTheWire(t *testing.T) {
	for _, test := range []struct {
		trouble fakecloud.Trouble
		check   func(*http.Response, string, error) bool
	}{
		{fakecloud.Trouble{Kind: fakecloud.TroubleHTML}, func(r *http.Response, body string, err error) bool {
			return err == nil && r.StatusCode == http.StatusOK && strings.Contains(body, "<h1>")
		}},
		{fakecloud.Trouble{Kind: fakecloud.TroubleForbidden}, func(r *http.Response, body string, err error) bool {
			return err == nil && r.StatusCode == http.StatusForbidden && strings.Contains(body, "<h1>")
		}},
		{fakecloud.Trouble{Kind: fakecloud.TroubleStall}, func(_ *http.Response, _ string, err error) bool { return err != nil }},
		{fakecloud.Trouble{Kind: fakecloud.TroubleTruncated}, func(r *http.Response, body string, err error) bool {
			return r != nil && r.StatusCode == http.StatusOK && err != nil && len(body) < 10
		}},
		{fakecloud.Trouble{Kind: fakecloud.TroubleTooMany, Length: 7 * time.Second}, func(r *http.Response, _ string, err error) bool {
			return err == nil && r.StatusCode == http.StatusTooManyRequests && r.Header.Get("Retry-After") == "7"
		}},
		{fakecloud.Trouble{Kind: fakecloud.TroubleDown}, func(r *http.Response, _ string, err error) bool {
			return err == nil && r.StatusCode == http.StatusServiceUnavailable
		}},
		{fakecloud.Trouble{Kind: fakecloud.TroubleDropped}, func(_ *http.Response, _ string, err error) bool { return err != nil }},
		{fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Body: `{"x":1}`}, func(_ *http.Response, body string, _ error) bool { return body == `{"x":1}` }},
	} {
		c := listen(t)
		c.Break(test.trouble)
		if res, body, err := c.get("/a"); !test.check(res, body, err) {
			t.Errorf("%s: %+v, %q, %v", test.trouble.Kind, res, body, err)
		}
		c.Mend()
		if _, body, err := c.get("/a"); err != nil || body != `{"hello":"world"}` {
			t.Errorf("%s, mended: %q, %v", test.trouble.Kind, body, err)
		}
	}
}

func TestTroubleHitsWhatItIsFor(t *testing.T) {
	c := listen(t)
	c.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown, Method: http.MethodPost, Path: "/lock", Times: 1})
	c.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDown, Method: http.MethodGet})
	for i, step := range []struct {
		path string
		want int
	}{{"/unlock", 200}, {"/lock", 503}, {"/lock", 200}} {
		if res, _, err := c.get("/x" + step.path); err != nil || res.StatusCode != step.want {
			t.Errorf("step %d: %+v, %v", i, res, err)
		}
	}
	if n, m := c.Requests(), c.Requests("x"); n != 3 || m != 0 {
		t.Errorf("%d requests, and %d elsewhere", n, m)
	}
	if c.reached.Load() != 2 {
		t.Errorf("%d requests reached the cloud", c.reached.Load())
	}
	c.Break(fakecloud.Trouble{Kind: fakecloud.TroubleDropped, After: true})
	if _, _, err := c.get("/lock"); err == nil || c.reached.Load() != 3 {
		t.Errorf("what is dropped after it was carried out: %v, %d requests", err, c.reached.Load())
	}
}
