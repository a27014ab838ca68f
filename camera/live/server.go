package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"golang.org/x/net/netutil"
)

// Config of a Server.
type Config struct {
	// UDP is the one address (host:port) through which all pictures sent by WebRTC go. Without a host it is that port
	// on every address that the machine has now, loopback excluded.
	UDP string
	// TCP is the address (host:port) for viewers whose network lets no UDP through; none if empty.
	TCP string
	// Public are the IP addresses that viewers are told instead of the machine's own (1:1 NAT), at most one per family.
	Public []string
	// PerCamera and Total are how many looks there may be at once; 8 and 64 if 0.
	PerCamera, Total int
	// Began and Ended are called when a look begins and ends, Ended exactly once for each Began. They must return
	// soon, may be called concurrently, and must not call the Server.
	Began, Ended func(Look)
	Log          *slog.Logger
}

// View is what a caller allows: who may look at what.
type View struct {
	Camera string
	By     string
	// Ring holds the camera's picture.
	Ring *camera.Ring
	// Sessions is where the caller serves Session, as a path or relative to the address of the request: the Location of
	// a look by WHEP is this, a slash and its id.
	Sessions string
}

// Server shows pictures to viewers. It is safe for concurrent use.
type Server struct {
	log   *slog.Logger
	looks looks
	times times

	udp      ice.UDPMux
	tcp      ice.TCPMux
	settings webrtc.SettingEngine

	mu     sync.Mutex
	muxers map[string]*muxer // by camera
	closed bool

	ctx  context.Context // ends with the server
	stop context.CancelFunc
	wait sync.WaitGroup
	once sync.Once
}

// times are the patience of a Server; tests have less.
type times struct {
	connect time.Duration // from the answer to the first connection
	first   time.Duration // until a camera shows its first picture
	silent  time.Duration // without a picture before a look ends
	idle    time.Duration // without a request before a look by HLS ends
	linger  time.Duration // a muxer without looks
}

var patience = times{connect: 10 * time.Second, first: 5 * time.Second, silent: 3 * time.Second, idle: 8 * time.Second, linger: 10 * time.Second}

// Listen opens the ports. The caller closes the server.
func Listen(c Config) (*Server, error) { return start(c, patience) }

func start(c Config, t times) (*Server, error) {
	s := &Server{log: c.Log, times: t, muxers: map[string]*muxer{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.looks = looks{perCamera: or(c.PerCamera, 8), total: or(c.Total, 64), began: c.Began, ended: c.Ended, byID: map[string]*session{}}
	if s.looks.began == nil {
		s.looks.began = func(Look) {}
	}
	if s.looks.ended == nil {
		s.looks.ended = func(Look) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(c); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, fmt.Errorf("live view: %w", err)
	}
	s.wait.Go(s.sweep)
	return s, nil
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (s *Server) open(c Config) error {
	var err error
	if s.udp, err = listenUDP(c.UDP); err != nil {
		return err
	}
	if c.TCP != "" {
		if s.tcp, err = listenTCP(c.TCP); err != nil {
			return err
		}
	}
	s.settings, err = settings(s.udp, s.tcp, c.Public)
	return err
}

// quiet: what pion logs names viewers' addresses, and hostile ones could fill a disk with it.
var quiet = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}

func listenUDP(address string) (ice.UDPMux, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	if at.IP == nil || at.IP.IsUnspecified() {
		if at.Port == 0 {
			return nil, errors.New("the UDP port for all addresses must be given")
		}
		return ice.NewMultiUDPMuxFromPort(at.Port, ice.UDPMuxFromPortWithLogger(quiet.NewLogger("")))
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: quiet.NewLogger("")}), nil
}

// maxConnections by TCP at once, so that connections which say nothing cost no more than this.
const maxConnections = 256

func listenTCP(address string) (ice.TCPMux, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: netutil.LimitListener(l, maxConnections), Logger: quiet.NewLogger(""), ReadBufferSize: 8,
		WriteBufferSize:      2 << 20, // what does not fit is dropped: a slow viewer must not hold up ICE's own checks
		FirstStunBindTimeout: 5 * time.Second, AliveDurationForConnFromStun: 5 * time.Second,
	}), nil
}

// settings of all peer connections: one port, no names looked up, gone means gone.
func settings(udp ice.UDPMux, tcp ice.TCPMux, public []string) (webrtc.SettingEngine, error) {
	e := webrtc.SettingEngine{LoggerFactory: quiet}
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(3*time.Second, 4*time.Second, time.Second)
	e.SetICEUDPMux(udp)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if tcp != nil {
		e.SetICETCPMux(tcp)
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	}
	for _, a := range udp.GetListenAddresses() {
		if at, err := netip.ParseAddrPort(a.String()); err == nil && at.Addr().IsLoopback() {
			e.SetIncludeLoopbackCandidate(true)
		}
	}
	if len(public) == 0 {
		return e, nil
	}
	for _, a := range public {
		if _, err := netip.ParseAddr(a); err != nil {
			return e, fmt.Errorf("public address: %w", err)
		}
	}
	return e, e.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{External: public, AsCandidateType: webrtc.ICECandidateTypeHost})
}

// End ends one look, and says whether it lasted until now. Nothing more is sent to its viewer.
func (s *Server) End(id string, why Why) bool { return s.looks.end(id, why) }

// EndWhere ends the looks that match, and says how many: of a visit that ended, of somebody whose right was withdrawn.
func (s *Server) EndWhere(match func(Look) bool, why Why) int { return s.looks.endWhere(match, why) }

// Looks are those that last now, in no order.
func (s *Server) Looks() []Look { return s.looks.now() }

// Session serves the address of one look: DELETE ends it. It takes no PATCH, because the answer to an offer holds
// all candidates (no trickle ICE, no restart).
func (s *Server) Session(w http.ResponseWriter, r *http.Request, id string) {
	if r.Method != http.MethodDelete {
		refuseMethod(w, http.MethodDelete)
		return
	}
	if !s.looks.end(id, WhyLeft) {
		ErrEnded.write(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// Close ends all looks, closes the ports, and waits until everything has ended.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.stop()
		s.looks.close()
		s.wait.Wait()
		if s.udp != nil {
			err = s.udp.Close()
		}
		if s.tcp != nil {
			err = errors.Join(err, s.tcp.Close())
		}
	})
	return err
}

// sweep ends the looks by HLS that ask for nothing any more: HTTP does not say that somebody left.
func (s *Server) sweep() {
	tick := time.NewTicker(s.times.idle / 4)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			for _, id := range s.looks.idle(now.Add(-s.times.idle)) {
				s.looks.end(id, WhyLeft)
			}
		}
	}
}
