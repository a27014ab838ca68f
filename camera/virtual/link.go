package virtual

import (
	"net"
	"os"
	"sync"
	"time"
)

// link is the network between the camera and everybody else. While it is jammed nothing goes in or out, and nobody is
// told: connections stay as they are, new ones are taken and never answered.
type link struct {
	mu    sync.Mutex
	clear chan struct{} // closed as long as nothing is jammed
	held  []net.Conn    // closed by the server while it was jammed
}

func newLink() *link {
	l := &link{clear: make(chan struct{})}
	close(l.clear)
	return l
}

func (l *link) jam() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.jammed() {
		l.clear = make(chan struct{})
	}
}

func (l *link) unjam() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.jammed() {
		close(l.clear)
	}
	for _, c := range l.held {
		_ = c.Close()
	}
	l.held = nil
}

func (l *link) jammed() bool {
	select {
	case <-l.clear:
		return false
	default:
		return true
	}
}

func (l *link) gate() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clear
}

// hold keeps a connection open that the server closed, as the other end would not hear of it.
func (l *link) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.jammed() {
		l.held = append(l.held, c)
		return true
	}
	return false
}

// listen implements gortsplib.Server.Listen.
func (l *link) listen(network, address string) (net.Listener, error) {
	listener, err := net.Listen(network, address)
	return linked{listener, l}, err
}

type linked struct {
	net.Listener
	link *link
}

func (l linked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, link: l.link, closed: make(chan struct{})}, nil
}

// conn is one end of a connection over a link.
type conn struct {
	net.Conn
	link *link

	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex
	deadline time.Time // of writing
}

// pass waits until the link is clear.
func (c *conn) pass(deadline time.Time) error {
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-c.link.gate():
		return nil
	case <-c.closed:
		return net.ErrClosed
	case <-late:
		return os.ErrDeadlineExceeded
	}
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if jammed := c.pass(time.Time{}); jammed != nil {
		return 0, jammed
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	if err := c.pass(deadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	if c.link.hold(c.Conn) {
		return c.SetReadDeadline(time.Unix(1, 0)) // who reads is let go
	}
	return c.Conn.Close()
}
