// Package idp is an operator's identity provider for tests: a certified OpenID provider (npm's oidc-provider) in a
// process of its own, with people whom the tests describe, and a browser that signs in there.
//
//	p := idp.Start(t, idp.People{"ana": {"groups": []string{"desk"}}}, idp.Client("loquet", "client_secret_basic", "http://localhost:8480"))
//	back := idp.NewBrowser(t).SignIn(address, "ana")
package idp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed package.json package-lock.json provider.mjs
var files embed.FS

// Provider is a running provider.
type Provider struct {
	T testing.TB
	// Issuer is its address.
	Issuer string
}

// People are what the provider claims of whom, by login.
type People map[string]map[string]any

// Client is a registration at the provider, for a server at the address back. Its secret is "the secret of <id>".
func Client(id, method, back string) map[string]any {
	return map[string]any{"client_id": id, "client_secret": "the secret of " + id, "redirect_uris": []string{back + "/sign-in/openid/back"},
		"token_endpoint_auth_method": method, "post_logout_redirect_uris": []string{back + "/operator/sign-in"},
		"backchannel_logout_uri": back + "/sign-in/openid/ended", "scope": "openid profile email groups"}
}

// installed is where the provider's modules are, once for all tests.
var installed = sync.OnceValues(func() (string, error) {
	lock, err := files.ReadFile("package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	folder := filepath.Join(cache, "loquet-test", "oidc-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	return folder, install(folder)
})

// install has npm fetch exactly what the lock says, and puts it in place as a whole: two processes may try.
func install(folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(folder), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(building, name), data, 0o600); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = building
	if out, err := npm.CombinedOutput(); err != nil {
		return errors.New("npm ci: " + err.Error() + ": " + string(out))
	}
	if err := os.Rename(building, folder); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(folder); there != nil {
			return err
		}
	}
	return nil
}

// Start starts a provider that ends with the test.
func Start(t testing.TB, known People, clients ...map[string]any) *Provider {
	t.Helper()
	issuer, end := startNode(t, providerCommand(t, known, clients...))
	t.Cleanup(end)
	return &Provider{t, issuer}
}

// providerCommand runs a provider. Without node or npm the test is skipped.
func providerCommand(t testing.TB, known People, clients ...map[string]any) *exec.Cmd {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the identity provider of the test runs on it", tool)
		}
	}
	folder, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	script, err := files.ReadFile("provider.mjs")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"clients": clients, "people": known})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "--input-type=module", "--eval", string(script)) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), "PROVIDER="+string(config))
	cmd.Dir = folder
	return cmd
}

// Shared is one provider for tests that come one after the other: TestMain calls End.
type Shared struct {
	// Clients are registered at it.
	Clients []map[string]any

	issuer string
	end    func()
}

// End ends the provider, if it was ever started.
func (s *Shared) End() {
	if s.end != nil {
		s.end()
	}
}

// Provider is that provider, knowing these people.
func (s *Shared) Provider(t testing.TB, known People) *Provider {
	t.Helper()
	if s.issuer == "" {
		s.issuer, s.end = startNode(t, providerCommand(t, People{}, s.Clients...))
	}
	p := &Provider{t, s.issuer}
	for login, what := range known {
		p.Describe(login, what)
	}
	return p
}

// startNode returns the first line of the program, which ends with its standard input.
func startNode(t testing.TB, cmd *exec.Cmd) (line string, end func()) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		end()
		t.Fatalf("the provider said %q, %v: %s", line, err, complaints.String())
	}
	return strings.TrimSpace(line), end
}

// talk is how tests talk to the provider beside what a browser does.
var talk = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

// Describe changes what the provider claims of somebody.
func (p *Provider) Describe(login string, what map[string]any) {
	p.T.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		p.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.T.Context(), http.MethodPut, p.Issuer+"/test/people/"+login, bytes.NewReader(body))
	if err != nil {
		p.T.Fatal(err)
	}
	res, err := talk.Do(req)
	if err != nil {
		p.T.Fatal(err)
	}
	_ = res.Body.Close()
}

// Browser is a browser at the provider, with cookies of its own.
type Browser struct {
	t  testing.TB
	at *http.Client
}

// NewBrowser makes one.
func NewBrowser(t testing.TB) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t, &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// SignIn follows a sign-in at the provider to where it sends the browser back to, answering what it asks.
func (v *Browser) SignIn(address, login string) *url.URL {
	v.t.Helper()
	answers := []url.Values{{"prompt": {"login"}, "login": {login}, "password": {"any"}}, {"prompt": {"consent"}}}
	return v.walk(address, answers)
}

// Cancel turns back at the provider's first question.
func (v *Browser) Cancel(address string) *url.URL {
	v.t.Helper()
	return v.walk(address, nil)
}

func (v *Browser) walk(address string, answers []url.Values) *url.URL {
	v.t.Helper()
	at := address
	for range 12 {
		location, form := v.get(at)
		switch {
		case location == nil && len(answers) > 0:
			location = v.post(form, answers[0])
			answers = answers[1:]
		case location == nil:
			location, _ = v.get(form + "/abort")
		}
		if strings.HasSuffix(location.Path, "/sign-in/openid/back") {
			return location
		}
		at = location.String()
	}
	v.t.Fatal("the provider never sends the browser back")
	return nil
}

// get returns where a page leads, or the address of the form in it.
func (v *Browser) get(address string) (location *url.URL, form string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.at.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if location, err := res.Location(); err == nil {
		return location, ""
	}
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: %s", address, res.Status)
	}
	return nil, res.Request.URL.String()
}

func (v *Browser) post(address string, answer url.Values) *url.URL {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(answer.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.at.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	location, err := res.Location()
	if err != nil {
		v.t.Fatalf("POST %s: %s", address, res.Status)
	}
	return location
}

// SignOut presses the button on the provider's own sign-out page.
func (v *Browser) SignOut(address string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.at.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	action, xsrf := regexp.MustCompile(`action="([^"]+)"`).FindSubmatch(page), regexp.MustCompile(`name="xsrf" value="([^"]+)"`).FindSubmatch(page)
	if action == nil || xsrf == nil {
		v.t.Fatalf("no way out: %s", page)
	}
	v.post(string(action[1]), url.Values{"xsrf": {string(xsrf[1])}, "logout": {"yes"}})
}
