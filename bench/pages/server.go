package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/event"
)

// server is the process that is measured.
type server struct {
	program, data, url string
	process            *exec.Cmd
	operator           *client.Caller
}

func start(ctx context.Context, program, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{program: program, data: filepath.Join(dir, "data"), url: "http://" + address}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.process = exec.CommandContext(ctx, program, "serve", "--data", s.data, "--listen", address, "--mqtt-listen", "127.0.0.1:0", "--media", "none")
	s.process.Stderr = log
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx)
}

func (s *server) stop() {
	_ = s.process.Process.Signal(os.Interrupt)
	_ = s.process.Wait()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := plain.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the server does not become ready")
		case <-tick.C:
		}
	}
}

var plain = &http.Client{Timeout: 10 * time.Second}

// settled is the server's resident memory, in bytes, once it has not grown for a while.
func (s *server) settled() (int64, error) {
	last := int64(0)
	for same := 0; same < 5; {
		<-time.After(time.Second)
		now, err := s.resident()
		if err != nil {
			return 0, err
		}
		if same++; now > last+last/200 {
			same = 0
		}
		last = now
	}
	return last, nil
}

// resident reads VmRSS of proc(5).
func (s *server) resident() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := strings.CutPrefix(string(line), "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("the system does not say how much memory a process has")
}

// atMachine runs a command of the server's machine, and returns what it prints.
func (s *server) atMachine(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, s.program, append(args, "--data", s.data)...).Output()
	return strings.TrimSpace(string(out)), err
}

// home is a household with a signed-in member.
type home struct {
	*client.Caller
	site    event.SiteID
	session string
}

// moveIn makes households, each with a member who signs in.
func (s *server) moveIn(ctx context.Context, n int) ([]home, error) {
	key, err := s.atMachine(ctx, "key", "create", "--role", "operator", "--identity", "bench")
	if err != nil {
		return nil, err
	}
	s.operator = &client.Caller{URL: s.url, Authorize: client.WithSecret("Bearer", key)}
	homes := make([]home, n)
	for i := range homes {
		if homes[i], err = s.household(ctx, i+1); err != nil {
			return nil, err
		}
	}
	return homes, nil
}

func (s *server) household(ctx context.Context, n int) (home, error) {
	var site struct {
		ID event.SiteID `json:"site"`
	}
	if err := s.operator.Call(ctx, "POST", "/v1/sites", map[string]any{"zone": "Europe/Paris", "address": "12 rue Verte"}, &site); err != nil {
		return home{}, err
	}
	var member struct {
		ID string `json:"member"`
	}
	if err := s.operator.Call(ctx, "POST", "/v1/sites/"+string(site.ID)+"/members", map[string]any{"name": "Camille"}, &member); err != nil {
		return home{}, err
	}
	link, err := s.atMachine(ctx, "member", "link", member.ID)
	if err != nil {
		return home{}, err
	}
	token, err := s.signIn(ctx, link, n)
	return home{&client.Caller{URL: s.url, Authorize: client.WithSecret("Session", token)}, site.ID, token}, err
}

// signIn spends a one-time link, from an address of the household's own: few strangers' requests a minute are taken
// from one.
func (s *server) signIn(ctx context.Context, link string, n int) (string, error) {
	body, err := json.Marshal(map[string]string{"token": link})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/sessions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	res, err := (&http.Transport{DialContext: from.DialContext, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var session struct {
		Token string `json:"token"`
	}
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("a link is answered with %d", res.StatusCode)
	}
	err = json.NewDecoder(res.Body).Decode(&session)
	return session.Token, err
}

// reserve gives a site a device that nobody will hear of.
func (s *server) reserve(ctx context.Context, site event.SiteID, device string) error {
	return s.operator.Call(ctx, "POST", "/v1/devices", map[string]any{"id": device, "site": site, "connector": "mqtt",
		"config": map[string]any{"device": device, "ratgdo": map[string]any{"prefix": device}}}, nil)
}
