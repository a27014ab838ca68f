// Package virtual is a camera without a camera: a real RTSP server that shows a drawn door, with the time in the
// picture, and behaves as badly as it is told to.
//
// Its pictures are drawn and encoded here, without loss, as H.264 of the constrained baseline profile that every
// decoder knows. A clip that is played again and again would not do: that is what the judge of a live picture has to
// refuse.
package virtual

import (
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/loquet/loquet/camera"
)

// Options of a camera. The zero value shows 320 by 192 pixels, with a key picture every 2 s, to everybody.
type Options struct {
	// Address to listen at; 127.0.0.1 and any port if empty.
	Address string
	// User and Password that are asked for, if there is a user.
	User, Password string
	// Width and Height in pixels, multiples of 16 and at least 256 by 192.
	Width, Height int
	// Group is how many pictures there are from one key picture to the next, 25 a second.
	Group int
	// LoopLength is how long a loop is, 4 s if it is zero.
	LoopLength time.Duration
	// Zone is where the clock in the picture goes; the machine's own if it is nil.
	Zone *time.Location
}

// path under which the picture is.
const path = "/door"

// Camera is a virtual camera. It is safe for concurrent use.
type Camera struct {
	options Options
	server  *gortsplib.Server
	link    *link
	port    int

	mu       sync.Mutex
	password string
	film     *Film
	mode     Mode
	scene    Scene
	stream   *gortsplib.ServerStream
	media    *description.Media
	rtp      *rtph264.Encoder
	began    time.Time
	shown    int64 // time of the last picture in the stream
	odd      bool

	stop chan struct{}
	done chan struct{}
}

// Start returns a camera that is up and live.
func Start(o Options) (*Camera, error) {
	o = o.filled()
	c := &Camera{options: o, link: newLink(), password: o.Password, mode: Live, scene: Scene{Name: "LOQUET DEMO"},
		began: time.Now().In(o.Zone), stop: make(chan struct{}), done: make(chan struct{})}
	c.server = &gortsplib.Server{Handler: c, RTSPAddress: o.Address, Listen: c.listen}
	if err := c.server.Start(); err != nil {
		return nil, fmt.Errorf("virtual camera: %w", err)
	}
	if err := c.open(o.Width, o.Height); err != nil {
		c.server.Close()
		return nil, fmt.Errorf("virtual camera: %w", err)
	}
	go c.run()
	return c, nil
}

func (o Options) filled() Options {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Width == 0 {
		o.Width, o.Height = 320, 192
	}
	if o.Group == 0 {
		o.Group = 2 * Rate
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.LoopLength == 0 {
		o.LoopLength = 4 * time.Second
	}
	return o
}

func (c *Camera) listen(network, address string) (net.Listener, error) {
	l, err := c.link.listen(network, address)
	if err == nil {
		c.port = l.Addr().(*net.TCPAddr).Port
	}
	return l, err
}

// Address at which the camera is to be called, with user and password as they were at the start.
func (c *Camera) Address() string {
	u := url.URL{Scheme: "rtsp", Host: fmt.Sprintf("127.0.0.1:%d", c.port), Path: path}
	if c.options.User != "" {
		u.User = url.UserPassword(c.options.User, c.options.Password)
	}
	return u.String()
}

// Close ends the camera and all its connections.
func (c *Camera) Close() {
	close(c.stop)
	<-c.done
	c.link.unjam()
	c.server.Close()
}

// Show changes how the camera behaves, from the next picture on.
func (c *Camera) Show(m Mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = m
	c.film.Show(m)
}

// Look changes what the camera looks at.
func (c *Camera) Look(s Scene) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scene, c.film.Scene = s, s
}

// Vanish makes the camera unreachable, as if its radio was jammed: nobody is told that a connection ended.
func (c *Camera) Vanish() { c.link.jam() }

// Return ends that.
func (c *Camera) Return() { c.link.unjam() }

// SetPassword asks for another password from the next connection on.
func (c *Camera) SetPassword(password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.password = password
}

// Reshape goes on with pictures of another size within the stream, as some cameras do when they are configured.
func (c *Camera) Reshape(w, h int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roll(w, h)
	f := c.media.Formats[0].(*format.H264)
	f.SPS, f.PPS = c.film.Format().SPS, c.film.Format().PPS
	c.stream.ReloadDesc()
}

// Restart ends all connections and comes back with pictures of another size.
func (c *Camera) Restart(w, h int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream.Close()
	return c.open(w, h)
}

// roll begins another film in the same mode.
func (c *Camera) roll(w, h int) {
	c.film = NewFilm(w, h, c.options.LoopLength)
	c.film.Group, c.film.Scene = c.options.Group, c.scene
	c.film.Show(c.mode)
}

// open begins another stream.
func (c *Camera) open(w, h int) error {
	c.roll(w, h)
	f := c.film.Format()
	forma := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: f.SPS, PPS: f.PPS}
	rtp, err := forma.CreateEncoder()
	if err != nil {
		return err
	}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{forma}}
	stream := &gortsplib.ServerStream{Server: c.server, Desc: &description.Session{Medias: []*description.Media{media}}}
	if err := stream.Initialize(); err != nil {
		return err
	}
	c.rtp, c.media, c.stream = rtp, media, stream
	return nil
}

func (c *Camera) run() {
	defer close(c.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			c.picture(now)
		}
	}
}

// picture sends the next one, if there is one now.
func (c *Camera) picture(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pts := c.shown + clock
	if c.odd = !c.odd; c.mode != Slow {
		pts = max(pts, int64(now.Sub(c.began)/tick)*clock)
	} else if c.odd {
		return
	}
	if u := c.film.Next(c.began.Add(time.Duration(pts/clock)*tick), pts); u != nil {
		c.shown = pts
		c.send(u)
	}
}

func (c *Camera) send(u *camera.Unit) {
	nalus := u.NALUs
	if u.Key {
		nalus = append([][]byte{u.Format.SPS, u.Format.PPS}, nalus...)
	}
	packets, err := c.rtp.Encode(nalus)
	if err != nil {
		return
	}
	for _, p := range packets {
		p.Timestamp = uint32(u.PTS) // #nosec G115 -- it wraps around, as it should
		_ = c.stream.WritePacketRTP(c.media, p)
	}
}

func (c *Camera) allowed(conn *gortsplib.ServerConn, request *base.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options.User == "" || conn.VerifyCredentials(request, c.options.User, c.password)
}

// answer to who asks for the stream.
func (c *Camera) answer(conn *gortsplib.ServerConn, request *base.Request, at string) (*base.Response, *gortsplib.ServerStream, error) {
	if !c.allowed(conn, request) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	if at != path {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (c *Camera) OnDescribe(r *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.answer(r.Conn, r.Request, r.Path)
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (c *Camera) OnSetup(r *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.answer(r.Conn, r.Request, r.Path)
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (c *Camera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError: who can't be reached misses packets.
func (c *Camera) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}
