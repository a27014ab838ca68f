package patience

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h (RFC 5482), which package syscall does not name.
const tcpUserTimeout = 0x12

// control sets the limit. An old kernel without it is merely slower to notice, so its error is no failure.
func control(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(Limit.Milliseconds()))
	})
}
