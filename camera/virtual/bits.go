package virtual

import "math/bits"

// writer writes the bits of a NAL unit's payload.
type writer struct {
	buf  []byte
	free uint // bits of the last byte
}

func (w *writer) bit(b uint) {
	if w.free == 0 {
		w.buf, w.free = append(w.buf, 0), 8
	}
	w.free--
	w.buf[len(w.buf)-1] |= byte(b&1) << w.free
}

// u writes the n lowest bits of v.
func (w *writer) u(n int, v uint) {
	for n--; n >= 0; n-- {
		w.bit(v >> n)
	}
}

// ue writes an unsigned Exp-Golomb code (ITU-T H.264, 9.1).
func (w *writer) ue(v uint) {
	n := bits.Len(v + 1)
	w.u(n-1, 0)
	w.u(n, v+1)
}

// se writes a signed one.
func (w *writer) se(v int) {
	if v > 0 {
		w.ue(uint(2*v - 1))
		return
	}
	w.ue(uint(-2 * v))
}

// align fills the last byte with zeros.
func (w *writer) align() { w.free = 0 }

// nal ends the payload, and returns the NAL unit with the bytes that keep start codes out of it (7.4.1.1).
func (w *writer) nal(header byte) []byte {
	w.bit(1)
	out, zeros := append(make([]byte, 0, len(w.buf)+len(w.buf)/64+4), header), 0
	for _, b := range w.buf {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}
