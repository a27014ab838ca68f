package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page that shows the description comes from this server alone, as it was vendored.
func TestDocsPage(t *testing.T) {
	w := newWorld(t)
	w.anybody().send("GET", "/docs", nil).want(301, nil)
	r := w.anybody().send("GET", "/docs/", nil).want(200, nil)
	policy := r.header.Get("Content-Security-Policy")
	for _, wanted := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, wanted) {
			t.Errorf("the policy %q lacks %q", policy, wanted)
		}
	}
	if strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "http") {
		t.Errorf("the policy %q is too wide", policy)
	}
	if strings.Contains(string(r.body), "://") {
		t.Errorf("the page names another host: %s", r.body)
	}
	vendored := string(get(os.ReadFile("static/README.md"))(t))
	scripts := regexp.MustCompile(`src="([^"]+)"`).FindAllSubmatch(r.body, -1)
	if len(scripts) != 1 {
		t.Fatalf("%d scripts", len(scripts))
	}
	script := w.anybody().send("GET", "/docs/"+string(scripts[0][1]), nil).want(200, nil)
	sum := sha256.Sum256(script.body)
	if !strings.Contains(vendored, hex.EncodeToString(sum[:])) || !strings.Contains(vendored, string(scripts[0][1])) {
		t.Errorf("static/README.md does not say of %s that it is %x", scripts[0][1], sum)
	}
	if ct := script.header.Get("Content-Type"); !strings.HasPrefix(ct, "text/javascript") {
		t.Errorf("a script as %q", ct)
	}
	w.anybody().send("GET", "/docs/README.md", nil).want(404, nil)
}
