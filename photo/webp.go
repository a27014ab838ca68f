package photo

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/image/webp"
)

// Bits of the flags of a VP8X chunk (RFC 9649, section 2.7.1.1).
const (
	flagAnimation = 0x02
	flagXMP       = 0x04
	flagEXIF      = 0x08
	flagICC       = 0x20
)

// bareWebP copies the chunks that make up the picture, with a header that says no more.
func bareWebP(file []byte) ([]byte, error) {
	whole := int(binary.LittleEndian.Uint32(file[4:])) + 8
	if whole > len(file) || whole < 12 {
		return nil, &Error{Problem: Unfinished}
	}
	bare, frames := append(make([]byte, 0, whole), file[:12]...), 0
	for rest := file[12:whole]; len(rest) > 0; {
		name, chunk, after, ok := nextChunk(rest)
		if !ok {
			return nil, &Error{Problem: Unfinished}
		}
		rest = after
		switch name {
		case "VP8X":
			if len(chunk) < 18 {
				return nil, &Error{Problem: Unfinished}
			}
			if chunk[8]&flagAnimation != 0 {
				return nil, &Error{Problem: Animated}
			}
			at := len(bare)
			bare = append(bare, chunk...)
			bare[at+8] &^= flagXMP | flagEXIF | flagICC
		case "VP8 ", "VP8L":
			if frames++; !fits(chunk) {
				return nil, &Error{Problem: WrongSize}
			}
			bare = append(bare, chunk...)
		case "ALPH":
			bare = append(bare, chunk...)
		case "ANIM", "ANMF":
			return nil, &Error{Problem: Animated}
		}
	}
	if frames != 1 {
		return nil, &Error{Problem: NoPicture}
	}
	binary.LittleEndian.PutUint32(bare[4:], uint32(len(bare)-8))
	return bare, nil
}

// fits says whether a frame by itself is no larger than a photo may be, whatever the header before it says.
func fits(chunk []byte) bool {
	alone := append([]byte("RIFF\x00\x00\x00\x00WEBP"), chunk...)
	binary.LittleEndian.PutUint32(alone[4:], uint32(len(alone)-8))
	config, err := webp.DecodeConfig(bytes.NewReader(alone))
	return err == nil && config.Width <= MostSide && config.Height <= MostSide
}

// nextChunk splits the first chunk off, with its header and its padding.
func nextChunk(b []byte) (name string, chunk, after []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	size := uint64(binary.LittleEndian.Uint32(b[4:]))
	padded := 8 + size + size%2
	if padded > uint64(len(b)) {
		return "", nil, nil, false
	}
	return string(b[:4]), b[:padded], b[padded:], true
}
