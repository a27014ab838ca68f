package rtsp

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/virtual"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brief is for what is waited for in vain, patient for what comes sooner or later.
var (
	brief   = Timeouts{Answer: 300 * time.Millisecond, First: 800 * time.Millisecond, Silence: 400 * time.Millisecond}
	patient = Timeouts{Answer: 30 * time.Second, First: 30 * time.Second, Silence: 30 * time.Second}
)

// serve listens on loopback and hands each connection to who plays the camera. It returns the address, and ends when
// the test does.
func serve(t testing.TB, play func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() { defer func() { _ = c.Close() }(); play(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "rtsp://user:hunter22@" + l.Addr().String() + "/cam?token=t0psecret"
}

// request reads one and returns its method, empty at the end.
func request(r *bufio.Reader) string {
	method := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return ""
		}
		if method == "" {
			method, _, _ = strings.Cut(line, " ")
		}
		if line == "\r\n" {
			return method
		}
	}
}

// script answers each method with a text. "BODY" stands for headers and body of a description.
func script(answers map[string]string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			method := request(r)
			if method == "" {
				return
			}
			answer, ok := answers[method]
			if !ok {
				answer = map[string]string{
					"OPTIONS": "RTSP/1.0 200 OK\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n",
					"SETUP":   "RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
				}[method]
			}
			if method == "PLAY" && !ok {
				answer = "RTSP/1.0 200 OK\r\nSession: 1\r\n\r\n"
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
			if method == "PLAY" && then != nil {
				then(c)
			}
		}
	}
}

func described(sdp string) string {
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
}

const (
	head  = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
	video = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1%s\r\na=control:trackID=0\r\n"
	sound = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:trackID=1\r\n"
	jpeg  = "m=video 0 RTP/AVP 26\r\na=rtpmap:26 JPEG/90000\r\na=control:trackID=0\r\n"
)

// film offers a real picture's parameters.
func film() string {
	f := virtual.NewFilm(320, 192, time.Second).Format()
	return head + fmt.Sprintf(video, ";sprop-parameter-sets="+base64.StdEncoding.EncodeToString(f.SPS)+","+base64.StdEncoding.EncodeToString(f.PPS))
}

func endless(text string) func(net.Conn) {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// packet is an RTP packet of the picture, as it comes over TCP.
func packet(payload string) string {
	p := "\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01" + payload
	return "$\x00" + string([]byte{byte(len(p) >> 8), byte(len(p))}) + p
}

func TestHostileCameras(t *testing.T) {
	t.Parallel()
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	answering := func(describe string) func(net.Conn) { return script(map[string]string{"DESCRIBE": describe}, nil) }
	playing := func(then func(net.Conn)) func(net.Conn) {
		return script(map[string]string{"DESCRIBE": described(film())}, then)
	}
	for name, c := range map[string]struct {
		play func(net.Conn)
		why  camera.Why
	}{
		"never answers":          {silent, camera.NoAnswer},
		"hangs up":               {func(net.Conn) {}, camera.NoAnswer},
		"endless status":         {endless("RTSP/1.0 200 O"), camera.Broken},
		"endless headers":        {func(c net.Conn) { _, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\n"); endless("X: y\r\n")(c) }, camera.Broken},
		"endless header":         {func(c net.Conn) { _, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\nX: "); endless("yyyy")(c) }, camera.Broken},
		"endless garbage":        {endless("\x00\xff\x00\xff"), camera.NoAnswer},
		"endless requests":       {endless("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), camera.NoAnswer},
		"endless answers":        {endless("RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n"), camera.NoAnswer},
		"huge body":              {answering("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 9999999999\r\n\r\n"), camera.Broken},
		"huge description":       {answering(described(film() + strings.Repeat(sound, 1000) + strings.Repeat("a", 100_000))), camera.Broken},
		"no description":         {answering("RTSP/1.0 200 OK\r\n\r\n"), camera.Broken},
		"wrong description":      {answering(described("hello")), camera.Broken},
		"sound only":             {answering(described(head + sound)), camera.NoVideo},
		"nothing at all":         {answering(described(head)), camera.Broken},
		"another codec":          {answering(described(head + jpeg)), camera.WrongFormat},
		"wrong password":         {answering("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"), camera.WrongPassword},
		"wrong kind of password": {answering("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Palm realm=\"x\"\r\n\r\n"), camera.WrongPassword},
		"forbidden":              {answering("RTSP/1.0 403 Forbidden\r\n\r\n"), camera.WrongPassword},
		"no such stream":         {answering("RTSP/1.0 404 Not Found\r\n\r\n"), camera.NotFound},
		"too many viewers":       {answering("RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n"), camera.NoAnswer},
		"not understood":         {answering("RTSP/1.0 400 hunter22 \x1b[31m t0psecret user " + strings.Repeat("x", 100) + "\r\n\r\n"), camera.Broken},
		"redirect elsewhere":     {answering("RTSP/1.0 302 Found\r\nLocation: rtsp://127.0.0.1:1/inner\r\n\r\n"), camera.Broken},
		"no picture":             {playing(silent), camera.NoAnswer},
		"endless fragments":      {playing(endless(packet("\x7c\x05x"))), camera.Broken},
		"empty fragments":        {playing(func(c net.Conn) { _, _ = io.WriteString(c, packet("\x7c\x85xx")); endless(packet("\x7c\x05"))(c) }), camera.Broken},
		"no end of a picture":    {playing(endless(packet("\x41" + strings.Repeat("x", 60_000)))), camera.Broken},
		"other channels":         {playing(endless("$\x09\x00\x04abcd")), camera.NoAnswer},
		"empty packets":          {playing(endless("$\x00\x00\x00")), camera.NoAnswer},
		"asks back":              {playing(endless("GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n")), camera.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serve(t, c.play)
			wait := patient
			if c.why == camera.NoAnswer {
				wait = brief
			}
			s, err := New(address, wait)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			err = s.Run(t.Context(), func(*camera.Unit) { t.Error("a unit came") })
			var fault *camera.Fault
			if !errors.As(err, &fault) || fault.Why != c.why {
				t.Errorf("%v, wanted %q", err, c.why)
			}
			discreet(t, err)
			if took := time.Since(begun); wait == brief && took > 4*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// discreet fails if an error's text holds what is secret in the address, or more than a log should.
func discreet(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"user", "hunter22", "t0psecret", "\x1b"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q gives away %q", err, secret)
		}
	}
	if len(err.Error()) > 300 {
		t.Errorf("%d characters", len(err.Error()))
	}
}

// wasteful sends the fragments of one picture, each with one byte of it in a packet of 64 KB: their headers are
// extended by 0x3ff0 words (RFC 3550, 5.3.1).
func wasteful(c net.Conn) {
	for n := range 1 << 16 {
		p := "\x90\x60" + string([]byte{byte(n >> 8), byte(n)}) + "\x00\x00\x00\x01\x00\x00\x00\x01\xbe\xde\x3f\xf0" +
			strings.Repeat("\x00", 4*0x3ff0) + "\x7c\x05x"
		if n == 0 {
			p = p[:len(p)-2] + "\x85x"
		}
		if _, err := io.WriteString(c, "$\x00"+string([]byte{byte(len(p) >> 8), byte(len(p))})+p); err != nil {
			return
		}
	}
}

func TestMemoryStaysBoundedWhateverIsSent(t *testing.T) {
	s, err := New(serve(t, script(map[string]string{"DESCRIBE": described(film())}, wasteful)), DefaultTimeouts)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	err = s.Run(t.Context(), func(*camera.Unit) {})
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 128<<20 {
		t.Errorf("%d MB", grown>>20)
	}
	var fault *camera.Fault
	if !errors.As(err, &fault) || fault.Why != camera.Broken {
		t.Error(err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	for name, play := range map[string]func(net.Conn){
		"while it is called":  func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"while nothing comes": script(map[string]string{"DESCRIBE": described(film())}, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(serve(t, play), DefaultTimeouts)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			begun := time.Now()
			if err := s.Run(ctx, func(*camera.Unit) {}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 2*time.Second {
				t.Errorf("%v after %v", err, time.Since(begun))
			}
		})
	}
}

func TestNobodyIsThere(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	s, err := New("rtsp://user:hunter22@"+l.Addr().String()+"/cam", brief)
	if err != nil {
		t.Fatal(err)
	}
	var fault *camera.Fault
	if err := s.Run(t.Context(), nil); !errors.As(err, &fault) || fault.Why != camera.NoAnswer {
		t.Errorf("%v", err)
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		err error
		why camera.Why
	}{
		{&net.DNSError{IsNotFound: true}, camera.NoHost},
		{&net.OpError{Err: &net.DNSError{IsNotFound: true}}, camera.NoHost},
		{&net.DNSError{IsTimeout: true}, camera.NoAnswer},
		{liberrors.ErrClientTCPTimeout{}, camera.NoAnswer},
		{liberrors.ErrClientAuthSetup{}, camera.WrongPassword},
		{errors.New("what"), camera.Broken},
	} {
		if got := reason(c.err); got != c.why {
			t.Errorf("%v: %q", c.err, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "cam", "http://user:hunter22@cam/", "rtsps://user:hunter22@cam/", "rtsp://user:hunter22@/x",
		"rtsp://user:hunter22@cam:port/x", "rtsp://user:hunter22%zz@cam/x", "rtsp://user:hunter22@cam/x#y", "rtsp:hunter22"} {
		if _, err := New(bad, brief); err == nil {
			t.Errorf("%q is taken", bad)
		} else if strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%q gives away the password", err)
		}
	}
	s, err := New("rtsp://user:hunter22@[::1]:8554/a/hunter22?x=hunter22", brief)
	if err != nil || s.String() != "rtsp://[::1]:8554" {
		t.Errorf("%v: %v", s, err)
	}
}
