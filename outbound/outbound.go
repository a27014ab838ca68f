// Package outbound calls HTTP addresses that strangers gave: a merchant's webhook, a browser's push service. Nobody may
// look into our own network through them, whatever a name resolves to and wherever an answer redirects.
package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Errors of an address that is not called.
var (
	// ErrAddress: it is no address of a host, or it carries a user or a fragment.
	ErrAddress = errors.New("outbound: no address such as https://host/path, without user and fragment")
	// ErrScheme: neither https, nor http on this machine where that is allowed.
	ErrScheme = errors.New("outbound: https only")
	// ErrNotPublic: it leads to this machine, or into a network of our own.
	ErrNotPublic = errors.New("outbound: the address is not on the public internet")
)

// Policy is which addresses are called. The zero value calls https on the public internet only; Local allows this
// machine and our own networks too, and plain http on this machine.
type Policy struct{ Local bool }

// Check says whether an address may be called, as far as its text shows. What a name resolves to is checked when it is
// called. Errors: ErrAddress, ErrScheme, ErrNotPublic.
func (p Policy) Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return ErrAddress
	}
	ip, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	here := u.Hostname() == "localhost" || literal && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !p.Local || !here) {
		return ErrScheme
	}
	if literal && !p.Local && !Public(ip) {
		return ErrNotPublic
	}
	return nil
}

// Client makes a client that calls nothing else, follows no redirect, and gives up a call after within. Its transport
// may be given authorities to trust.
func (p Policy) Client(within time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: p.checkDialled}
	return &http.Client{Timeout: within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10}}
}

// checkDialled sees the address that a name resolved to, just before it is connected to.
func (p Policy) checkDialled(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	if !p.Local && !Public(ap.Addr()) {
		return ErrNotPublic
	}
	return nil
}

// special are ranges that net/netip has no word for: this network, shared and benchmark addresses, protocol
// assignments, documentation, reserved; and what embeds an address of version 4 in one of version 6 (RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
}

// Public says whether an address may be a stranger's.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}
