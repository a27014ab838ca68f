package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

func TestSessionCookiesAreOutOfReach(t *testing.T) {
	b := newBench(t)
	member := b.signIn(auth.NewSessions(b.deps), "maple-m2")
	staff := b.signInStaff(auth.NewStaffs(b.deps, b.vault), auth.Viewer)
	for name, in := range map[string]auth.SignedIn{"__Host-loquet": member, "__Host-loquet-staff": staff} {
		c := in.Cookie()
		if c.Name != name || c.Value != in.Token || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie is %+v", c)
		}
		if event.InstantOf(c.Expires) != in.Until {
			t.Errorf("%s ends %s, the session %s", name, c.Expires, in.Until)
		}
		if err := c.Valid(); err != nil {
			t.Error(err)
		}
		gone := auth.CookieGone(name)
		if gone.Name != name || gone.Value != "" || gone.MaxAge >= 0 || !gone.Secure || gone.Path != "/" {
			t.Errorf("it is taken back by %+v", gone)
		}
	}
}

// Signing in again in one browser leaves no second session behind, and touches neither the other app's session nor
// anybody else's.
func TestSigningInReplacesTheBrowsersSession(t *testing.T) {
	b := newBench(t)
	members, staffs := auth.NewSessions(b.deps), auth.NewStaffs(b.deps, b.vault)
	old, other, staff := b.signIn(members, "maple-m2"), b.signIn(members, "maple-m2"), b.signInStaff(staffs, auth.Viewer)
	r := httptest.NewRequest(http.MethodPost, "/sign-in", nil)
	for _, in := range []auth.SignedIn{old, staff} {
		c := in.Cookie()
		r.AddCookie(&c)
	}
	if _, err := members.Redeem(t.Context(), b.link(members, "oak-m2"), auth.ArrivalOf(r, "192.0.2.200")); err != nil {
		t.Fatal(err)
	}
	_, err := members.Check(t.Context(), old.Token)
	want(t, "the replaced one", err, auth.ErrSession)
	if _, err := members.Check(t.Context(), other.Token); err != nil {
		t.Errorf("the same member's in another browser: %v", err)
	}
	if _, err := staffs.Check(t.Context(), staff.Token); err != nil {
		t.Errorf("the staff's in the same browser: %v", err)
	}
}

func TestSessionsAreListedAsPeopleKnowThem(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	phone := b.signIn(s, "maple-m2")
	b.clock.move(3 * time.Hour)
	laptop := b.signIn(s, "maple-m2")
	b.clock.move(59 * time.Minute)
	for _, in := range []auth.SignedIn{phone, laptop} {
		if _, err := s.Check(t.Context(), in.Token); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(t.Context(), laptop.Member)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	// The phone was used just now, for the first time in hours; the laptop less than an hour after it was signed in.
	now := b.clock.now()
	want := []auth.Session{
		{ID: phone.Member.Session(), Way: auth.ByLink, Browser: "Firefox, Android", BegunAt: event.InstantOf(now.Add(-239 * time.Minute)),
			SeenAt: event.InstantOf(now), Until: event.InstantOf(now.Add(auth.SessionIdle))},
		{ID: laptop.Member.Session(), Way: auth.ByLink, Browser: "Firefox, Android", BegunAt: event.InstantOf(now.Add(-59 * time.Minute)),
			SeenAt: event.InstantOf(now.Add(-59 * time.Minute)), Until: event.InstantOf(now.Add(-59 * time.Minute).Add(auth.SessionIdle))},
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("session %d is %+v, want %+v", i, list[i], want[i])
		}
	}
}

func TestAnIdleSessionEnds(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	in := b.signIn(s, "maple-m2")
	b.clock.move(auth.SessionIdle - time.Millisecond)
	if _, err := s.Check(t.Context(), in.Token); err != nil {
		t.Fatalf("at the last moment: %v", err)
	}
	b.clock.move(auth.SessionIdle)
	_, err := s.Check(t.Context(), in.Token)
	want(t, "unused for too long", err, auth.ErrSession)
}

func TestEndingTheOthersKeepsTheOneThatAsks(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	here, there, paul := b.signIn(s, "maple-m2"), b.signIn(s, "maple-m2"), b.signIn(s, "maple-m3")
	if err := s.EndOthers(t.Context(), here.Member); err != nil {
		t.Fatal(err)
	}
	_, err := s.Check(t.Context(), there.Token)
	want(t, "the other", err, auth.ErrSession)
	for _, in := range []auth.SignedIn{here, paul} {
		if _, err := s.Check(t.Context(), in.Token); err != nil {
			t.Error(err)
		}
	}
}

// A session that was ended while it was looked at stays ended, though being looked at is noted.
func TestNotingTheUseOfAnEndedSessionDoesNotBringItBack(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	in := b.signIn(s, "maple-m2")
	b.clock.move(2 * time.Hour)
	reg := &hooked{Register: b.reg}
	reg.onGet = func() {
		if err := s.End(t.Context(), in.Member, in.Member.Session()); err != nil {
			t.Error(err)
		}
	}
	b.deps.Register = reg
	if _, err := auth.NewSessions(b.deps).Check(t.Context(), in.Token); err != nil {
		t.Errorf("what was read before: %v", err)
	}
	_, err := s.Check(t.Context(), in.Token)
	want(t, "afterwards", err, auth.ErrSession)
}

func TestSigningInIsRecentForAWhile(t *testing.T) {
	b := newBench(t)
	in := b.signIn(auth.NewSessions(b.deps), "maple-m2")
	at := func(d time.Duration) event.Instant { return event.InstantOf(b.clock.now().Add(d)) }
	if !auth.Recent(in.Member, at(auth.RecentFor)) || auth.Recent(in.Member, at(auth.RecentFor+time.Millisecond)) {
		t.Error("signing in is recent for another time")
	}
	if auth.FreshPasskey(in.Member, at(0), time.Hour) {
		t.Error("a link is no passkey")
	}
}

func TestWhatABrowserIsCalled(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	for agent, want := range map[string]string{
		"":      "",
		firefox: "Firefox, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1":    "Safari, iPhone",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.0.0 Mobile/15E148 Safari/604.1": "Chrome, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0":              "Edge, Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                      "Safari, Mac",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":        "Samsung Internet, Android",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36":                                      "Chrome, Linux",
		"<script>alert(1)</script>": "",
	} {
		a := b.arrival()
		a.UserAgent = agent
		in, err := s.Redeem(t.Context(), b.link(s, "maple-m2"), a)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context(), in.Member)
		if err != nil || len(list) != 1 || list[0].Browser != want {
			t.Errorf("%q: %+v, %v", agent, list, err)
		}
		if err := s.EndAll(t.Context(), "maple-m2"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTriesAreLimited(t *testing.T) {
	b := newBench(t)
	s := auth.NewSessions(b.deps)
	refused := func(from string) bool {
		_, err := s.Redeem(t.Context(), "ll_x", auth.Arrival{From: from})
		return tooMany(err)
	}
	for i := range 60 {
		if refused("2001:db8:1:2::" + string(rune('a'+i%6))) {
			t.Fatalf("try %d was refused", i)
		}
	}
	if !refused("2001:db8:1:2:ffff::1") {
		t.Error("a new address of the same network was allowed")
	}
	for _, other := range []string{"2001:db8:1:3::1", "192.0.2.1", "::ffff:192.0.2.2", "not an address"} {
		if refused(other) {
			t.Errorf("%s was refused", other)
		}
	}
	for range 59 {
		refused("192.0.2.2")
	}
	if !refused("::ffff:192.0.2.2") {
		t.Error("the same IPv4 address in another form was allowed")
	}
}

func TestOnlyOwnPagesFollowASignIn(t *testing.T) {
	for next, want := range map[string]string{
		"/home/":                       "/home/",
		"/home/deliveries/a-d1?x=1":    "/home/deliveries/a-d1?x=1",
		"/home/#part":                  "/home/",
		"":                             "",
		"home":                         "",
		"//evil.example":               "",
		"/home//evil.example":          "",
		"///evil.example":              "",
		`/\evil.example`:               "",
		`\\evil.example`:               "",
		"/%5cevil.example":             "",
		"/%2f/evil.example":            "",
		"https://evil.example/":        "",
		"https:evil.example":           "",
		"javascript:alert(1)":          "",
		"/\t/evil.example":             "",
		"/home\r\nSet-Cookie: a=b":     "",
		" /home":                       "",
		"http://loquet.example/home":   "",
		"/" + strings.Repeat("a", 500): "",
	} {
		if got := auth.OwnPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

// Whatever a browser makes of it, the way on stays on this host.
func FuzzOwnPath(f *testing.F) {
	for _, seed := range []string{"/home/", "//evil.example", `/\evil.example`, "/%2f%2fevil.example", "/..//evil.example", "/a?b=//c", "/;//x"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://loquet.example/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := auth.OwnPath(next)
		if got == "" {
			return
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != "loquet.example" || u.Scheme != "https" {
			t.Fatalf("%q became %q, which leads to %v, %v", next, got, u, err)
		}
		if !strings.HasPrefix(got, "/") || len(got) > 1 && (got[1] == '/' || got[1] == '\\') || strings.ContainsAny(got, "\r\n\t\\") {
			t.Fatalf("%q became %q", next, got)
		}
		if again := auth.OwnPath(got); again != got {
			t.Fatalf("%q became %q, then %q", next, got, again)
		}
	})
}

// Sessions end and are listed like in a naive twin, whatever happens in which order.
func TestSessionsAgainstATwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		s := auth.NewSessions(b.deps)
		type known struct {
			in         auth.SignedIn
			begun, end time.Time
		}
		live := map[string]*known{}
		members := []event.MemberID{"maple-m1", "maple-m2", "oak-m1"}
		alive := func(k *known) bool { return b.clock.now().Before(k.end) }
		rt.Repeat(map[string]func(*rapid.T){
			"sign in": func(rt *rapid.T) {
				in := b.signIn(s, rapid.SampledFrom(members).Draw(rt, "member"))
				live[in.Token] = &known{in, b.clock.now(), b.clock.now().Add(auth.SessionIdle)}
			},
			"wait": func(rt *rapid.T) {
				b.clock.move(time.Duration(rapid.IntRange(1, 10*24).Draw(rt, "hours")) * time.Hour)
			},
			"use": func(rt *rapid.T) {
				for token, k := range live {
					was := alive(k)
					m, err := s.Check(t.Context(), token)
					if (err == nil) != was || err == nil && m.ID() != k.in.Member.ID() {
						rt.Fatalf("%v while alive is %v", err, was)
					}
					if was {
						k.end = b.clock.now().Add(auth.SessionIdle)
						if most := k.begun.Add(auth.SessionLife); k.end.After(most) {
							k.end = most
						}
					}
				}
			},
			"end the others": func(rt *rapid.T) {
				for token, k := range live {
					if !alive(k) {
						continue
					}
					if err := s.EndOthers(t.Context(), k.in.Member); err != nil {
						rt.Fatal(err)
					}
					for other, o := range live {
						if other != token && o.in.Member.ID() == k.in.Member.ID() {
							delete(live, other)
						}
					}
					return
				}
			},
			"": func(rt *rapid.T) {
				for _, k := range live {
					count := 0
					for _, o := range live {
						if o.in.Member.ID() == k.in.Member.ID() && alive(o) {
							count++
						}
					}
					list, err := s.List(t.Context(), k.in.Member)
					if err != nil || len(list) != count {
						rt.Fatalf("listed %d, want %d, %v", len(list), count, err)
					}
					for _, m := range members {
						lasts, err := s.Lasts(t.Context(), m, k.in.Member.Session())
						if err != nil || lasts != (alive(k) && m == k.in.Member.ID()) {
							rt.Fatalf("it lasts for %s: %t, %v", m, lasts, err)
						}
					}
				}
			},
		})
	})
}
