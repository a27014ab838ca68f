package sign_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
)

// chromium is a real browser, driven by the DevTools protocol over two pipes: messages of JSON that end with a zero.
type chromium struct {
	t       *testing.T
	to      *os.File
	session string

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
}

type reply struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

func newChromium(t *testing.T) *chromium {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes a browser")
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is needed: make need installs it")
	}
	in, to, err := os.Pipe()
	must(t, err)
	from, out, err := os.Pipe()
	must(t, err)
	profile, err := os.MkdirTemp("", "loquet-sign-") //nolint:usetesting // a browser that was killed may still write there
	must(t, err)
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{in, out} // 3 and 4, as the flag has it
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, cmd.Start())
	must(t, in.Close())
	must(t, out.Close())
	c := &chromium{t: t, to: to, waiting: map[int]chan reply{}}
	var under sync.WaitGroup
	under.Go(func() { c.read(from) })
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = to.Close()
		_ = from.Close()
		under.Wait()
		_ = os.RemoveAll(profile)
	})
	c.attach()
	return c
}

func (c *chromium) read(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		message, err := lines.ReadBytes(0)
		if err != nil {
			return
		}
		var r reply
		if json.Unmarshal(message[:len(message)-1], &r) != nil || r.ID == 0 {
			continue // an event
		}
		c.mu.Lock()
		if wait := c.waiting[r.ID]; wait != nil {
			delete(c.waiting, r.ID)
			wait <- r
		}
		c.mu.Unlock()
	}
}

// call asks the browser, and reads its answer.
func (c *chromium) call(method string, params, into any) {
	c.t.Helper()
	must(c.t, c.try(method, params, into))
}

// try is call, where the browser may say no.
func (c *chromium) try(method string, params, into any) error {
	wait := make(chan reply, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = wait
	c.mu.Unlock()
	asked := map[string]any{"id": id, "method": method, "params": params}
	if c.session != "" {
		asked["sessionId"] = c.session
	}
	message, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	if _, err := c.to.Write(append(message, 0)); err != nil {
		return err
	}
	select {
	case r := <-wait:
		if r.Error != nil {
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(r.Result, into)
	case <-time.After(time.Minute):
		return fmt.Errorf("%s: no answer", method)
	}
}

// attach opens a page with an authenticator in the device, whose person always agrees.
func (c *chromium) attach() {
	c.t.Helper()
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	c.session = session.SessionID
	c.call("Page.enable", map[string]any{}, nil)
	c.call("Network.enable", map[string]any{}, nil)
	c.call("WebAuthn.enable", map[string]any{}, nil)
}

// authenticator puts one into the device; agrees says whether its person does.
func (c *chromium) authenticator(agrees bool) string {
	c.t.Helper()
	var made struct{ AuthenticatorID string }
	c.call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
		"hasUserVerification": true, "isUserVerified": agrees, "automaticPresenceSimulation": true}}, &made)
	return made.AuthenticatorID
}

// eval runs a script in the page and returns what it comes to, as text. The page may be left by it.
func (c *chromium) eval(script string) string {
	c.t.Helper()
	var done struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	if err := c.try("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &done); err != nil {
		return err.Error()
	}
	if done.ExceptionDetails != nil {
		return done.ExceptionDetails.Exception.Description
	}
	return fmt.Sprint(done.Result.Value)
}

// open goes to an address, and waits until the page and its scripts are there.
func (c *chromium) open(address string) {
	c.t.Helper()
	c.call("Page.navigate", map[string]any{"url": address}, nil)
	c.until("document.readyState === 'complete' && location.href === " + quoted(address))
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// until waits for something to be so in the page, which may be between two pages.
func (c *chromium) until(what string) {
	c.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-look.C {
		if c.eval(what) == "true" {
			return
		}
	}
	c.t.Fatalf("never: %s; the page is %s: %s", what, c.eval("location.href"), c.eval("document.querySelector('main')?.innerText ?? ''"))
}

// signIn puts a session into the browser.
func (c *chromium) signIn(h *house, link string) {
	c.t.Helper()
	c.open(h.at + link)
	c.eval("document.querySelector('main form').submit()")
	c.until("location.pathname === '/home/' && document.readyState === 'complete'")
}

// press presses the passkey button of the page.
func (c *chromium) press() {
	c.t.Helper()
	c.until("document.querySelector('.ceremony button')?.hidden === false")
	c.eval("document.querySelector('.ceremony button').click()")
}

// forget takes the cookies away.
func (c *chromium) forget() {
	c.t.Helper()
	c.call("Network.clearBrowserCookies", map[string]any{}, nil)
}

// older takes away what browsers did not know a few years ago.
const older = "delete PublicKeyCredential.parseCreationOptionsFromJSON; delete PublicKeyCredential.parseRequestOptionsFromJSON; delete PublicKeyCredential.prototype.toJSON;"

// The page's own script makes a passkey, signs in with it and shows it again, in a browser of today and in one that
// can't read the server's questions by itself.
func TestPasskeysInARealBrowser(t *testing.T) {
	h := newHouse(t)
	c := newChromium(t)
	for name, before := range map[string]string{"today's": "", "an older one": older} {
		c.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": before}, nil)
		device := c.authenticator(true)
		c.signIn(h, h.hand("maple-m2"))
		c.open(h.at + "/sign-in/member")
		c.eval("document.getElementById('passkey-name').value = 'Phone'")
		c.press()
		c.until("document.readyState === 'complete' && location.search === '?done=added'")
		if said := c.eval("document.querySelector('main').innerText"); !strings.Contains(said, "The passkey was added.") || !strings.Contains(said, "Phone") {
			t.Errorf("%s: the page says %s", name, said)
		}
		c.forget()
		c.open(h.at + "/sign-in?next=%2Fhome%2Frules")
		c.press()
		c.until("document.readyState === 'complete' && location.pathname === '/home/rules'")
		h.move(time.Hour)
		c.open(h.at + "/sign-in/member")
		c.press()
		c.until("document.readyState === 'complete' && location.search === '?done=checked'")
		c.forget()
		c.call("WebAuthn.removeVirtualAuthenticator", map[string]any{"authenticatorId": device}, nil)
		must(t, h.sessions.Forget(t.Context(), "maple-m2"))
	}
}

// What goes wrong is said in the page's own words, and the page stays.
func TestWhatGoesWrongWithAPasskeyIsSaid(t *testing.T) {
	h := newHouse(t)
	c := newChromium(t)
	device := c.authenticator(true)
	c.signIn(h, h.hand("maple-m2"))
	c.open(h.at + "/sign-in/member")
	c.press()
	c.until("document.readyState === 'complete' && location.search === '?done=added'")
	c.open(h.at + "/sign-in/member")
	c.press()
	c.until("document.querySelector('.told')?.innerText.includes('has a passkey for you already')")

	must(t, h.sessions.Forget(t.Context(), "maple-m2"))
	c.open(h.at + "/sign-in")
	c.press()
	c.until("document.querySelector('.told')?.innerText.includes('This passkey is not known here')")
	c.call("WebAuthn.removeVirtualAuthenticator", map[string]any{"authenticatorId": device}, nil)
	c.authenticator(false)
	c.open(h.at + "/sign-in")
	c.press()
	c.until("document.querySelector('.told')?.innerText.includes('Nothing was confirmed')")

	c.call("Network.emulateNetworkConditions", map[string]any{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	c.press()
	c.until("document.querySelector('.told')?.innerText.includes('could not be reached')")
	c.call("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)

	c.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "delete globalThis.PublicKeyCredential"}, nil)
	c.open(h.at + "/sign-in")
	c.until("document.querySelector('.told')?.innerText.includes('knows no passkeys')")
	if c.eval("document.querySelector('.ceremony button').hidden") != "true" {
		t.Error("a button that does nothing")
	}
}

// Without scripts, everything but passkeys works, and the page says so.
func TestWithoutScripts(t *testing.T) {
	h := newHouse(t)
	c := newChromium(t)
	c.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	c.call("Page.navigate", map[string]any{"url": h.at + "/sign-in"}, nil)
	c.until("document.body?.innerText.includes('Passkeys need scripts') === true")
	if c.eval("document.querySelector('.ceremony button').offsetParent === null") != "true" {
		t.Error("a button that does nothing")
	}
	must(t, h.links.Welcome(t.Context(), "maple-m2", "ana@example.org", "en"))
	h.browser().comeBy(path(t, h, h.next().link))
	c.eval("document.getElementById('address').value = 'ana@example.org'; document.querySelector('.way form').submit()")
	c.until("location.pathname === '/sign-in/mail' && document.readyState === 'complete'")
	c.call("Page.navigate", map[string]any{"url": h.next().link}, nil)
	c.until("location.pathname.startsWith('/sign-in/link/') && document.readyState === 'complete'")
	c.eval("document.querySelector('main form').submit()")
	c.until("document.readyState === 'complete' && location.pathname === '/home/'")
	var jar struct {
		Cookies []struct{ Name, Value string }
	}
	c.call("Network.getCookies", map[string]any{"urls": []string{h.at}}, &jar)
	for _, cookie := range jar.Cookies {
		if cookie.Name == auth.MemberCookie {
			if m, err := h.sessions.Check(t.Context(), cookie.Value); err != nil || m.ID() != "maple-m2" {
				t.Errorf("%+v, %v", m, err)
			}
			return
		}
	}
	t.Errorf("no session: %v", jar)
}
