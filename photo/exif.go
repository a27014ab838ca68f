package photo

import "encoding/binary"

// tagOrientation says which way is up (EXIF 2.32, section 4.6.4): 1 as it is, 2 to 8 turned or mirrored.
const tagOrientation = 0x0112

const exifHead = "Exif\x00\x00"

// orientation reads which way is up from the parameters of an APP1 segment; 0 when it does not say.
func orientation(segment []byte) int {
	if len(segment) < 2+len(exifHead) || string(segment[2:2+len(exifHead)]) != exifHead {
		return 0
	}
	tiff := segment[2+len(exifHead):]
	order, ok := byteOrder(tiff)
	if !ok {
		return 0
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0
	}
	for entries := tiff[at+2:][:min(12*uint64(order.Uint16(tiff[at:])), uint64(len(tiff))-at-2)]; len(entries) >= 12; entries = entries[12:] {
		if order.Uint16(entries) != tagOrientation {
			continue
		}
		if way := order.Uint16(entries[8:]); way >= 1 && way <= 8 {
			return int(way)
		}
		return 0
	}
	return 0
}

func byteOrder(tiff []byte) (binary.ByteOrder, bool) {
	if len(tiff) < 8 {
		return nil, false
	}
	switch string(tiff[:4]) {
	case "II*\x00":
		return binary.LittleEndian, true
	case "MM\x00*":
		return binary.BigEndian, true
	default:
		return nil, false
	}
}

// upright is an APP1 segment that says which way is up, and nothing else.
func upright(way int) []byte {
	segment := []byte{0xFF, app1, 0, 34}
	segment = append(append(segment, exifHead...), "MM\x00*\x00\x00\x00\x08"...)
	return append(segment, 0, 1, tagOrientation>>8, tagOrientation&0xFF, 0, 3, 0, 0, 0, 1, 0, byte(way), 0, 0, 0, 0, 0, 0)
}
