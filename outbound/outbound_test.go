package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublicAddresses(t *testing.T) {
	for _, ip := range []string{"1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "172.32.0.1", "192.169.0.1", "100.63.255.255", "100.128.0.0"} {
		if !Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not public", ip)
		}
	}
	for _, ip := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1",
		"192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::a00:1",
		"2001:db8::1", "2002:7f00:1::", "100::1",
	} {
		if Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
}

// A range that is written wrong holds nothing.
func TestSpecialRangesAreValid(t *testing.T) {
	for i, p := range special {
		if p != p.Masked() || slices.Contains(special[:i], p) {
			t.Errorf("%s is no range of its own", p)
		}
	}
}

func TestWhatMayBeCalled(t *testing.T) {
	outside, local := Policy{}, Policy{Local: true}
	for address, want := range map[string]struct{ outside, local error }{
		"https://shop.example/in":                   {nil, nil},
		"https://shop.example:8443/in?a=b":          {nil, nil},
		"https://93.184.216.34/":                    {nil, nil},
		"https://10.0.0.1/":                         {ErrNotPublic, nil},
		"https://127.0.0.1/":                        {ErrNotPublic, nil},
		"https://[::ffff:127.0.0.1]/":               {ErrNotPublic, nil},
		"https://169.254.169.254/latest/meta-data/": {ErrNotPublic, nil},
		"http://localhost:1/":                       {ErrScheme, nil},
		"http://[::1]:1/":                           {ErrScheme, nil},
		"http://shop.example/":                      {ErrScheme, ErrScheme},
		"http://10.0.0.1/":                          {ErrScheme, ErrScheme},
		"ftp://localhost/":                          {ErrScheme, ErrScheme},
		"//shop.example":                            {ErrScheme, ErrScheme},
		"https://":                                  {ErrAddress, ErrAddress},
		"https:///x":                                {ErrAddress, ErrAddress},
		"https://u@shop.example/":                   {ErrAddress, ErrAddress},
		"https://shop.example/#f":                   {ErrAddress, ErrAddress},
		"https://shop.example/\n":                   {ErrAddress, ErrAddress},
	} {
		if err := outside.Check(address); !errors.Is(err, want.outside) {
			t.Errorf("%s: %v, want %v", address, err, want.outside)
		}
		if err := local.Check(address); !errors.Is(err, want.local) {
			t.Errorf("%s, local: %v, want %v", address, err, want.local)
		}
	}
}

// TestTheClientStaysOutside: a name that resolves to this machine is not called, and no redirect is followed.
func TestTheClientStaysOutside(t *testing.T) {
	called := 0
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer inside.Close()
	byName := strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	ask := func(p Policy) (int, error) {
		c := p.Client(5 * time.Second)
		defer c.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, byName, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			return 0, err
		}
		return res.StatusCode, res.Body.Close()
	}
	if _, err := ask(Policy{}); !errors.Is(err, ErrNotPublic) || called != 0 {
		t.Errorf("called %d times: %v", called, err)
	}
	if status, err := ask(Policy{Local: true}); err != nil || status != http.StatusFound || called != 1 {
		t.Errorf("answered %d, %v, after %d calls", status, err, called)
	}
}
