// Package onvif finds cameras on a local network and asks them for the addresses of their streams: WS-Discovery 1.0,
// and of ONVIF the device service (Core Specification) and the first media service (Media Service Specification).
//
// It is tested against a small device of our own that answers with the bodies that these specifications print, not
// against cameras. What a camera says about itself is not authenticated: it may tell us a path and a port, and never
// another host than the one that was asked.
package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/loquet/loquet/camera"
)

// maxStreams of a device are looked at: a camera has two or three, a recorder one for each camera.
const maxStreams = 32

// Client asks one device. It is safe for concurrent use.
type Client struct {
	address        *url.URL
	user, password string
	http           *http.Client
	now            func() time.Time
}

// Stream is one that a device offers.
type Stream struct {
	// Profile is what the device calls it by, Name what people do.
	Profile, Name string
	// Codec is as the device writes it: H264, JPEG…, and H265 with newer ones.
	Codec string
	// Width and Height in pixels, Rate in frames per second at most; zero if the device does not say.
	Width, Height, Rate int
	// Address is of RTSP over TCP, without user and password.
	Address string
}

// New returns a client of the device service at an address such as http://192.0.2.7/onvif/device_service. Its error
// does not repeat the address.
func New(address, user, password string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("a device's address has the form http://host:port/onvif/device_service, without a password")
	}
	c := &Client{address: u, user: user, password: password, now: time.Now}
	c.http = &http.Client{
		Timeout:       5 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Streams returns what the device offers, in its own order: the first is usually the largest.
func (c *Client) Streams(ctx context.Context) ([]Stream, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	var profiles struct {
		Profiles []profile `xml:"Body>GetProfilesResponse>Profiles"`
	}
	if err := s.call(ctx, s.media, `<GetProfiles xmlns="http://www.onvif.org/ver10/media/wsdl"/>`, &profiles); err != nil {
		return nil, err
	}
	var streams []Stream
	for _, p := range profiles.Profiles[:min(len(profiles.Profiles), maxStreams)] {
		if p.Token == "" || p.Video.Encoding == "" {
			continue // it has no picture
		}
		address, err := s.uri(ctx, "GetStreamUri", p.Token, streamSetup)
		if err != nil {
			return nil, err
		}
		streams = append(streams, p.stream(address))
	}
	if len(streams) == 0 {
		return nil, &camera.Fault{Why: camera.NoVideo}
	}
	return streams, nil
}

// Snapshot returns the address at which the device has a still picture of a profile. Most ask for user and password
// again there.
func (c *Client) Snapshot(ctx context.Context, profile string) (string, error) {
	s, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	return s.uri(ctx, "GetSnapshotUri", profile, "")
}

// session knows what is needed before anything can be asked: where the media service is, and the device's time, as a
// password is accepted only with the time at which it was used.
type session struct {
	*Client
	media *url.URL
	ahead time.Duration // of the device's clock
}

func (c *Client) open(ctx context.Context) (*session, error) {
	s := &session{Client: c, media: c.address}
	var clock struct {
		UTC dateTime `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime"`
	}
	const device = `xmlns="http://www.onvif.org/ver10/device/wsdl"`
	if err := s.ask(ctx, c.address, "", `<GetSystemDateAndTime `+device+`/>`, &clock); err != nil {
		return nil, err
	}
	if at := clock.UTC.time(); !at.IsZero() {
		s.ahead = at.Sub(c.now())
	}
	var capabilities struct {
		Media string `xml:"Body>GetCapabilitiesResponse>Capabilities>Media>XAddr"`
	}
	if err := s.call(ctx, c.address, `<GetCapabilities `+device+`><Category>Media</Category></GetCapabilities>`, &capabilities); err != nil {
		return nil, err
	}
	media, err := c.same(capabilities.Media, c.address.Scheme)
	if err != nil {
		return nil, err
	}
	s.media = media
	return s, nil
}

const streamSetup = `<StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>` +
	`<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup>`

// uri asks for one of a profile.
func (s *session) uri(ctx context.Context, method, profile, setup string) (string, error) {
	var answer struct {
		Stream   string `xml:"Body>GetStreamUriResponse>MediaUri>Uri"`
		Snapshot string `xml:"Body>GetSnapshotUriResponse>MediaUri>Uri"`
	}
	body := fmt.Sprintf(`<%s xmlns="http://www.onvif.org/ver10/media/wsdl">%s<ProfileToken>%s</ProfileToken></%s>`,
		method, setup, escaped(profile), method)
	if err := s.call(ctx, s.media, body, &answer); err != nil {
		return "", err
	}
	scheme := "rtsp"
	if setup == "" {
		scheme = s.address.Scheme
	}
	u, err := s.same(answer.Stream+answer.Snapshot, scheme)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// same takes an address that the device gave, on the host that was asked. Devices behind a router give one that only
// they know, and others might send us elsewhere. A user or password in it is dropped.
func (c *Client) same(address, scheme string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != scheme || u.Host == "" {
		return nil, &camera.Fault{Why: camera.Broken, Err: fmt.Errorf("the device gives no %s address", scheme)}
	}
	host := c.address.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	u.Host, u.User = host, nil
	return u, nil
}

type profile struct {
	Token string `xml:"token,attr"`
	Name  string
	Video struct {
		Encoding   string
		Resolution struct{ Width, Height int }
		Rate       struct{ FrameRateLimit int } `xml:"RateControl"`
	} `xml:"VideoEncoderConfiguration"`
}

func (p profile) stream(address string) Stream {
	return Stream{Profile: p.Token, Name: p.Name, Codec: p.Video.Encoding, Width: p.Video.Resolution.Width,
		Height: p.Video.Resolution.Height, Rate: p.Video.Rate.FrameRateLimit, Address: address}
}

type dateTime struct {
	Time struct{ Hour, Minute, Second int }
	Date struct{ Year, Month, Day int }
}

func (d dateTime) time() time.Time {
	if d.Date.Year == 0 {
		return time.Time{}
	}
	return time.Date(d.Date.Year, time.Month(d.Date.Month), d.Date.Day, d.Time.Hour, d.Time.Minute, d.Time.Second, 0, time.UTC)
}
