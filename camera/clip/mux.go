package clip

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"github.com/loquet/loquet/camera"
)

// clockRate is how many units of time a second of [camera.Unit] has.
const clockRate = 90000

const trackID = 1

// initialization returns the configuration that begins a fragmented MP4: ftyp and moov.
func initialization(f *camera.Format) ([]byte, error) {
	var codec codecs.Codec
	switch f.Codec {
	case camera.H264:
		codec = &codecs.H264{SPS: f.SPS, PPS: f.PPS}
	case camera.H265:
		codec = &codecs.H265{VPS: f.VPS, SPS: f.SPS, PPS: f.PPS}
	default:
		return nil, fmt.Errorf("%q can't be recorded", f.Codec)
	}
	var out seekablebuffer.Buffer
	head := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: trackID, TimeScale: clockRate, Codec: codec}}}
	if err := head.Marshal(&out); err != nil {
		return nil, fmt.Errorf("the stream's parameters can't be written: %w", err)
	}
	return out.Bytes(), nil
}

// part is one fragment: pictures that follow one another.
type part struct {
	// at is when its first picture was received, and base the sum of the durations before it.
	at      time.Time
	base    uint64
	samples []*fmp4.Sample
}

// duration in units of the clock.
func (p *part) duration() (total uint64) {
	for _, s := range p.samples {
		total += uint64(s.Duration)
	}
	return total
}

func (p *part) payload() (total int) {
	for _, s := range p.samples {
		total += len(s.Payload)
	}
	return total
}

// marshal writes prft, moof and mdat.
func (p *part) marshal(out *seekablebuffer.Buffer, number uint32) error {
	stamp := producerTime(p.at, p.base)
	if _, err := out.Write(stamp[:]); err != nil {
		return err
	}
	fragment := fmp4.Part{
		SequenceNumber: number,
		Tracks:         []*fmp4.PartTrack{{ID: trackID, BaseTime: p.base, Samples: p.samples}},
	}
	return fragment.Marshal(out)
}

// unmarshal reads what marshal wrote.
func (p *part) unmarshal(b []byte) error {
	var fragments fmp4.Parts
	at, base, ok := readProducerTime(b)
	if !ok || fragments.Unmarshal(b[producerSize:]) != nil ||
		len(fragments) != 1 || len(fragments[0].Tracks) != 1 || len(fragments[0].Tracks[0].Samples) == 0 {
		return fmt.Errorf("%w: a fragment can't be read", ErrDamaged)
	}
	p.at, p.base, p.samples = at, base, fragments[0].Tracks[0].Samples
	return nil
}

// producerSize is that of a producer reference time box, version 1.
const producerSize = 32

// ntpEpoch is 1900, in seconds before 1970.
const ntpEpoch = 2208988800

// producerTime says when the first picture of a fragment was received, by our clock (ISO/IEC 14496-12, 8.16.5).
func producerTime(at time.Time, media uint64) (box [producerSize]byte) {
	binary.BigEndian.PutUint32(box[0:], producerSize)
	copy(box[4:], "prft")
	box[8] = 1
	binary.BigEndian.PutUint32(box[12:], trackID)
	seconds := uint64(at.Unix() + ntpEpoch)
	fraction := uint64(at.Nanosecond()) << 32 / uint64(time.Second)
	binary.BigEndian.PutUint64(box[16:], seconds<<32|fraction)
	binary.BigEndian.PutUint64(box[24:], media)
	return box
}

func readProducerTime(b []byte) (at time.Time, media uint64, ok bool) {
	if len(b) < producerSize || string(b[4:8]) != "prft" {
		return time.Time{}, 0, false
	}
	stamp := binary.BigEndian.Uint64(b[16:])
	nanos := (stamp&0xffffffff*uint64(time.Second) + 1<<31) >> 32
	at = time.Unix(int64(stamp>>32)-ntpEpoch, int64(nanos)).UTC()
	return at, binary.BigEndian.Uint64(b[24:]), true
}
