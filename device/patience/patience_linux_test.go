package patience

import (
	"net"
	"syscall"
	"testing"
)

func TestBothEndsHaveTheLimit(t *testing.T) {
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := Dialer().Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for name, conn := range map[string]net.Conn{"dialed": client, "accepted": server} {
		if got := option(t, conn, tcpUserTimeout); got != int(Limit.Milliseconds()) {
			t.Errorf("%s: the limit is %d ms; want %d", name, got, Limit.Milliseconds())
		}
		if option(t, conn, syscall.TCP_NODELAY) == 0 {
			t.Errorf("%s: TCP_NODELAY is not set", name)
		}
	}
}

func option(t *testing.T, conn net.Conn, name int) int {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		value, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, name)
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}
