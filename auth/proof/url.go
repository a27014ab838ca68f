package proof

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Normalise writes an address as proofs name it: scheme and host in lower case, no default port, "/" for an
// empty path, upper-case hexadecimal in escapes, neither query nor fragment (RFC 9449 section 4.3, RFC 3986
// sections 6.2.2 and 6.2.3). Beyond that nothing is made equal: addresses that a server might tell apart stay
// apart, and the proof then fails. Only http and https, and no user information.
func Normalise(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("the address can't be read")
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" || u.User != nil || u.Opaque != "" {
		return "", errors.New("the address is not one of http or https")
	}
	if name := u.Hostname(); name == "" || strings.ContainsAny(name, "%[] ") {
		return "", errors.New("the address has no plain host")
	}
	path := upperEscapes(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host(scheme, u) + path, nil
}

func host(scheme string, u *url.URL) string {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return net.JoinHostPort(name, port)
}

func upperEscapes(path string) string {
	b := []byte(path)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToUpper(string(b[i+1:i+3])))
		}
	}
	return string(b)
}
