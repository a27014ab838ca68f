package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	eye "github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// stage is what stands around the server: a broker, a wire to it that can be cut, and a virtual home. It
// outlives the server, which is a process of its own.
type stage struct {
	program string
	dir     string
	broker  *broker.Broker
	proxy   *proxy
	config  virtual.Config
	home    *virtual.Home
	// camera is nil where none films.
	camera *eye.Camera
	// lead is the camera's wire.
	lead   *proxy
	server *process
	// listen is the server's own address, and url the one under which people reach it.
	listen string
	url    string
	// makers are nil where no car stands.
	makers *makers
	// more are arguments for the server.
	more     []string
	cameraAt string
	filmed   *scenery
	watching sync.WaitGroup
	stop     chan struct{}
}

const (
	brokerAccount = "loquet"
	brokerSecret  = "broker-password"
)

// build starts everything but the server.
func build(ctx context.Context, program, dir string, devices []virtual.Device, camera bool) (s *stage, err error) {
	s = &stage{program: program, dir: dir, stop: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	password := broker.NewPassword()
	if s.broker, err = broker.Start(broker.Config{Server: broker.Credentials{Username: brokerAccount, PasswordHash: broker.HashPassword(password)}}); err != nil {
		return s, err
	}
	if err = os.WriteFile(filepath.Join(dir, brokerSecret), []byte(password), 0o600); err != nil {
		return s, err
	}
	s.config = virtual.Config{URL: s.broker.URL(), Prefix: "home"}
	for _, d := range devices {
		if err = s.admit(d); err != nil {
			return s, err
		}
	}
	if s.home, err = virtual.Start(ctx, s.config); err != nil {
		return s, err
	}
	if camera {
		if err = s.plugIn(); err != nil {
			return s, err
		}
	}
	s.proxy, err = startProxy(s.broker.Address())
	return s, err
}

// admit gives a device its account at the broker, for its own topics.
func (s *stage) admit(d virtual.Device) error {
	d.Username, d.Password = d.Name, broker.NewPassword()
	s.config.Devices = append(s.config.Devices, d)
	reports, commands, err := s.config.Topics(d.Name)
	if err != nil {
		return err
	}
	return s.broker.Allow(broker.Account{Credentials: broker.Credentials{Username: d.Username, PasswordHash: broker.HashPassword(d.Password)},
		Reports: reports, Commands: commands})
}

// body is a door or a car by its name on the stage; nil when there is none.
func (s *stage) body(name string) body {
	if thing := s.home.Thing(name); thing != nil {
		return thing
	}
	if s.makers != nil && s.makers.cars[name] != nil {
		return s.makers.cars[name]
	}
	return nil
}

// names are those of all doors and cars.
func (s *stage) names() []string {
	var all []string
	for _, d := range s.config.Devices {
		all = append(all, d.Name)
	}
	if s.makers != nil {
		all = slices.AppendSeq(all, maps.Keys(s.makers.cars))
	}
	return all
}

func (s *stage) data() string { return filepath.Join(s.dir, "data") }

// serve starts the server, or starts it again on what the one before left behind.
func (s *stage) serve(ctx context.Context) error {
	err := s.settle()
	if err != nil {
		return err
	}
	args := []string{"serve", "--data", s.data(), "--listen", s.listen, "--public-url", s.url, "--mqtt-url", "mqtt://" + s.proxy.address(),
		"--mqtt-user", brokerAccount, "--mqtt-password-file", filepath.Join(s.dir, brokerSecret), "--local-webhooks",
		"--media", s.media(), "--webrtc-listen", "127.0.0.1:0"}
	if s.server, err = startProcess(filepath.Join(s.dir, "server.log"), s.program, append(args, s.more...)...); err != nil {
		return err
	}
	if err = s.awaitReady(ctx); err != nil || s.makers == nil {
		return err
	}
	return s.makers.subscribe(ctx, s.url)
}

// settle chooses where the server listens, and under which address people reach it.
func (s *stage) settle() (err error) {
	if s.listen == "" {
		if s.listen, err = freeAddress(); err != nil {
			return err
		}
	}
	s.url = cmp.Or(s.url, "http://"+s.listen)
	return nil
}

// connectMakers starts the clouds of cars' makers, which send owners back to the server, and tells the server of them.
func (s *stage) connectMakers() (err error) {
	if err = s.settle(); err != nil {
		return err
	}
	if s.makers, err = startMakers(s.url); err != nil {
		return err
	}
	more, err := s.makers.arguments(s.dir)
	s.more = append(s.more, more...)
	return err
}

// The camera's picture, in pixels.
const wide, high = 640, 368

// plugIn starts the camera, at the end of a wire.
func (s *stage) plugIn() (err error) {
	here, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	if s.camera, err = eye.Start(eye.Options{Zone: here, User: "loquet", Password: broker.NewPassword(), Group: eye.Rate, Width: wide, Height: high}); err != nil {
		return err
	}
	at, err := url.Parse(s.camera.Address())
	if err != nil {
		return err
	}
	if s.lead, err = startProxy(at.Host); err != nil {
		return err
	}
	at.Host = s.lead.address()
	s.cameraAt = at.String()
	return nil
}

// film has the camera look at the way in, from now on: whether a door stands open, and the parcel behind it once an
// order has opened one.
func (s *stage) film(title string, doors ...string) {
	s.filmed = &scenery{title: title}
	for _, name := range doors {
		s.filmed.doors = append(s.filmed.doors, s.home.Thing(name))
	}
	for _, thing := range s.filmed.doors {
		s.watching.Go(func() {
			for {
				changed := thing.Changed()
				s.look()
				select {
				case <-changed:
				case <-s.stop:
					return
				}
			}
		})
	}
}

// scenery is what the camera sees.
type scenery struct {
	title string
	doors []*virtual.Thing

	mu sync.Mutex
	// swept is how often the doors had been opened when the last parcel was taken away from behind them.
	swept int
}

func (c *scenery) openings() (n int) {
	for _, d := range c.doors {
		n += d.Openings()
	}
	return n
}

func (s *stage) look() {
	c := s.filmed
	c.mu.Lock()
	defer c.mu.Unlock()
	open := slices.ContainsFunc(c.doors, func(d *virtual.Thing) bool { return d.Contact() == event.ContactOpen })
	s.camera.Look(eye.Scene{Name: c.title, Open: open, Parcel: !open && c.openings() > c.swept})
}

// sweep takes the parcel away from behind the filmed doors.
func (s *stage) sweep() {
	s.filmed.mu.Lock()
	s.filmed.swept = s.filmed.openings()
	s.filmed.mu.Unlock()
	s.look()
}

// media says whether the server needs a media service.
func (s *stage) media() string {
	if s.camera == nil {
		return "none"
	}
	return "own"
}

// prober asks whether the server is ready.
var prober = &http.Client{Timeout: 5 * time.Second}

func (s *stage) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.listen+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := prober.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.server.ended:
			return fmt.Errorf("the server ended by itself:\n%s", s.server.tail())
		case <-ctx.Done():
			return fmt.Errorf("the server did not get ready:\n%s", s.server.tail())
		}
	}
}

func (s *stage) close() {
	close(s.stop)
	s.watching.Wait()
	if s.server != nil {
		s.server.stop()
	}
	if s.camera != nil {
		s.camera.Close()
	}
	for _, wire := range []*proxy{s.proxy, s.lead} {
		if wire != nil {
			wire.close()
		}
	}
	if s.makers != nil {
		s.makers.close()
	}
	if s.home != nil {
		s.home.Close()
	}
	if s.broker != nil {
		_ = s.broker.Close()
	}
}

// freeAddress finds a free port on loopback. The server gets the same one again after a crash; it lies below those
// that the kernel gives to connections, or one of them would take it meanwhile.
func freeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// process is a child process with its log.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

func startProcess(log, program string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p := &process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended shows in its log
		_ = file.Close()
		close(p.ended)
	}()
	return p, nil
}

// kill ends it as a power cut of the process does: SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop asks it to end, and insists after a while.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		p.kill()
	}
}

// tail is the end of its log.
func (p *process) tail() string {
	const most = 2000
	data, _ := os.ReadFile(p.log)
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return string(data)
}
