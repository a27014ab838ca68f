package live

import (
	"context"
	"math"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/loquet/loquet/camera"
)

const (
	// maxPayload of an RTP packet, so that it fits through every tunnel with SRTP, UDP and IPv6 around it. Cameras send larger ones.
	maxPayload = 1188
	// rush is how far apart in time the pictures of the first group are said to be, in units of 1/90,000 s: so
	// little that a browser shows the newest at once instead of playing the group from its beginning.
	rush = 90
	// burst is how many packets of the first group are sent at once, and breath the pause after them: 100 Mbit/s, which
	// sockets and home networks have buffers for.
	burst  = 64
	breath = 6 * time.Millisecond
	// lag is how many units a viewer may be behind before it loses some: two seconds at 25 a second.
	lag = 50
	// repair is how often at most a viewer that lost a picture for good is given the whole group again.
	repair = time.Second
)

// show sends the picture until the look ends, from whichever side.
func (s *Server) show(look *session, p *peer, ring *camera.Ring) {
	why := s.connected(look.ctx, p)
	if why == "" {
		why = s.send(look.ctx, p, ring)
	}
	s.looks.end(look.look.ID, why)
	if err := p.close(); err != nil {
		s.log.Warn("a viewer's connection was not closed in order", "camera", look.look.Camera, "error", err)
	}
}

// connected waits until pictures can be sent, or says why they never will be.
func (s *Server) connected(ctx context.Context, p *peer) Why {
	late := time.NewTimer(s.times.connect)
	defer late.Stop()
	select {
	case <-p.connected:
		return ""
	case <-p.gone:
	case <-late.C:
	case <-ctx.Done():
	}
	return WhyFailed
}

// send begins with the last group, and again whenever the viewer says that it lost a picture for good.
func (s *Server) send(ctx context.Context, p *peer, ring *camera.Ring) Why {
	out, err := newStream(p)
	if err != nil {
		s.log.Error("a live view could not be sent", "error", err)
		return WhyFailed
	}
	lost := make(chan struct{}, 1)
	s.wait.Go(func() { p.listen(lost) })
	for {
		reader := ring.Subscribe(camera.FromLastKey, lag)
		why := s.play(ctx, p, reader, out, lost)
		reader.Close()
		if why != "" {
			return why
		}
	}
}

// play sends one subscription, and returns no reason if another has to be begun.
func (s *Server) play(ctx context.Context, p *peer, reader *camera.Reader, out *stream, lost <-chan struct{}) Why {
	silent := time.NewTimer(s.times.silent)
	defer silent.Stop()
	since := time.Now()
	if why := out.begin(ctx, backlog(reader)); why != "" {
		return why
	}
	for {
		select {
		case <-ctx.Done():
			return WhyClosed // whoever ended it has said why
		case <-p.gone:
			return WhyLeft
		case <-silent.C:
			return WhySilent
		case <-lost:
			if time.Since(since) > repair {
				return ""
			}
		case item, ok := <-reader.C:
			if !ok {
				return WhySilent
			}
			silent.Reset(s.times.silent)
			if why := out.send(item.Unit); why != "" {
				return why
			}
		}
	}
}

// listen reads what the viewer reports until the connection is closed.
func (p *peer) listen(lost chan<- struct{}) {
	for {
		packets, _, err := p.sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				select {
				case lost <- struct{}{}:
				default:
				}
			}
		}
	}
}

// stream turns units into RTP packets for one viewer.
type stream struct {
	track   *webrtc.TrackLocalStaticRTP
	encoder rtph264.Encoder
	clock   clock
	delay   uint8 // id of the header extension, 0 if the viewer does not know it
}

func newStream(p *peer) (*stream, error) {
	s := &stream{track: p.track, encoder: rtph264.Encoder{PayloadType: p.payload, PayloadMaxSize: maxPayload, PacketizationMode: 1}}
	for _, e := range p.sender.GetParameters().HeaderExtensions {
		if e.URI == playoutDelay && e.ID > 0 && e.ID <= math.MaxUint8 {
			s.delay = uint8(e.ID)
		}
	}
	return s, s.encoder.Init()
}

// begin sends a group that is there already as fast as it may go.
func (s *stream) begin(ctx context.Context, group camera.Group) Why {
	if len(group) == 0 {
		return ""
	}
	if reordered(group) {
		return WhyUseHLS
	}
	sent := 0
	for i, at := range s.clock.rush(group) {
		n, why := s.write(group[i], at)
		if why != "" {
			return why
		}
		if sent += n; sent >= burst {
			sent = 0
			rest(ctx, breath)
		}
	}
	return ""
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// send sends a unit as it comes.
func (s *stream) send(u *camera.Unit) Why {
	at, ordered := s.clock.next(u)
	if !ordered {
		return WhyUseHLS
	}
	_, why := s.write(u, at)
	return why
}

// write sends a unit with its parameter sets. An error of the transport is not looked at: the connection says when it
// is lost, and packets may be lost anywhere.
func (s *stream) write(u *camera.Unit, at int64) (packets int, why Why) {
	if u.Format.Codec != camera.H264 {
		return 0, WhyUseHLS
	}
	nalus := withParameters(u)
	if len(nalus) == 0 {
		return 0, ""
	}
	list, err := s.encoder.Encode(nalus)
	if err != nil {
		return 0, WhyFailed
	}
	for _, packet := range list {
		packet.Timestamp = uint32(at) // RTP's time wraps around
		s.extend(packet)
		_ = s.track.WriteRTP(packet)
	}
	return len(list), ""
}

func (s *stream) extend(packet *rtp.Packet) {
	if s.delay != 0 {
		_ = packet.SetExtension(s.delay, []byte{0, 0, 0}) // three bytes under an id that was negotiated always fit
	}
}

// withParameters are a unit's NAL units, those of a key unit after the parameter sets.
func withParameters(u *camera.Unit) [][]byte {
	var nalus [][]byte
	if u.Key {
		nalus = appendFull(nalus, u.Format.VPS, u.Format.SPS, u.Format.PPS)
	}
	return appendFull(nalus, u.NALUs...)
}

// appendFull leaves out empty NAL units, which no encoder makes and no packet can carry.
func appendFull(nalus [][]byte, more ...[]byte) [][]byte {
	for _, n := range more {
		if len(n) > 0 {
			nalus = append(nalus, n)
		}
	}
	return nalus
}
