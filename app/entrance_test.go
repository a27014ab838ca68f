package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// Only the word of the operator's own proxies counts, and only as far as it is theirs.
func TestWhereARequestComesFrom(t *testing.T) {
	for name, c := range map[string]struct {
		proxies []string
		remote  string
		told    []string
		want    string
	}{
		"without a proxy":               {nil, "192.0.2.1:5000", nil, "192.0.2.1"},
		"told by nobody of ours":        {nil, "192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1"},
		"told by another":               {[]string{"10.0.0.0/8"}, "192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1"},
		"told by our proxy":             {[]string{"127.0.0.1"}, "127.0.0.1:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		"a lie before our proxy's word": {[]string{"127.0.0.1"}, "127.0.0.1:5000", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"two proxies, in two fields":    {[]string{"127.0.0.1", "10.0.0.0/8"}, "127.0.0.1:5000", []string{"198.51.100.7", "10.1.2.3"}, "198.51.100.7"},
		"our proxy tells nothing":       {[]string{"127.0.0.1"}, "127.0.0.1:5000", nil, "127.0.0.1"},
		"our proxy tells nonsense":      {[]string{"127.0.0.1"}, "127.0.0.1:5000", []string{"unknown"}, "127.0.0.1"},
		"only proxies":                  {[]string{"127.0.0.1", "10.0.0.0/8"}, "127.0.0.1:5000", []string{"10.1.2.3"}, "10.1.2.3"},
		"IPv6":                          {[]string{"::1"}, "[::1]:5000", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv4 written as IPv6":          {[]string{"127.0.0.0/8"}, "[::ffff:127.0.0.1]:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		"a connection without a port":   {nil, "@", nil, "@"},
	} {
		config := EntranceConfig{Proxies: c.proxies}
		proxies, err := config.proxies()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.told
		if got := cameFrom(r, proxies); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func FuzzWhereARequestComesFrom(f *testing.F) {
	f.Add("127.0.0.1:1", "198.51.100.7, 10.0.0.1")
	f.Add("[::1]:1", ",,,")
	f.Add("", "")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, told string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", told)
		got := cameFrom(r, proxies)
		if _, err := netip.ParseAddr(got); err != nil && !strings.Contains(remote, got) {
			t.Fatalf("%q, told %q: %q", remote, told, got)
		}
	})
}

func TestEntrancesThatCanNotBe(t *testing.T) {
	for name, c := range map[string]EntranceConfig{
		"a proxy by name":         {Proxies: []string{"proxy.example"}},
		"a client of no provider": {OIDCClient: "loquet"},
		"roles of no provider":    {OIDCRoles: []string{"groups=desk:viewer"}},
		"a role that is none":     {OIDCIssuer: "https://idp.example", OIDCClient: "loquet", OIDCRoles: []string{"groups=desk:root"}},
	} {
		if err := c.checkEntrance(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	good := EntranceConfig{Proxies: []string{"127.0.0.1", "10.0.0.0/8", "::1"}, OIDCIssuer: "https://idp.example", OIDCClient: "loquet", OIDCRoles: []string{"groups=desk:viewer"}}
	if err := good.checkEntrance(); err != nil {
		t.Error(err)
	}
}
