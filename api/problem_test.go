package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

const inside = "disk 7, table values, row 12"

// Each error that callers tell apart has one status and one code, however deep it is wrapped, and what it wraps
// stays inside.
func TestEveryErrorHasItsProblem(t *testing.T) {
	_, unreadable := parcel.Parse("", "")
	cases := []struct {
		err    error
		status int
		code   string
	}{
		{site.Invalid{Field: "window", Problem: "it has passed"}, 422, "invalid"},
		{site.ErrUnknown, 404, "not-found"},
		{site.ErrForbidden, 403, "forbidden"},
		{site.ErrState, 409, "conflict"},
		{dispatch.ErrBusy, 503, "busy"},
		{store.ErrUncertain, 503, "uncertain"},
		{store.ErrFull, 503, "full"},
		{store.ErrClosed, 503, "ending"},
		{store.ErrNotFound, 404, "not-found"},
		{store.ErrConflict, 409, "conflict"},
		{store.ErrExists, 409, "conflict"},
		{context.DeadlineExceeded, 503, "timeout"},
		{context.Canceled, 503, "timeout"},
		{&auth.TooMany{After: 1500 * time.Millisecond}, 429, "too-many"},
		{auth.ErrScope, 403, "forbidden"},
		{auth.ErrRequest, 422, "invalid"},
		{auth.ErrUnknownKey, 401, "unknown-key"},
		{auth.ErrSession, 401, "no-session"},
		{auth.ErrUnbound, 401, "device-not-bound"},
		{auth.ErrProof, 401, "proof"},
		{auth.ErrOtherRequest, 401, "proof-other-request"},
		{auth.ErrClock, 401, "proof-clock"},
		{auth.ErrReplayed, 401, "proof-replayed"},
		{auth.ErrLink, 401, "link"},
		{auth.ErrPairing, 403, "pairing"},
		{auth.ErrKeyTaken, 409, "key-taken"},
		{fleet.ErrTaken, 409, "taken"},
		{fleet.ErrConnector, 422, "invalid"},
		{unreadable, 422, "parcel-unreadable"},
		{errors.New("something else"), 500, "internal"},
		{notFound("visit"), 404, "not-found"},
	}
	for _, c := range cases {
		for _, err := range []error{c.err, fmt.Errorf("%s: %w", inside, c.err)} {
			p := explained(err)
			if p.Status != c.status || p.Code != c.code {
				t.Errorf("%v: %d %s, not %d %s", err, p.Status, p.Code, c.status, c.code)
			}
			if p.Title != http.StatusText(c.status) || p.Detail == "" || p.Type != "urn:loquet:problem:"+c.code {
				t.Errorf("%v: %+v", err, p)
			}
			if c.code != "conflict" && strings.Contains(p.Detail+fmt.Sprint(p.Errors), inside) {
				t.Errorf("%v tells %q", err, p.Detail)
			}
			retry := p.Status == 503 || p.Status == 429
			if (p.headers.Get("Retry-After") != "") != retry {
				t.Errorf("%v: Retry-After is %q", err, p.headers.Get("Retry-After"))
			}
			if (p.headers.Get("WWW-Authenticate") != "") != (p.Status == 401) {
				t.Errorf("%v: WWW-Authenticate is %q", err, p.headers.Get("WWW-Authenticate"))
			}
		}
	}
}

// Only "uncertain" and "internal" leave open whether something was done; every other problem says that nothing was.
func TestProblemsSayWhatIsSafe(t *testing.T) {
	for _, err := range []error{site.ErrUnknown, site.ErrForbidden, site.ErrState, dispatch.ErrBusy, store.ErrFull, store.ErrClosed, store.ErrConflict,
		&auth.TooMany{After: time.Second}, auth.ErrScope, auth.ErrUnknownKey, auth.ErrReplayed} {
		if p := explained(err); !strings.Contains(p.Detail, "Nothing was done") {
			t.Errorf("%v: %q", err, p.Detail)
		}
	}
	for _, err := range []error{store.ErrUncertain, errors.New("x")} {
		if p := explained(err); !strings.Contains(p.Detail, "not known") || strings.Contains(p.Detail, "Nothing was done") {
			t.Errorf("%v: %q", err, p.Detail)
		}
	}
}

func TestHarmless(t *testing.T) {
	for message, want := range map[string]string{
		"expected string to be one of": "expected string to be one of", "unexpected property": "unexpected property",
		"required query parameter is missing":  "required query parameter is missing",
		`json: cannot unmarshal "secret"`:      "can't be read",
		`parsing time "secret" as RFC 3339`:    "can't be read",
		`invalid character 'x' looking for`:    "can't be read",
		"unknown query parameter":              "unknown query parameter",
		`strconv.ParseInt: parsing "secret": `: "can't be read",
	} {
		if got := harmless(message); got != want {
			t.Errorf("%q becomes %q", message, got)
		}
	}
	if long := clipped(strings.Repeat("é", 300), 201); len(long) > 210 || !strings.HasSuffix(long, "…") || strings.Contains(long, "\ufffd") {
		t.Errorf("clipped: %q", long)
	}
}

func TestPublicURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://loquet.example": "https://loquet.example", "http://127.0.0.1:8480/": "http://127.0.0.1:8480",
	} {
		if got, err := publicURL(raw); err != nil || got != want {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "loquet.example", "ftp://x", "https://", "https://x/api", "https://x?y", "https://x#y", "https://u@x", "https://x\n"} {
		if _, err := publicURL(raw); err == nil {
			t.Errorf("%q is taken", raw)
		}
	}
}

func TestCursor(t *testing.T) {
	for _, last := range []string{"", "home-d1", "2027-03-01T09:00:00.000Z/ab", "é"} {
		if got, err := (Page{Cursor: cursor(last)}).key(); err != nil || got != last {
			t.Errorf("%q comes back as %q, %v", last, got, err)
		}
	}
	for _, bad := range []string{"!", "a", "_w", "AA=="} {
		if key, err := (Page{Cursor: bad}).key(); err == nil {
			t.Errorf("%q is taken as %q", bad, key)
		}
	}
}

func TestKeysAreScoped(t *testing.T) {
	seen := map[string]string{}
	for _, by := range []string{"key/merchant/a", "key/merchant/a\x00b", "member/a", "courier/a", "key/operator/a"} {
		for _, key := range []string{"k", "b\x00k", ""} {
			of := keyOf(by, key)
			if other, twice := seen[of]; twice {
				t.Errorf("%s and %q, %q are one key", other, by, key)
			}
			seen[of] = fmt.Sprintf("%q, %q", by, key)
		}
	}
}

// Nobody but the household that has a car gives it back, and whoever asks for it is sent to nobody else.
func TestATakenCarIsFreedByWhoHasIt(t *testing.T) {
	p := explained(carlink.ErrTaken)
	if p.Code != "car-taken" || strings.Contains(p.Detail, "operator") || !strings.Contains(p.Detail, "choose another car") {
		t.Errorf("%+v", p)
	}
}
