package live

import (
	"context"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"

	"github.com/loquet/loquet/camera"
)

const (
	// part is how much of the picture a player fetches at a time. It plays two to three parts behind the newest.
	part = 200 * time.Millisecond
	// segment is the least that a player keeps as one piece; it ends at the first key picture after that.
	segment = time.Second
	// segments are kept for players; the protocol library takes no fewer.
	segments = 7
	// maxSegment in bytes: a ring holds no longer group either.
	maxSegment = 16 << 20
	// backlogHLS is how many units the muxer may be behind.
	backlogHLS = 250
)

// muxer cuts one Format of one camera into files for all looks by HLS. It ends when the Format does.
type muxer struct {
	ring   *camera.Ring
	format *camera.Format
	out    *gohlslib.Muxer
	track  *gohlslib.Track
	first  int64 // PTS

	ready chan struct{} // closed when out can be asked, or err says why it never will
	err   error
}

// join gives a look the muxer of its camera, which is made for the first one.
func (s *Server) join(ctx context.Context, look *session, v View) error {
	m, err := s.muxerOf(look, v)
	if err != nil {
		return err
	}
	select {
	case <-m.ready:
		return m.err
	case <-ctx.Done():
		return ErrNoPicture
	}
}

func (s *Server) muxerOf(look *session, v View) (*muxer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrEnded
	}
	m := s.muxers[v.Camera]
	if m == nil || m.ring != v.Ring {
		m = &muxer{ring: v.Ring, ready: make(chan struct{})}
		s.muxers[v.Camera] = m
		s.wait.Go(func() { s.cut(v.Camera, m) })
	}
	s.looks.attach(look, m)
	return m, nil
}

// cut feeds a muxer until the camera falls silent, its stream changes or nobody looks any more. The looks end first,
// so that requests which wait for a part are told so.
func (s *Server) cut(name string, m *muxer) {
	reader := m.ring.Subscribe(camera.FromOldest, backlogHLS)
	defer reader.Close()
	m.err = s.begin(m, reader)
	close(m.ready)
	why := WhyFailed
	if m.err == nil {
		why = s.feed(name, m, reader)
		defer m.out.Close()
	}
	s.forget(name, m)
	for _, id := range s.looks.using(m) {
		s.looks.end(id, why)
	}
}

// forget takes a muxer out, so that the next look makes another.
func (s *Server) forget(name string, m *muxer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.muxers[name] == m {
		delete(s.muxers, name)
	}
}

// abandoned forgets a muxer that nobody uses, in one step with the question, so that nobody joins it meanwhile.
func (s *Server) abandoned(name string, m *muxer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.looks.using(m)) > 0 {
		return false
	}
	if s.muxers[name] == m {
		delete(s.muxers, name)
	}
	return true
}

// begin opens a muxer with everything that the ring holds of the newest Format.
func (s *Server) begin(m *muxer, reader *camera.Reader) error {
	group, err := s.firstGroup(s.ctx, reader)
	if err != nil {
		return err
	}
	group = newest(group)
	m.format, m.first = group[0].Format, group[0].PTS
	m.track = &gohlslib.Track{Codec: codecOf(m.format), ClockRate: 90000}
	m.out = &gohlslib.Muxer{
		Tracks: []*gohlslib.Track{m.track}, Variant: gohlslib.MuxerVariantLowLatency, SegmentCount: segments, SegmentMinDuration: segment,
		PartMinDuration: part, SegmentMaxSize: maxSegment, OnEncodeError: func(err error) { s.log.Debug("HLS", "error", err) },
	}
	if err := m.out.Start(); err != nil {
		return err
	}
	for _, u := range group {
		if err := m.write(u); err != nil {
			m.out.Close()
			return err
		}
	}
	return nil
}

// newest are the units of the newest Format: those that one file can hold together.
func newest(group camera.Group) camera.Group {
	format := group[len(group)-1].Format
	for i, u := range group {
		if u.Format == format {
			return group[i:]
		}
	}
	return nil
}

func codecOf(f *camera.Format) codecs.Codec {
	if f.Codec == camera.H265 {
		return &codecs.H265{VPS: f.VPS, SPS: f.SPS, PPS: f.PPS}
	}
	return &codecs.H264{SPS: f.SPS, PPS: f.PPS}
}

func (m *muxer) write(u *camera.Unit) error {
	nalus := withParameters(u)
	if len(nalus) == 0 {
		return nil
	}
	if m.format.Codec == camera.H265 {
		return m.out.WriteH265(m.track, u.At, u.PTS-m.first, nalus)
	}
	return m.out.WriteH264(m.track, u.At, u.PTS-m.first, nalus)
}

// feed writes what comes, and returns why it ended.
func (s *Server) feed(name string, m *muxer, reader *camera.Reader) Why {
	silent := time.NewTimer(s.times.silent)
	defer silent.Stop()
	tick := time.NewTicker(s.times.linger)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return WhyClosed
		case <-silent.C:
			return WhySilent
		case <-tick.C:
			if s.abandoned(name, m) {
				return WhyLeft
			}
		case item, ok := <-reader.C:
			if !ok {
				return WhySilent
			}
			silent.Reset(s.times.silent)
			if item.Unit.Format != m.format {
				return WhyChanged
			}
			if err := m.write(item.Unit); err != nil {
				s.log.Warn("a stream can't be cut for HLS", "camera", name, "error", err)
				return WhyFailed
			}
		}
	}
}
