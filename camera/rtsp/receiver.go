package rtsp

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/loquet/loquet/camera"
	"github.com/pion/rtp"
)

const (
	// maxUnit is the most that a picture may have: a key picture of 4K at its best quality has 1 to 2 MB.
	maxUnit = 4 << 20
	// maxPackets may make one picture, and maxReceived bytes be read for it: the library's decoder keeps packets
	// until their picture is complete, with all that stood around their payload. That can be much, and is not
	// seen any more in a packet.
	maxPackets  = 8192
	maxReceived = 2 * maxUnit
)

// receiver makes units of packets. It runs in the library's reading goroutine: it never blocks.
type receiver struct {
	decode func(*rtp.Packet) ([][]byte, error)
	pts    func(*rtp.Packet) (int64, bool)
	read   func() int64 // bytes of the whole connection
	units  *assembler
	sink   func(*camera.Unit)
	fail   func(error)

	failed  bool
	packets int   // since the last picture
	before  int64 // bytes read when it was complete
}

func newReceiver(forma format.Format, sink func(*camera.Unit), fail func(error)) (*receiver, error) {
	r := &receiver{sink: sink, fail: fail}
	switch f := forma.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, &camera.Fault{Why: camera.WrongFormat, Err: err}
		}
		r.decode, r.units = d.Decode, newAssembler(camera.H264, nil, f.SPS, f.PPS)
	case *format.H265:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, &camera.Fault{Why: camera.WrongFormat, Err: err}
		}
		r.decode, r.units = d.Decode, newAssembler(camera.H265, f.VPS, f.SPS, f.PPS)
	default:
		return nil, &camera.Fault{Why: camera.WrongFormat, Err: fmt.Errorf("%T", forma)}
	}
	return r, nil
}

// timesOf takes the stream's time from the client, which unwraps it.
func timesOf(c *gortsplib.Client, media *description.Media) func(*rtp.Packet) (int64, bool) {
	return func(p *rtp.Packet) (int64, bool) { return c.PacketPTS(media, p) }
}

// packet takes the next one. After a failure it takes no more.
func (r *receiver) packet(p *rtp.Packet) {
	if r.failed {
		return
	}
	if err := r.take(p, time.Now()); err != nil {
		r.failed = true
		r.fail(err)
	}
}

func (r *receiver) take(p *rtp.Packet, now time.Time) error {
	r.packets++
	read := r.read()
	if r.packets > maxPackets || read-r.before > maxReceived {
		return broken("a picture has no end")
	}
	pts, known := r.pts(p)
	nalus, err := r.decode(p)
	if err != nil || !known {
		return nil //nolint:nilerr // more packets are needed, or some were lost: the next picture is a new try
	}
	r.packets, r.before = 0, read
	unit, err := r.units.unit(nalus, pts, now)
	if err == nil && unit != nil {
		r.sink(unit)
	}
	return err
}

func broken(text string) error { return &camera.Fault{Why: camera.Broken, Err: errors.New(text)} }
