package photo

import "encoding/binary"

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	sof0 = 0xC0
	dht  = 0xC4
	jpg  = 0xC8
	dac  = 0xCC
	sofF = 0xCF
	rst0 = 0xD0
	rst7 = 0xD7
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	tem  = 0x01
	app0 = 0xE0
	app1 = 0xE1
	appE = 0xEE
	appF = 0xEF
	com  = 0xFE
)

// bareJPEG copies the segments that make up the picture, up to its end. Of the application segments Adobe's alone
// stays, without which a decoder may get the colours wrong, and of EXIF which way is up.
func bareJPEG(file []byte) ([]byte, error) {
	j := bareing{bare: append(make([]byte, 0, len(file)), 0xFF, soi)}
	for rest := file[2:]; ; {
		marker, after, ok := nextMarker(rest)
		if !ok {
			return nil, &Error{Problem: Unfinished}
		}
		if marker == eoi {
			return j.end()
		}
		size, ok := segment(after)
		if !ok || marker == tem || marker >= rst0 && marker <= soi {
			return nil, &Error{Problem: Unfinished}
		}
		j.take(marker, after[:size])
		if rest = after[size:]; marker == sos {
			n := scan(rest)
			j.bare, rest = append(j.bare, rest[:n]...), rest[n:]
		}
	}
}

// bareing is a picture that is being copied.
type bareing struct {
	bare []byte
	// frames and scans that were seen; turned says that which way is up was told.
	frames, scans int
	turned        bool
}

// take copies a segment if it belongs to the picture.
func (j *bareing) take(marker byte, segment []byte) {
	switch {
	case marker == app1:
		if way := orientation(segment); way > 1 && !j.turned {
			j.bare, j.turned = append(j.bare, upright(way)...), true
		}
		return
	case marker == com || marker >= app0 && marker <= appF && marker != appE:
		return
	case marker == sos:
		j.scans++
	case marker >= sof0 && marker <= sofF && marker != dht && marker != jpg && marker != dac:
		j.frames++
	}
	j.bare = append(append(j.bare, 0xFF, marker), segment...)
}

// end closes the picture: one frame, and something in it.
func (j *bareing) end() ([]byte, error) {
	if j.frames != 1 || j.scans == 0 {
		return nil, &Error{Problem: NoPicture}
	}
	return append(j.bare, 0xFF, eoi), nil
}

// nextMarker finds the marker at the beginning, which fill bytes may precede.
func nextMarker(b []byte) (marker byte, after []byte, ok bool) {
	if len(b) == 0 || b[0] != 0xFF {
		return 0, nil, false
	}
	for len(b) > 0 && b[0] == 0xFF {
		b = b[1:]
	}
	if len(b) == 0 || b[0] == 0 {
		return 0, nil, false
	}
	return b[0], b[1:], true
}

// segment returns the length of the parameters that follow a marker, their length field included.
func segment(b []byte) (size int, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	size = int(binary.BigEndian.Uint16(b))
	return size, size >= 2 && size <= len(b)
}

// scan returns how much entropy-coded data there is, until a marker that does not belong to it.
func scan(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 0xFF && b[i+1] != 0 && b[i+1] != 0xFF && (b[i+1] < rst0 || b[i+1] > rst7) {
			return i
		}
	}
	return len(b)
}
