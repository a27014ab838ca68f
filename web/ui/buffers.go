package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"
)

// gzipFrom is the size of a page from which packing it is worth the work.
const gzipFrom = 1400

// buffers are lent for one rendering.
var buffers = pool{sync.Pool{New: func() any { return new(bytes.Buffer) }}}

type pool struct{ sync.Pool }

func (p *pool) get() *bytes.Buffer {
	b := p.Get().(*bytes.Buffer) //nolint:forcetypeassert // only buffers are put in
	b.Reset()
	return b
}

// put takes a buffer back, but for one that a rare large page made.
func (p *pool) put(b *bytes.Buffer) {
	if b.Cap() < 1<<20 {
		p.Put(b)
	}
}

var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level exists
	return z
}}

func pack(to *bytes.Buffer, data []byte) {
	z := packers.Get().(*gzip.Writer) //nolint:forcetypeassert // only packers are put in
	z.Reset(to)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	packers.Put(z)
}
