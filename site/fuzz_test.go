package site_test

import (
	"math/rand/v2"
	"testing"
)

// FuzzWorld lets the bytes choose what happens, forged requests among it. A world that has run out of bytes is at
// its end. What must hold is checked at each command; nothing may panic.
func FuzzWorld(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(randomBytes(seed, 600))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4000
		bytes := choices{data: data[:min(len(data), most)]}
		w := newWorld(t, bytes.pick)
		for bytes.left() {
			if w.pick(4) == 0 {
				w.forge()
			} else {
				w.live()
			}
		}
	})
}

// choices turns bytes into choices; after the last byte each is the first.
type choices struct {
	data []byte
	at   int
}

func (c *choices) left() bool { return c.at < len(c.data) }

func (c *choices) pick(n int) int {
	if !c.left() {
		return 0
	}
	c.at++
	return int(c.data[c.at-1]) % n
}

func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.UintN(256))
	}
	return data
}
