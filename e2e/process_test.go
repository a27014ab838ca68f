package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait that should end soon.
const patience = 60 * time.Second

// look is how often something is looked at that can't be waited for.
const look = 10 * time.Millisecond

// server is the binary, serving from one data folder; killed and started again as the test likes.
type server struct {
	t       testing.TB
	program string
	args    []string
	// env is added to the test's own environment.
	env []string
	url string
	log string

	cmd   *exec.Cmd
	ended chan struct{}
}

// newServer prepares a server on the folder, without starting it. It ends with the test.
func newServer(t testing.TB, program, data string, args ...string) *server {
	t.Helper()
	address := ownAddress()
	s := &server{t: t, program: program, url: "http://" + address, log: filepath.Join(t.TempDir(), "server.log")}
	s.args = append([]string{"serve", "--data", data, "--listen", address}, args...)
	if !slices.Contains(args, "--media") {
		s.args = append(s.args, "--media", "none")
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.tail())
		}
	})
	return s
}

// ownAddress is an address of loopback that nobody else uses: a server gets the same one again after a crash, and another
// test that looks for a port at 127.0.0.1 would find that of a server that is down free. Its port lies below those that
// the kernel gives to connections.
func ownAddress() string {
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254), 20_000+rand.IntN(12_000))
}

// start runs the server and returns when it is ready to open doors.
func (s *server) start() error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.await("/readyz", http.StatusOK)
}

// launch runs the server without waiting for it.
func (s *server) launch() error {
	file, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	s.cmd = exec.Command(s.program, s.args...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Env = file, file, append(os.Environ(), s.env...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := s.cmd, make(chan struct{})
	s.ended = ended
	go func() {
		_ = cmd.Wait() // how it ended is in its state
		close(ended)
	}()
	return nil
}

// await asks until the server answers with that status.
func (s *server) await(path string, status int) error {
	client := http.Client{Timeout: 5 * time.Second}
	tick := time.NewTicker(look)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if res, err := client.Get(s.url + path); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == status {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("the server ended by itself (%v):\n%s", s.cmd.ProcessState, s.tail())
		case <-limit:
			return fmt.Errorf("%s is not answered with %d:\n%s", path, status, s.tail())
		}
	}
}

// kill ends the process without letting it do anything more.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// stop asks the process to end, and returns its exit code.
func (s *server) stop() (int, error) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	return s.exit()
}

// exit waits for the end of the process.
func (s *server) exit() (int, error) {
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		return 0, errors.New("the server does not end")
	}
}

// tail is the end of its log.
func (s *server) tail() string {
	const most = 4000
	data, _ := os.ReadFile(s.log)
	return string(data[max(0, len(data)-most):])
}
