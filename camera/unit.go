// Package camera films visits: it says whether a picture is live, and keeps the last seconds of it in memory.
//
// Sound is never taken: a stream's audio is not even set up.
package camera

import (
	"bytes"
	"slices"
	"time"
)

// Codec is how pictures are encoded.
type Codec string

// Codecs that are understood. Browsers show only H.264 by WebRTC.
const (
	H264 Codec = "h264"
	H265 Codec = "h265"
)

// Format is the configuration of a stream. It never changes: another configuration is another Format, and whoever
// writes a file begins a new one.
type Format struct {
	Codec Codec
	// VPS (H.265 only), SPS and PPS are the parameter sets, as NAL units without start code.
	VPS, SPS, PPS []byte
	// Width and Height of the picture in pixels, and its nominal frames per second; 0 if the stream does not say.
	Width, Height int
	Rate          float64
}

// Same says whether two formats can stand in one file.
func (f *Format) Same(other *Format) bool {
	return f == other || f != nil && other != nil && f.Codec == other.Codec &&
		bytes.Equal(f.VPS, other.VPS) && bytes.Equal(f.SPS, other.SPS) && bytes.Equal(f.PPS, other.PPS)
}

// Unit is one access unit: one encoded picture. It is shared between readers and never changed after it was made.
type Unit struct {
	Format *Format
	// At is our time of receipt, with the monotonic clock.
	At time.Time
	// PTS and DTS are the stream's own times, in units of 1/90,000 s since its first unit. They grow over
	// the whole connection (no wrap-around) and begin anew with a new one.
	PTS, DTS int64
	// Key: the picture can be decoded without those before it.
	Key bool
	// NALUs are the NAL units without start codes. Those of a key picture do not repeat the parameter sets.
	NALUs [][]byte
}

// Size of the unit in bytes.
func (u *Unit) Size() int {
	total := 0
	for _, n := range u.NALUs {
		total += len(n)
	}
	return total
}

// Group is a key unit and those that follow it up to the next one.
type Group []*Unit

// Clone returns a copy whose slice can be appended to; the units are shared.
func (g Group) Clone() Group { return slices.Clone(g) }
