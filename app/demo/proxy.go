package demo

import (
	"bytes"
	"io"
	"net"
	"sync"
)

// openingMark stands in the MQTT packet of each order to open, and in no other.
const openingMark = "loquet-permit"

// proxy is the wire between the server and the broker, or a camera. It can be cut for a moment or for longer. And it
// can wait for the order to open: either holding it back, so that it never arrives, or letting it pass.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	armed *trap
	conns map[net.Conn]struct{}
	down  bool
}

// trap waits for one order to open.
type trap struct {
	withhold bool
	sprung   chan struct{}
}

func startProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	go p.accept()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// arm sets a trap for the next order to open; its channel is closed when the order came by. A withheld order
// is gone for good, and its connection stands still until cut.
func (p *proxy) arm(withhold bool) *trap {
	t := &trap{withhold: withhold, sprung: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = t
	return t
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			continue
		}
		go p.pass(server, client, true)
		go p.pass(client, server, false)
	}
}

// pass copies one direction until either end is closed, and looks at what goes towards the broker.
func (p *proxy) pass(to, from net.Conn, watched bool) {
	defer p.drop(to, from)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && watched {
			if t := p.spring(buffer[:n]); t != nil && t.withhold {
				_, _ = io.Copy(io.Discard, from)
				return
			}
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) spring(data []byte) *trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed == nil || !bytes.Contains(data, []byte(openingMark)) {
		return nil
	}
	t := p.armed
	p.armed = nil
	if t.withhold {
		defer close(t.sprung)
		return t
	}
	// What passes must be on its way before whoever waits may kill the sender.
	go func() { close(t.sprung) }()
	return t
}

// keep notes a new connection, or closes it while the wire is severed.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.down {
			_ = c.Close()
			continue
		}
		p.conns[c] = struct{}{}
	}
	return !p.down
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		_ = c.Close()
	}
}

// cut ends every connection; new ones are let through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// sever cuts the wire for good, and mend makes it whole again.
func (p *proxy) sever() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cut()
}
