package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// packet is one MQTT PUBLISH on the line between server and broker.
type packet struct {
	toBroker bool
	topic    string
	// rest are the properties and the payload.
	rest string
}

// permitMark stands in the properties of every order that needs a permit.
const permitMark = "loquet-permit"

func (p packet) order() bool  { return p.toBroker && strings.Contains(p.rest, permitMark) }
func (p packet) toSet() bool  { return strings.HasSuffix(p.topic, "/set") }
func (p packet) secure() bool { return p.toBroker && p.toSet() && !p.order() }

// says tells whether a device reports that.
func (p packet) says(words ...string) bool {
	return !p.toBroker && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.rest, w) })
}

// wire is the line between one server and the broker. A trap waits for a packet on it: the packet is held back
// and its direction stands still, or it passes.
type wire struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup

	mu    sync.Mutex
	traps []*trap
	conns map[net.Conn]struct{}
}

// trap waits for one packet.
type trap struct {
	fits     func(packet) bool
	withhold bool
	// sprung is closed when the packet was held back, or has been passed on.
	sprung chan struct{}
}

func newWire(t testing.TB, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	w.work.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		w.work.Wait()
	})
	return w
}

func (w *wire) url() string { return "mqtt://" + w.listener.Addr().String() }

// set waits for the next packet that fits.
func (w *wire) set(withhold bool, fits func(packet) bool) *trap {
	t := &trap{fits: fits, withhold: withhold, sprung: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.traps = append(w.traps, t)
	return t
}

// clear takes away the traps that nothing has run into.
func (w *wire) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.traps = nil
}

// cut ends every connection; new ones are let through.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		w.mu.Lock()
		w.conns[near], w.conns[far] = struct{}{}, struct{}{}
		w.mu.Unlock()
		w.work.Go(func() { w.carry(far, near, true) })
		w.work.Go(func() { w.carry(near, far, false) })
	}
}

// carry passes packets one way until either end is closed.
func (w *wire) carry(to, from net.Conn, toBroker bool) {
	defer w.drop(to, from)
	in := bufio.NewReader(from)
	for {
		raw, p, err := readPacket(in)
		if err != nil {
			return
		}
		p.toBroker = toBroker
		sprung := w.spring(p)
		if sprung != nil && sprung.withhold {
			close(sprung.sprung)
			_, _ = io.Copy(io.Discard, in)
			return
		}
		if _, err := to.Write(raw); err != nil {
			return
		}
		if sprung != nil {
			close(sprung.sprung)
		}
	}
}

func (w *wire) spring(p packet) *trap {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.topic == "" {
		return nil
	}
	i := slices.IndexFunc(w.traps, func(t *trap) bool { return t.fits(p) })
	if i < 0 {
		return nil
	}
	t := w.traps[i]
	w.traps = slices.Delete(w.traps, i, i+1)
	return t
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
		_ = c.Close()
	}
}

// readPacket reads one MQTT control packet (MQTT 5.0, section 2.1); what is no PUBLISH has no topic.
func readPacket(in *bufio.Reader) (raw []byte, p packet, err error) {
	first, err := in.ReadByte()
	if err != nil {
		return nil, p, err
	}
	length, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, p, err
	}
	if length > 1<<20 {
		return nil, p, errors.New("a packet of more than a megabyte")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, p, err
	}
	raw = append(binary.AppendUvarint([]byte{first}, length), body...)
	const publish = 3
	if first>>4 != publish || len(body) < 2 {
		return raw, p, nil
	}
	end := 2 + int(binary.BigEndian.Uint16(body))
	if end > len(body) {
		return nil, p, errors.New("a topic longer than its packet")
	}
	p.topic, p.rest = string(body[2:end]), string(body[end:])
	return raw, p, nil
}
