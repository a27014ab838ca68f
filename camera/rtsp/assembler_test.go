package rtsp

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/virtual"
)

var (
	small = virtual.NewFilm(256, 192, time.Second).Format()
	large = virtual.NewFilm(640, 368, time.Second).Format()
	idr   = []byte{0x65, 0x88, 1, 2, 3}
	p     = []byte{0x41, 0x9a, 1, 2, 3}
	sei   = []byte{6, 5, 1, 2}
)

// feed hands access units to an assembler, 40 ms apart.
type feed struct {
	t  *testing.T
	a  *assembler
	at time.Time
	n  int64
}

func newFeed(t *testing.T, vps, sps, pps []byte) *feed {
	return &feed{t: t, a: newAssembler(camera.H264, vps, sps, pps), at: start}
}

func (f *feed) next(nalus ...[]byte) *camera.Unit {
	f.t.Helper()
	u, err := f.a.unit(nalus, 1000+f.n*3600, f.at)
	if err != nil {
		f.t.Fatal(err)
	}
	f.n++
	f.at = f.at.Add(40 * time.Millisecond)
	return u
}

func (f *feed) is(u *camera.Unit, key bool, nalus ...[]byte) {
	f.t.Helper()
	if u == nil || u.Key != key || len(u.NALUs) != len(nalus) {
		f.t.Fatalf("%+v", u)
	}
	for i, n := range nalus {
		if !bytes.Equal(u.NALUs[i], n) {
			f.t.Errorf("% x", u.NALUs[i])
		}
	}
}

func TestParametersOfTheDescription(t *testing.T) {
	f := newFeed(t, nil, small.SPS, small.PPS)
	if u := f.next(p); u != nil {
		t.Errorf("a unit before the first key picture: %+v", u)
	}
	u := f.next(idr)
	f.is(u, true, idr)
	if u.PTS != 0 || u.DTS != 0 || u.Format.Width != 256 || u.Format.Height != 192 || u.Format.Rate != 25 {
		t.Errorf("%+v, %+v", u, u.Format)
	}
	if u := f.next(p); u.PTS != 3600 || u.DTS != 3600 {
		t.Errorf("%+v", u)
	}
}

func TestParametersInTheStream(t *testing.T) {
	f := newFeed(t, nil, nil, nil)
	if u := f.next(idr); u != nil {
		t.Errorf("a unit without parameters: %+v", u)
	}
	u := f.next([]byte{9, 0x10}, small.SPS, small.PPS, sei, idr, []byte{12, 0xff})
	f.is(u, true, sei, idr)
	same := f.next(small.SPS, small.PPS, idr)
	f.is(same, true, idr)
	if same.Format != u.Format {
		t.Error("the same parameters are another format")
	}
}

func TestParametersOnTheirOwn(t *testing.T) {
	f := newFeed(t, nil, nil, nil)
	if u := f.next(small.SPS, small.PPS); u != nil {
		t.Errorf("a unit without a picture: %+v", u)
	}
	f.is(f.next(idr), true, idr)
}

func TestOtherParametersAreAnotherFormat(t *testing.T) {
	f := newFeed(t, nil, small.SPS, small.PPS)
	one := f.next(idr)
	two := f.next(large.SPS, large.PPS, idr)
	if two.Format == one.Format || two.Format.Width != 640 || one.Format.Width != 256 {
		t.Errorf("%+v, %+v", one.Format, two.Format)
	}
	if u := f.next(small.SPS, p); u != nil {
		t.Errorf("other parameters without a key picture: %+v", u)
	}
	if u := f.next(p); u != nil {
		t.Errorf("a picture that can't be decoded any more: %+v", u)
	}
	three := f.next(idr)
	if three.Format == one.Format || three.Format.Width != 256 {
		t.Errorf("%+v", three.Format)
	}
}

func TestFurtherParametersStayWithThePicture(t *testing.T) {
	f := newFeed(t, nil, nil, nil)
	further := []byte{0x68, 0x5a, 1}
	u := f.next(small.SPS, small.PPS, further, idr)
	f.is(u, true, further, idr)
	if !bytes.Equal(u.Format.PPS, small.PPS) {
		t.Error("the further set is the format's")
	}
	if again := f.next(small.SPS, small.PPS, further, idr); again.Format != u.Format {
		t.Error("another format each time")
	}
}

func TestUnitsKeepNothingOfTheirPackets(t *testing.T) {
	f := newFeed(t, nil, small.SPS, small.PPS)
	packet := append(bytes.Clone(idr), make([]byte, 60_000)...)
	u := f.next(packet[:len(idr)])
	if cap(u.NALUs[0]) > 64 {
		t.Errorf("%d bytes are kept", cap(u.NALUs[0]))
	}
	packet[2] = 99
	f.is(u, true, idr)
}

func TestStreamsThatCanNotGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		pts  int64
		wait time.Duration
		au   [][]byte
		why  camera.Why
	}{
		"time stands still":  {1000, 40 * time.Millisecond, [][]byte{p}, camera.Broken},
		"time goes back":     {999, 40 * time.Millisecond, [][]byte{p}, camera.Broken},
		"time jumps":         {1000 + 90_000*11, 40 * time.Millisecond, [][]byte{p}, camera.Broken},
		"our time jumps":     {4600, 11 * time.Second, [][]byte{p}, camera.Broken},
		"too large":          {4600, 40 * time.Millisecond, [][]byte{append([]byte{0x41}, make([]byte, maxUnit)...)}, camera.Broken},
		"wrong parameters":   {4600, 40 * time.Millisecond, [][]byte{{0x67, 1, 2}, idr}, camera.WrongFormat},
		"a pause that is ok": {1000 + 90_000*9, 9 * time.Second, [][]byte{p}, camera.Live},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(t, nil, small.SPS, small.PPS)
			f.next(idr)
			_, err := f.a.unit(c.au, c.pts, start.Add(c.wait))
			var fault *camera.Fault
			if errors.As(err, &fault) != (c.why != camera.Live) || fault != nil && fault.Why != c.why {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestH265Parameters(t *testing.T) {
	a := newAssembler(camera.H265, nil, nil, nil)
	for _, c := range []struct {
		first byte
		kind  kind
		set   int
	}{{19 << 1, keySlice, 0}, {20 << 1, keySlice, 0}, {21 << 1, keySlice, 0}, {1 << 1, slice, 0}, {32 << 1, parameters, 0},
		{33 << 1, parameters, 1}, {34 << 1, parameters, 2}, {39 << 1, message, 0}, {35 << 1, other, 0}, {48 << 1, other, 0}} {
		if k, set := a.kind([]byte{c.first, 1, 2}); k != c.kind || set != c.set {
			t.Errorf("type %d: %v, %d", c.first>>1, k, set)
		}
	}
	if k, _ := a.kind([]byte{19 << 1, 1}); k != other {
		t.Error("a NAL unit without content is a picture")
	}
}
