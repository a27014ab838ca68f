package auth

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
)

// The names of the cookies that hold the tokens of sessions.
const (
	MemberCookie = "__Host-loquet"
	StaffCookie  = "__Host-loquet-staff"
)

// Arrival is the browser from which somebody comes to sign in.
type Arrival struct {
	// From is the remote address, to limit tries; it is not stored.
	From string
	// UserAgent is the browser's own name for itself; only a label such as "Firefox, Android" is kept.
	UserAgent string
	// had are the session tokens that the browser sent. The session that signing in replaces ends.
	had [2]string
}

// ArrivalOf reads what is needed of a request. From is where it comes from, as the server knows it.
func ArrivalOf(r *http.Request, from string) Arrival {
	return Arrival{From: from, UserAgent: r.UserAgent(), had: [2]string{TokenIn(r, MemberCookie), TokenIn(r, StaffCookie)}}
}

// Browser is the label by which people recognise the browser, such as "Firefox, Android"; "" when it is not known.
func (a Arrival) Browser() string { return browserOf(a.UserAgent) }

// TokenIn returns the session token in the cookie of that name; "" without one.
func TokenIn(r *http.Request, cookie string) string {
	c, err := r.Cookie(cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// Cookie holds the session's token: no script, no other host and no plain http can read it.
func (s SignedIn) Cookie() http.Cookie {
	name := MemberCookie
	if s.Staff.id != "" {
		name = StaffCookie
	}
	return hostCookie(name, s.Token, s.Until)
}

// CookieGone takes the cookie of that name back.
func CookieGone(name string) http.Cookie {
	return http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// hostCookie is Lax: it comes along when somebody follows a link to us, and never with what another site's page
// sends by itself.
func hostCookie(name, value string, until event.Instant) http.Cookie {
	return http.Cookie{Name: name, Value: value, Path: "/", Expires: until.Time(), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// OwnPath returns where to go after signing in if that is a page of this server, and "" otherwise: never another
// host, however it is written.
func OwnPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > 500 || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	// Browsers read a backslash as a slash, drop tabs and line breaks, and take "//host" for another host.
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return ""
	}
	for _, r := range next {
		if r <= ' ' || r == 0x7f || r == '\\' {
			return ""
		}
	}
	return u.RequestURI()
}

// gate limits the tries of those who have not said who they are: of one remote address, and of everybody together.
type gate struct{ from, all *Limiter }

// newCodeGate is for what can be guessed: ten at once and ten a minute of one address, ten a second of everybody.
func newCodeGate(now func() time.Time) gate {
	return gate{from: NewLimiter(10, 6*time.Second, 10_000, now), all: NewLimiter(100, 100*time.Millisecond, 1, now)}
}

// newGate is for what costs us work and can't be guessed; a whole office may come from one address in the morning.
func newGate(now func() time.Time) gate {
	return gate{from: NewLimiter(60, 2*time.Second, 10_000, now), all: NewLimiter(1000, 10*time.Millisecond, 1, now)}
}

func (g gate) allow(from string) error {
	if err := g.from.Allow(network(from)); err != nil {
		return err
	}
	return g.all.Allow("")
}

// network is what one customer of an internet provider gets: an IPv4 address, or a whole /64 of IPv6, in which a new
// address for each try costs nothing.
func network(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return from
	}
	a = a.Unmap()
	if a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}

// What a browser's User-Agent contains, and what that is called. The first that is found counts: those who came
// later name their forerunners too.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Macintosh", "Mac"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// browserOf makes the label by which people recognise their sessions. Nothing of what was sent stands in it.
func browserOf(userAgent string) string {
	var words []string
	for _, names := range [][][2]string{browsers, systems} {
		for _, name := range names {
			if strings.Contains(userAgent, name[0]) {
				words = append(words, name[1])
				break
			}
		}
	}
	return strings.Join(words, ", ")
}
