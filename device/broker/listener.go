package broker

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// connectTimeout is how long a new connection may take to say who it is. The library sets the deadlines from
// the keep-alive after that.
const connectTimeout = 10 * time.Second

// doorkeeper is the library's listener, but for three things: a connection that says nothing is closed, there
// are never more connections than allowed (the library counts only those that have introduced themselves), and
// closing waits for every connection's goroutine instead of looking for clients under a lock that it takes twice.
type doorkeeper struct {
	listener net.Listener
	most     int
	left     func(net.Conn) // told when a connection has been dealt with
	work     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func newDoorkeeper(listener net.Listener, most int, left func(net.Conn)) *doorkeeper {
	return &doorkeeper{listener: listener, most: most, left: left, conns: map[net.Conn]bool{}}
}

// ID names the listener in the library's log.
func (*doorkeeper) ID() string { return "mqtt" }

// Address is "host:port".
func (d *doorkeeper) Address() string { return d.listener.Addr().String() }

// Protocol is for the library's log.
func (*doorkeeper) Protocol() string { return "tcp" }

// Init has nothing to do: the socket is open already.
func (*doorkeeper) Init(*slog.Logger) error { return nil }

// Serve accepts until Close.
func (d *doorkeeper) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		if !d.admit(conn) {
			_ = conn.Close()
			continue
		}
		go func() {
			defer d.leave(conn)
			_ = establish(d.ID(), conn) // the library has logged it
		}()
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
	d.mu.Lock()
	d.closed = true
	_ = d.listener.Close()
	for conn := range d.conns {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.work.Wait()
}
