package courier_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/web/courier"
)

// browsing is a house whose courier is a real browser. A script asks the test to do what is not the courier's to do:
// POST /test/{what}?with=… runs the function of that name and answers with what it returns.
type browsing struct {
	*house
	// doing is free only while a script runs, for one hand at a time: the race detector sees no order through a browser.
	doing sync.Mutex
	hands map[string]func(with string) any
}

func newBrowsing(t *testing.T, with ...indoors.Option) *browsing {
	t.Helper()
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	for _, program := range []string{"node", "npm", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: scripts/need.sh installs it", program)
		}
	}
	b := &browsing{house: &house{t: t}, hands: map[string]func(with string) any{}}
	b.doing.Lock()
	b.Installation = indoors.New(t, mounted(&b.kit, func(mux *http.ServeMux) {
		mux.HandleFunc("POST /test/{what}", b.lend)
	}), with...)
	t.Cleanup(b.kit.EndStreams)
	b.home = b.Household("Camille")
	b.hands["code"] = func(string) any {
		code, err := b.Couriers.Invite(t.Context(), "swift-anna")
		if err != nil {
			t.Error(err)
		}
		return code.Code
	}
	b.hands["deeds"] = b.deeds
	b.anna = b.Courier("swift-anna")
	return b
}

func (b *browsing) lend(w http.ResponseWriter, r *http.Request) {
	b.doing.Lock()
	defer b.doing.Unlock()
	do, ok := b.hands[r.PathValue("what")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := json.NewEncoder(w).Encode(do(r.FormValue("with"))); err != nil {
		b.t.Error(err)
	}
}

// run has a script of testdata do its part; it fails the test by ending with an error.
func (b *browsing) run(script string, env ...string) {
	b.t.Helper()
	courier.Install(b.t)
	b.doing.Unlock()
	defer b.doing.Lock()
	cmd := exec.Command("node", filepath.Join("testdata", script))
	cmd.Env = append(os.Environ(), append(env, "URL="+b.URL, "FOLDER="+b.t.TempDir())...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	over := time.AfterFunc(3*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer over.Stop()
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil {
		b.t.Fatalf("%s: %v\n%s", script, err, said.String())
	}
	if said.Len() > 0 {
		b.t.Log("\n" + said.String())
	}
}
