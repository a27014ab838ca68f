package rtsp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/loquet/loquet/camera"
)

const (
	maxSide = 16384
	maxRate = 240
	// maxJump is how far the stream's time may jump against ours, from one picture to the next.
	maxJump = 10 * time.Second
)

// assembler makes units of access units: it tells parameters from pictures, begins a Format when they change, and
// finds the time at which a picture is to be decoded.
type assembler struct {
	codec  camera.Codec
	sets   [3][]byte // VPS, SPS, PPS as last received
	format *camera.Format
	dts    interface {
		Extract(au [][]byte, pts int64) (int64, error)
	}
	open  bool // a key unit of format was delivered
	begun bool
	zero  int64 // the first unit's time
	last  int64 // decoding time of the last unit, from zero
	at    time.Time
}

func newAssembler(codec camera.Codec, vps, sps, pps []byte) *assembler {
	return &assembler{codec: codec, sets: [3][]byte{vps, sps, pps}}
}

// unit returns the unit in an access unit, or nil if it holds no picture that can be decoded. An error means that
// the stream can't go on.
func (a *assembler) unit(nalus [][]byte, pts int64, now time.Time) (*camera.Unit, error) {
	picture, key, size := a.sort(nalus)
	if len(picture) == 0 {
		return nil, nil
	}
	if size > maxUnit {
		return nil, broken("a picture is too large")
	}
	if err := a.follow(key); err != nil || !a.open {
		return nil, err
	}
	dts, err := a.dts.Extract(a.complete(picture, key), pts)
	if err != nil {
		return nil, broken(err.Error())
	}
	if err := a.advance(dts, now); err != nil {
		return nil, err
	}
	return &camera.Unit{Format: a.format, At: now, PTS: pts - a.zero, DTS: a.last, Key: key, NALUs: compact(picture, size)}, nil
}

// sort keeps what belongs to the picture, if there is one, and takes the parameter sets out.
func (a *assembler) sort(nalus [][]byte) (picture [][]byte, key bool, size int) {
	var taken [3]bool
	slices := false
	for _, n := range nalus {
		kind, set := a.kind(n)
		switch {
		case kind == other:
			continue
		case kind == parameters && !taken[set]:
			taken[set] = true
			if !bytes.Equal(a.sets[set], n) {
				a.sets[set] = bytes.Clone(n)
			}
			continue
		}
		// a second set of a kind has another number, and stays with the picture
		picture = append(picture, n)
		size += len(n)
		slices = slices || kind == slice || kind == keySlice
		key = key || kind == keySlice
	}
	if !slices {
		return nil, false, 0
	}
	return picture, key, size
}

// follow begins a new Format at a key picture whose parameters changed.
func (a *assembler) follow(key bool) error {
	if a.format != nil && a.format.Same(&camera.Format{Codec: a.codec, VPS: a.sets[0], SPS: a.sets[1], PPS: a.sets[2]}) {
		a.open = a.open || key
		return nil
	}
	a.open = false
	if !key || a.sets[1] == nil || a.sets[2] == nil || a.codec == camera.H265 && a.sets[0] == nil {
		return nil
	}
	f, err := a.parse()
	if err != nil {
		return &camera.Fault{Why: camera.WrongFormat, Err: err}
	}
	a.format, a.open = f, true
	return nil
}

func (a *assembler) parse() (*camera.Format, error) {
	f := &camera.Format{Codec: a.codec, VPS: a.sets[0], SPS: a.sets[1], PPS: a.sets[2]}
	if a.codec == camera.H265 {
		var sps h265.SPS
		if err := sps.Unmarshal(f.SPS); err != nil {
			return nil, fmt.Errorf("sequence parameters: %w", err)
		}
		f.Width, f.Height, f.Rate = sps.Width(), sps.Height(), sps.FPS()
		d := &h265.DTSExtractor{}
		d.Initialize()
		a.dts = d
	} else {
		var sps h264.SPS
		if err := sps.Unmarshal(f.SPS); err != nil {
			return nil, fmt.Errorf("sequence parameters: %w", err)
		}
		f.Width, f.Height, f.Rate = sps.Width(), sps.Height(), sps.FPS()
		d := &h264.DTSExtractor{}
		d.Initialize()
		a.dts = d
	}
	if f.Width < 16 || f.Height < 16 || f.Width > maxSide || f.Height > maxSide {
		return nil, fmt.Errorf("a picture of %d by %d", f.Width, f.Height)
	}
	if !(f.Rate > 0 && f.Rate <= maxRate) { // not a number either
		f.Rate = 0
	}
	return f, nil
}

// complete puts the parameters in front of a key picture again, for who finds decoding times in it.
func (a *assembler) complete(picture [][]byte, key bool) [][]byte {
	if !key {
		return picture
	}
	var au [][]byte
	for _, set := range a.sets {
		if set != nil {
			au = append(au, set)
		}
	}
	return append(au, picture...)
}

// advance moves the stream's time on.
func (a *assembler) advance(dts int64, now time.Time) error {
	if !a.begun {
		a.begun, a.zero, a.last, a.at = true, dts, 0, now
		return nil
	}
	dts -= a.zero
	if dts <= a.last {
		return broken("the stream's time stands still or goes back")
	}
	passed := time.Duration(dts-a.last) * (time.Second / 10_000) / 9
	if off := passed - now.Sub(a.at); off > maxJump || off < -maxJump {
		return broken("the stream's time jumps")
	}
	a.last, a.at = dts, now
	return nil
}

// compact copies a picture into one piece of memory, so that the packets around it are not kept.
func compact(picture [][]byte, size int) [][]byte {
	buf, nalus := make([]byte, 0, size), make([][]byte, len(picture))
	for i, n := range picture {
		begin := len(buf)
		buf = append(buf, n...)
		nalus[i] = buf[begin:len(buf):len(buf)]
	}
	return nalus
}

// kind of a NAL unit.
type kind int

const (
	other kind = iota // delimiters, fillers and what is not known
	slice
	keySlice
	parameters
	message // supplemental information
)

// kind says what a NAL unit holds (ITU-T H.264, table 7-1; ITU-T H.265, table 7-1), and which of VPS, SPS and PPS.
func (a *assembler) kind(n []byte) (k kind, set int) {
	if a.codec == camera.H265 {
		return kindH265(n)
	}
	if len(n) < 2 {
		return other, 0
	}
	switch t := h264.NALUType(n[0] & 0x1f); {
	case t == h264.NALUTypeIDR:
		return keySlice, 0
	case t >= h264.NALUTypeNonIDR && t < h264.NALUTypeIDR:
		return slice, 0
	case t == h264.NALUTypeSEI:
		return message, 0
	case t == h264.NALUTypeSPS:
		return parameters, 1
	case t == h264.NALUTypePPS:
		return parameters, 2
	}
	return other, 0
}

func kindH265(n []byte) (k kind, set int) {
	if len(n) < 3 {
		return other, 0
	}
	switch t := h265.NALUType(n[0] >> 1 & 0x3f); {
	case t == h265.NALUType_IDR_W_RADL, t == h265.NALUType_IDR_N_LP, t == h265.NALUType_CRA_NUT:
		return keySlice, 0
	case t < 32:
		return slice, 0
	case t == h265.NALUType_VPS_NUT:
		return parameters, 0
	case t == h265.NALUType_SPS_NUT:
		return parameters, 1
	case t == h265.NALUType_PPS_NUT:
		return parameters, 2
	case t == h265.NALUType_PREFIX_SEI_NUT, t == h265.NALUType_SUFFIX_SEI_NUT:
		return message, 0
	}
	return other, 0
}
