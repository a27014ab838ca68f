// Package rtsp pulls a camera's picture by RTSP (RFC 2326) over one TCP connection: H.264 and H.265, without sound.
//
// A camera may be anything that somebody has put in its place, so all that it sends is bounded: the time it takes to
// answer, the size of what it answers (128 KiB, 255 headers), the size of a picture and the number of packets that
// make one. It can send us nowhere else. Against a clear-text line only Digest hides the password, and only the
// camera chooses whether to ask for that.
package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/loquet/loquet/camera"
)

// Timeouts say how long a camera may take.
type Timeouts struct {
	// Answer to each request, and to being called at all.
	Answer time.Duration
	// First picture, from the beginning.
	First time.Duration
	// Silence between two pictures.
	Silence time.Duration
}

// DefaultTimeouts suit cameras on a network of today. The judge finds a picture stale long before Silence is over.
var DefaultTimeouts = Timeouts{Answer: 5 * time.Second, First: 15 * time.Second, Silence: 5 * time.Second}

// Source is a camera at an RTSP address. It may be run any number of times, and by one at a time.
type Source struct {
	address  *base.URL
	timeouts Timeouts
	secrets  *strings.Replacer
}

// New returns the source at an address of the form rtsp://user:password@host:port/path. Its error never repeats the
// address, which may hold a password.
func New(address string, timeouts Timeouts) (*Source, error) {
	u, err := base.ParseURL(address)
	if err != nil || u.Scheme != "rtsp" || u.Hostname() == "" {
		return nil, errors.New("a camera's address has the form rtsp://user:password@host:port/path")
	}
	return &Source{address: u, timeouts: timeouts, secrets: secrets(u)}, nil
}

// String names the source without what may be secret: user, password, path and query.
func (s *Source) String() string { return "rtsp://" + s.address.Host }

// Run implements camera.Source.
func (s *Source) Run(ctx context.Context, sink func(*camera.Unit)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var read atomic.Int64
	c := s.client(&read)
	if err := c.Start(); err != nil {
		return s.fault(err)
	}
	defer c.Close()
	context.AfterFunc(ctx, c.Close)
	silence := time.AfterFunc(s.timeouts.First, func() {
		cancel(&camera.Fault{Why: camera.NoAnswer, Err: errors.New("no picture came in time")})
	})
	defer silence.Stop()

	err := s.play(c, &read, func(u *camera.Unit) {
		silence.Reset(s.timeouts.Silence)
		sink(u)
	}, cancel)
	if err == nil {
		err = c.Wait()
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return s.fault(err)
}

// client never calls anybody but the camera, says nothing on its own, and counts what it reads.
func (s *Source) client(read *atomic.Int64) *gortsplib.Client {
	tcp := gortsplib.ProtocolTCP
	host, port := s.address.Hostname(), s.address.Port()
	if port == "" {
		port = "554"
	}
	calls := 0
	return &gortsplib.Client{
		Scheme: s.address.Scheme, Host: s.address.Host, Protocol: &tcp, UserAgent: "loquet",
		ReadTimeout: s.timeouts.Answer, WriteTimeout: s.timeouts.Answer,
		OnTransportSwitch: func(error) {}, OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if calls++; calls > 2 || address != net.JoinHostPort(host, port) {
				return nil, errElsewhere
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return counted{conn, read}, nil
		},
	}
}

// counted adds up what is read.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// play asks for the picture, and returns when it is on its way to sink. What goes wrong later is told to fail.
func (s *Source) play(c *gortsplib.Client, read *atomic.Int64, sink func(*camera.Unit), fail func(error)) error {
	desc, _, err := c.Describe(s.address)
	if err != nil {
		return err
	}
	media, forma, err := picture(desc)
	if err != nil {
		return err
	}
	r, err := newReceiver(forma, sink, fail)
	if err != nil {
		return err
	}
	r.read, r.pts = read.Load, timesOf(c, media)
	if _, err := c.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	c.OnPacketRTP(media, forma, r.packet)
	_, err = c.Play(nil)
	return err
}

// picture finds the first stream in what the camera offers that we understand.
func picture(desc *description.Session) (*description.Media, format.Format, error) {
	video := 0
	for _, m := range desc.Medias {
		if m.IsBackChannel || m.Type != description.MediaTypeVideo {
			continue
		}
		video++
		for _, f := range m.Formats {
			switch f.(type) {
			case *format.H264, *format.H265:
				return m, f, nil
			}
		}
	}
	if video == 0 {
		return nil, nil, &camera.Fault{Why: camera.NoVideo}
	}
	return nil, nil, &camera.Fault{Why: camera.WrongFormat, Err: fmt.Errorf("neither H.264 nor H.265 among %d pictures", video)}
}
