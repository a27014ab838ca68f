// Package patience makes connections that carry commands give up a silent peer soon.
//
// TCP keeps what it could not deliver, and delivers it when the peer comes back: a lock that loses its radio for
// a minute would be handed, on its return, an order to open that everybody had forgotten. With a bound on
// unacknowledged data the connection is closed instead, and the order is lost, as it should be.
package patience

import (
	"net"
	"time"
)

// Limit is how long sent data may stay unacknowledged before the connection is closed.
const Limit = 4 * time.Second

// Dialer returns a dialer whose connections have the limit. Go sets TCP_NODELAY on them.
func Dialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second, Control: control} }

// Listen is net.Listen on TCP whose accepted connections have the limit.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return limited{listener}, nil
}

type limited struct{ net.Listener }

// Accept sets the limit on each connection.
func (l limited) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			_ = control("", "", raw)
		}
	}
	return conn, nil
}
