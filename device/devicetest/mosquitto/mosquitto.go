// Package mosquitto runs a real mosquitto for tests, and a witness beside it that sees every command.
package mosquitto

import (
	"bufio"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// User may read and write what its filters name, and nothing else. A user without filters may do everything.
type User struct {
	Name, Password string
	Reads, Writes  []string
}

// Broker is a mosquitto process on a loopback port of its own.
type Broker struct {
	t       testing.TB
	binary  string
	folder  string
	port    int
	mu      sync.Mutex
	process *exec.Cmd
	output  *tail
	ended   chan struct{}
}

// Start runs a broker for the test, with these users and nobody else. It ends with the test.
func Start(t testing.TB, users ...User) *Broker {
	t.Helper()
	b := &Broker{t: t, binary: find(t), folder: t.TempDir()}
	b.write("passwords", passwords(users))
	b.write("acl", acl(users))
	t.Cleanup(b.Stop)
	const attempts = 5 // somebody else may take the port between looking for a free one and using it
	var err error
	for range attempts {
		b.port = freePort(t)
		b.write("mosquitto.conf", b.config())
		if err = b.run(); err == nil {
			return b
		}
	}
	t.Fatalf("mosquitto did not start: %v\n%s", err, b.output)
	return nil
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("mosquitto is not installed; install the Debian package \"mosquitto\" (apt-get install mosquitto)")
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (b *Broker) write(name, content string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.folder, name), []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *Broker) config() string {
	lines := []string{
		fmt.Sprintf("listener %d 127.0.0.1", b.port),
		"set_tcp_nodelay true",
		"allow_anonymous false",
		"password_file " + filepath.Join(b.folder, "passwords"),
		"acl_file " + filepath.Join(b.folder, "acl"),
		"persistence false",
		"log_dest stderr",
		"log_type all",
	}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // else it becomes a user who may not read the test's folder
	}
	return strings.Join(lines, "\n") + "\n"
}

// passwords is in mosquitto's format of PBKDF2 with SHA-512 ("$7$"), so that no tool is needed to make it.
func passwords(users []User) string {
	const rounds = 101
	var lines strings.Builder
	for _, u := range users {
		salt := make([]byte, 12)
		_, _ = rand.Read(salt)
		key, err := pbkdf2.Key(sha512.New, u.Password, salt, rounds, sha512.Size)
		if err != nil {
			panic("fixed sizes: " + err.Error())
		}
		encode := base64.StdEncoding.EncodeToString
		fmt.Fprintf(&lines, "%s:$7$%d$%s$%s\n", u.Name, rounds, encode(salt), encode(key))
	}
	return lines.String()
}

func acl(users []User) string {
	var lines strings.Builder
	for _, u := range users {
		fmt.Fprintf(&lines, "user %s\n", u.Name)
		if len(u.Reads)+len(u.Writes) == 0 {
			lines.WriteString("topic readwrite #\n")
		}
		for _, filter := range u.Reads {
			fmt.Fprintf(&lines, "topic read %s\n", filter)
		}
		for _, filter := range u.Writes {
			fmt.Fprintf(&lines, "topic write %s\n", filter)
		}
	}
	return lines.String()
}

// run starts the process, and returns when it says that it runs.
func (b *Broker) run() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	process := exec.Command(b.binary, "-c", filepath.Join(b.folder, "mosquitto.conf"))
	stderr, err := process.StderrPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	b.process, b.output, b.ended = process, &tail{}, make(chan struct{})
	running := make(chan struct{})
	go b.follow(stderr, running)
	select {
	case <-running:
		return nil
	case <-b.ended:
		b.process = nil
		return errors.New("it ended at once")
	case <-time.After(10 * time.Second):
		return errors.New("it did not say that it runs")
	}
}

// follow reads what the process says until it ends.
func (b *Broker) follow(stderr io.Reader, running chan struct{}) {
	process, output, ended := b.process, b.output, b.ended
	lines := bufio.NewScanner(stderr)
	said := false
	for lines.Scan() {
		output.add(lines.Text())
		if !said && strings.Contains(lines.Text(), "running") {
			said = true
			close(running)
		}
	}
	_ = process.Wait() // how it ended is in its output
	close(ended)
}

// URL is "mqtt://127.0.0.1:port".
func (b *Broker) URL() string { return "mqtt://" + b.Address() }

// Address is "127.0.0.1:port".
func (b *Broker) Address() string { return "127.0.0.1:" + strconv.Itoa(b.port) }

// Stop ends the process, if it runs. Its clients see the connection close.
func (b *Broker) Stop() { b.signal(syscall.SIGTERM, true) }

// Kill ends the process without letting it do anything more.
func (b *Broker) Kill() { b.signal(syscall.SIGKILL, true) }

// Freeze stops the process where it is: sockets stay open, and nothing answers. Thaw lets it go on.
func (b *Broker) Freeze() { b.signal(syscall.SIGSTOP, false) }

// Thaw ends a Freeze.
func (b *Broker) Thaw() { b.signal(syscall.SIGCONT, false) }

// Restart runs it again on the same port, with nothing of what it knew.
func (b *Broker) Restart() {
	b.t.Helper()
	b.Stop()
	if err := b.run(); err != nil {
		b.t.Fatalf("mosquitto did not start again: %v\n%s", err, b.output)
	}
}

// signal sends one signal to the process that was started here, by its id.
func (b *Broker) signal(signal syscall.Signal, ends bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return
	}
	_ = b.process.Process.Signal(signal)
	if !ends {
		return
	}
	_ = b.process.Process.Signal(syscall.SIGCONT) // a frozen process can't end
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
		_ = b.process.Process.Kill()
		<-b.ended
	}
	b.process = nil
}

// Output is what the broker last said, for a test that fails.
func (b *Broker) Output() string { return b.output.String() }

// tail keeps the last lines.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-200):]
}

func (t *tail) String() string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
