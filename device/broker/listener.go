package broker

import (
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/loquet/loquet/device/patience"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// connectTimeout is how long a new connection may take to say who it is. The library sets the deadlines from
// the keep-alive after that.
const connectTimeout = 10 * time.Second

// acceptPause is how long a listener that could not accept rests: who holds what it lacks may be done by then.
const acceptPause = 100 * time.Millisecond

// doorkeeper is the library's listener, but for this: a connection that says nothing is closed; there are never more
// connections than allowed (the library counts only those that have introduced themselves); one that can't be accepted,
// and a packet that the library breaks at, end nothing but themselves; and closing waits for every connection's goroutine
// instead of looking for clients under a lock that it takes twice.
type doorkeeper struct {
	listener net.Listener
	log      *slog.Logger
	most     int
	left     func(net.Conn) // told when a connection has been dealt with
	work     sync.WaitGroup
	ended    chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func newDoorkeeper(listener net.Listener, most int, left func(net.Conn)) *doorkeeper {
	return &doorkeeper{listener: listener, most: most, left: left, ended: make(chan struct{}), conns: map[net.Conn]bool{}}
}

// ID names the listener in the library's log.
func (*doorkeeper) ID() string { return "mqtt" }

// Address is "host:port".
func (d *doorkeeper) Address() string { return d.listener.Addr().String() }

// Protocol is for the library's log.
func (*doorkeeper) Protocol() string { return "tcp" }

// Init takes the broker's log; the socket is open already.
func (d *doorkeeper) Init(log *slog.Logger) error {
	d.log = log
	return nil
}

// Serve accepts until Close.
func (d *doorkeeper) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, or no memory, for now
			d.log.Error("a connection could not be accepted", "error", err)
			select {
			case <-d.ended:
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		d.serve(&impatient{conn}, establish)
	}
}

func (d *doorkeeper) serve(conn net.Conn, establish listeners.EstablishFn) {
	if !d.admit(conn) {
		_ = conn.Close()
		return
	}
	go func() {
		defer d.leave(conn)
		defer d.contain()
		_ = establish(d.ID(), conn) // the library has logged it
	}()
}

// contain keeps a packet that the library breaks at (a SUBSCRIBE that ends behind a filter is one) from ending the process.
func (d *doorkeeper) contain() {
	if broken := recover(); broken != nil {
		d.log.Error("a packet broke its connection", "error", broken, "stack", string(debug.Stack()))
	}
}

func (d *doorkeeper) admit(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.conns) >= d.most {
		return false
	}
	_ = conn.SetDeadline(time.Now().Add(connectTimeout)) // on a socket that is broken the next read says so
	d.conns[conn] = true
	d.work.Add(1)
	return true
}

func (d *doorkeeper) leave(conn net.Conn) {
	_ = conn.Close()
	d.left(conn)
	d.mu.Lock()
	delete(d.conns, conn)
	d.mu.Unlock()
	d.work.Done()
}

// Close stops accepting, closes all connections and waits until each has been dealt with.
func (d *doorkeeper) Close(listeners.CloseFn) {
	close(d.ended)
	d.mu.Lock()
	d.closed = true
	_ = d.listener.Close()
	for conn := range d.conns {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.work.Wait()
}

// impatient is a connection that is closed when its peer reads nothing for a while. The library writes under a lock that
// others wait for, and knows no such limit.
type impatient struct{ net.Conn }

// Write closes the connection when it fails: part of a packet may be on its way.
func (c *impatient) Write(b []byte) (int, error) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(patience.Limit)) // on a socket that is broken the write says so
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// SetDeadline is the library's for the next packet that it reads; a write that is under way keeps its own.
func (c *impatient) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }
