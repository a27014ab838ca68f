package rtsp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/virtual"
	"github.com/pion/rtp"
)

// packets are RTP packets of a virtual camera, each after two bytes of its length. Its slices are cut short: they are
// not decoded here, and a fuzzer works better on little.
func packets(f testing.TB, n int) []byte {
	f.Helper()
	film := virtual.NewFilm(256, 192, time.Second)
	film.Group = 3
	e, err := (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		f.Fatal(err)
	}
	var out []byte
	for i := range n {
		u := film.Next(time.Unix(int64(i), 0), 0)
		nalus := [][]byte{u.NALUs[0][:min(40, len(u.NALUs[0]))]}
		if u.Key {
			nalus = append([][]byte{u.Format.SPS, u.Format.PPS}, nalus...)
		}
		sent, err := e.Encode(nalus)
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range sent {
			p.Timestamp = uint32(i) * 3600
			raw, err := p.Marshal()
			if err != nil {
				f.Fatal(err)
			}
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(raw))), raw...)
		}
	}
	return out
}

// inspector fails if a unit is not what camera.Source promises.
type inspector struct {
	t     testing.TB
	last  *camera.Unit
	units int
}

func (i *inspector) see(u *camera.Unit) {
	i.units++
	if i.last == nil || i.last.Format != u.Format {
		if !u.Key {
			i.t.Fatal("a format begins without a key unit")
		}
		if f := u.Format; f.Width < 16 || f.Height < 16 || f.Width > maxSide || f.Height > maxSide || f.Rate < 0 || f.Rate > maxRate {
			i.t.Fatalf("%+v", f)
		}
	}
	if i.last != nil && u.DTS <= i.last.DTS || i.last == nil && (u.DTS != 0) {
		i.t.Fatalf("time goes from %+v to %d", i.last, u.DTS)
	}
	if u.Size() == 0 || u.Size() > maxUnit {
		i.t.Fatalf("%d bytes", u.Size())
	}
	for _, n := range u.NALUs {
		if len(n) == 0 {
			i.t.Fatal("an empty NAL unit")
		}
	}
	i.last = u
}

// FuzzPackets feeds any packets, in either codec.
func FuzzPackets(f *testing.F) {
	f.Add(packets(f, 5), false)
	f.Add(packets(f, 5), true)
	f.Add([]byte("\x00\x0f\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x7c\x85x"), false)
	f.Fuzz(func(t *testing.T, data []byte, h265 bool) {
		seen, failed := &inspector{t: t}, 0
		var forma format.Format = &format.H264{PayloadTyp: 96, PacketizationMode: 1}
		if h265 {
			forma = &format.H265{PayloadTyp: 96}
		}
		r, err := newReceiver(forma, seen.see, func(err error) {
			failed++
			var fault *camera.Fault
			if !errors.As(err, &fault) {
				t.Fatalf("%T: %v", err, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		r.read = func() int64 { return 0 }
		r.pts = func(p *rtp.Packet) (int64, bool) { return int64(p.Timestamp), true }
		for len(data) >= 2 {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			var p rtp.Packet
			if p.Unmarshal(data[2:2+n]) == nil {
				r.packet(&p)
			}
			data = data[2+n:]
		}
		if failed > 1 {
			t.Errorf("failed %d times", failed)
		}
	})
}

func TestPacketsOfTheCorpusAreUnits(t *testing.T) {
	seen := &inspector{t: t}
	r, err := newReceiver(&format.H264{PayloadTyp: 96, PacketizationMode: 1}, seen.see, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	r.read = func() int64 { return 0 }
	r.pts = func(p *rtp.Packet) (int64, bool) { return int64(p.Timestamp), true }
	for data := packets(t, 7); len(data) > 0; {
		n := int(binary.BigEndian.Uint16(data))
		var p rtp.Packet
		if err := p.Unmarshal(data[2 : 2+n]); err != nil {
			t.Fatal(err)
		}
		r.packet(&p)
		data = data[2+n:]
	}
	if seen.units != 7 || seen.last.DTS != 6*3600 {
		t.Errorf("%d units, the last at %d", seen.units, seen.last.DTS)
	}
}

const cut = "\n====\n"

// conversation is what a camera answers to one request after the other.
func conversation(f testing.TB) []byte {
	ok := "RTSP/1.0 200 OK\r\nPublic: PLAY\r\n\r\n"
	setup := "RTSP/1.0 200 OK\r\nSession: 1;timeout=1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
	sent := []byte(ok + cut + described(film()) + cut + setup + cut + ok)
	for data := packets(f, 2); len(data) > 0; {
		n := 2 + int(binary.BigEndian.Uint16(data))
		sent = append(append(sent, '$', 0), data[:n]...)
		data = data[n:]
	}
	return sent
}

// converse runs a source against a camera that gives these answers, and then says no more.
func converse(t *testing.T, answers []byte) (*inspector, error) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			answer(c.(*net.TCPConn), answers)
		}
	}()
	s, err := New("rtsp://user:hunter22@"+l.Addr().String()+"/cam", Timeouts{Answer: 200 * time.Millisecond, First: 400 * time.Millisecond, Silence: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	seen := &inspector{t: t}
	err = s.Run(t.Context(), seen.see)
	_ = l.Close()
	<-done
	return seen, err
}

func answer(c *net.TCPConn, answers []byte) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for a := range bytes.SplitSeq(answers, []byte(cut)) {
		if request(r) == "" {
			return
		}
		_, _ = c.Write(a)
	}
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

func TestConversationOfTheCorpusGivesUnits(t *testing.T) {
	seen, err := converse(t, conversation(t))
	var fault *camera.Fault
	if !errors.As(err, &fault) || fault.Why != camera.NoAnswer || seen.units != 2 {
		t.Errorf("%v after %d units", err, seen.units)
	}
}

// FuzzServer is a whole camera: its answers, and what it sends after them.
func FuzzServer(f *testing.F) {
	f.Add(conversation(f))
	f.Add([]byte("RTSP/1.0 200 OK\r\n\r\n" + cut + described(head+sound+jpeg)))
	f.Add([]byte("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n\r\n" + cut + "RTSP/1.0 302 Found\r\nLocation: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := converse(t, data)
		var fault *camera.Fault
		if !errors.As(err, &fault) {
			t.Errorf("%T: %v", err, err)
		} else if bytes.Contains([]byte(fault.Error()), []byte("hunter22")) {
			t.Error(fault)
		}
	})
}
