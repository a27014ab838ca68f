package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

func someMessage() message {
	return message{id: digest("x"), thread: "home-v7", tag: "home-v7", topic: Delivered, lang: phrase.French,
		text: text{title: "Livré à 14:04", body: "La porte est fermée et verrouillée\u00a0: capteur <b>&</b> serrure, 14:04:31.", action: "Voir"},
		link: "https://loquet.example/home/deliveries/home-d3", settings: "https://loquet.example/home/notifications",
		at: event.InstantOf(time.Date(2026, 11, 22, 13, 4, 31, 0, time.UTC)), left: event.Hour}
}

func newMail(t *testing.T, c MailConfig) *Mail {
	t.Helper()
	m, err := NewMail(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mailTo sends a message to somebody within ten seconds.
func mailTo(t *testing.T, m *Mail, who string, msg message) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return m.send(ctx, target{channel: Email, address: who}, msg)
}

// partsOf reads a letter's text and its page.
func partsOf(t *testing.T, m *mail.Message) (plain, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var all []string
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part.Header.Get("Content-Type")+"\n"+string(body))
	}
	if len(all) != 2 || !strings.HasPrefix(all[0], "text/plain") || !strings.HasPrefix(all[1], "text/html") {
		t.Fatalf("the parts are %q", all)
	}
	return all[0], all[1]
}

// TestALetterArrives over each way to a real mail server, with everything in it.
func TestALetterArrives(t *testing.T) {
	s := newMailServer(t)
	implicit := s.config()
	implicit.TLS, implicit.Port = MailImplicitTLS, s.implicit
	for i, c := range []MailConfig{s.config(), implicit} {
		if err := mailTo(t, newMail(t, c), "anna@home.test", someMessage()); err != nil {
			t.Fatalf("%s: %v", c.TLS, err)
		}
		s.letters("anna", i+1)
	}
	for _, letter := range s.letters("anna", 2) {
		subject, err := (&mime.WordDecoder{}).DecodeHeader(letter.Header.Get("Subject"))
		if err != nil || subject != "Livré à 14:04" {
			t.Errorf("the subject is %q, %v", subject, err)
		}
		for field, want := range map[string]string{"From": `"Loquet" <loquet@home.test>`, "To": "<anna@home.test>", "Auto-Submitted": "auto-generated",
			"Content-Language": "fr", "Date": "Sun, 22 Nov 2026 13:04:31 +0000", "Message-Id": "<" + digest("x") + "@home.test>",
			"References": "<" + digest("thread", "home-v7") + "@home.test>", "In-Reply-To": "<" + digest("thread", "home-v7") + "@home.test>"} {
			if got := letter.Header.Get(field); got != want {
				t.Errorf("%s: %q, want %q", field, got, want)
			}
		}
		if by := letter.Header.Get("Received"); !strings.Contains(by, "tls TLS") {
			t.Errorf("it did not come over TLS: %s", by)
		}
		plain, html := partsOf(t, letter)
		for _, want := range []string{"capteur <b>&</b> serrure, 14:04:31.", "Voir\nhttps://loquet.example/home/deliveries/home-d3", "https://loquet.example/home/notifications", "loquet.example."} {
			if !strings.Contains(strings.ReplaceAll(plain, "\r", ""), want) {
				t.Errorf("the text lacks %q:\n%s", want, plain)
			}
		}
		if !strings.Contains(html, "capteur &lt;b&gt;&amp;&lt;/b&gt; serrure") || !strings.Contains(html, `lang="fr"`) {
			t.Errorf("the page:\n%s", html)
		}
		for _, remote := range []string{"<img", "src=", "url(", "<link", "<script", "@import"} {
			if strings.Contains(html, remote) {
				t.Errorf("the page has %s", remote)
			}
		}
	}
}

// TestALetterSentAgainIsTheSame, so that a mailbox shows it once.
func TestALetterSentAgainIsTheSame(t *testing.T) {
	m := newMail(t, MailConfig{Host: "localhost", Port: 25, TLS: MailNoTLS, From: "loquet@home.test"})
	write := func(msg message) string {
		letter, err := m.letter("anna@home.test", msg)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := letter.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := write(someMessage())
	if again := write(someMessage()); again != first {
		t.Errorf("it is another:\n%s\n%s", first, again)
	}
	other := someMessage()
	other.id = digest("y")
	if write(other) == first {
		t.Error("another message has the same letter")
	}
}

// clearServer speaks just enough of the protocol (RFC 5321) to break off where no real server does.
type clearServer struct {
	port int
	// breaks says after which command the connection is cut without an answer; "." is the end of the letter.
	breaks string
	mu     sync.Mutex
	// taken are the letters that were read to their end.
	taken []string
}

func newClearServer(t *testing.T, breaks string) *clearServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &clearServer{port: l.Addr().(*net.TCPAddr).Port, breaks: breaks}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return s
}

// letters counts what was taken.
func (s *clearServer) letters() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

func (s *clearServer) talk(conn net.Conn) {
	defer conn.Close()
	in, letter, reading := newLines(conn), "", false
	_, _ = io.WriteString(conn, "220 ready\r\n")
	for {
		line, err := in()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case reading && line != ".":
			letter += line + "\n"
			continue
		case reading:
			s.mu.Lock()
			s.taken, reading, verb = append(s.taken, letter), false, "."
			s.mu.Unlock()
		}
		if verb == s.breaks {
			return
		}
		answer := "250 ok\r\n"
		if verb == "DATA" {
			answer, reading = "354 go on\r\n", true
		}
		_, _ = io.WriteString(conn, answer)
	}
}

func newLines(r io.Reader) func() (string, error) {
	buf := make([]byte, 0, 4096)
	return func() (string, error) {
		for {
			if line, rest, found := bytes.Cut(buf, []byte("\r\n")); found {
				text := string(line)
				buf = append([]byte(nil), rest...)
				return text, nil
			}
			more := make([]byte, 4096)
			n, err := r.Read(more)
			if err != nil {
				return "", err
			}
			buf = append(buf, more[:n]...)
		}
	}
}

// TestASessionThatBreaksOffAtEachStep is tried again, but for the goodbye: by then the letter was taken.
func TestASessionThatBreaksOffAtEachStep(t *testing.T) {
	for breaks, want := range map[string]struct{ sent, taken bool }{
		"EHLO": {}, "MAIL": {}, "RCPT": {}, "DATA": {}, ".": {taken: true}, "RSET": {sent: true, taken: true}, "QUIT": {sent: true, taken: true}, "never": {sent: true, taken: true},
	} {
		t.Run(breaks, func(t *testing.T) {
			s := newClearServer(t, breaks)
			m := newMail(t, MailConfig{Host: "127.0.0.1", Port: s.port, TLS: MailNoTLS, From: "loquet@home.test"})
			err := mailTo(t, m, "anna@home.test", someMessage())
			if _, final := refusedFor(err); (err == nil) != want.sent || final {
				t.Errorf("sent: %v", err)
			}
			if want.taken != (s.letters() == 1) {
				t.Errorf("the server took %d letters", s.letters())
			}
			if err != nil && strings.Contains(err.Error(), "anna") {
				t.Errorf("the error names the person: %v", err)
			}
		})
	}
}

// TestWhatTheMailServerRefuses: what is final for the person is told apart from what may pass and what is ours.
func TestWhatTheMailServerRefuses(t *testing.T) {
	s := newMailServer(t)
	m := newMail(t, s.config())
	for who, detail := range map[string]string{"nobody@home.test": "550 5.1.1", "never@home.test": "554"} {
		no, final := refusedFor(mailTo(t, m, who, someMessage()))
		if !final || no.reason != ReasonRefused || no.detail != detail {
			t.Errorf("%s: %+v, %v", who, no, final)
		}
	}
	mayPass := func(what string, c MailConfig, who string) {
		t.Helper()
		err := mailTo(t, newMail(t, c), who, someMessage())
		if _, final := refusedFor(err); err == nil || final {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && (strings.Contains(err.Error(), who) || strings.Contains(err.Error(), mailPassword)) {
			t.Errorf("%s: the error names the person: %v", what, err)
		}
	}
	mayPass("put off", s.config(), "later@home.test")
	wrong := s.config()
	wrong.Password = "another"
	mayPass("the wrong password", wrong, "anna@home.test")
	wrong = s.config()
	wrong.Roots = x509.NewCertPool()
	mayPass("an unknown authority", wrong, "anna@home.test")
	wrong = s.config()
	wrong.Host = "127.0.0.1"
	mayPass("another name than the certificate's", wrong, "anna@home.test")
	wrong = s.config()
	wrong.TLS = MailImplicitTLS
	mayPass("TLS at the wrong port", wrong, "anna@home.test")
	open := newClearServer(t, "never")
	wrong.Port, wrong.TLS = open.port, MailStartTLS
	mayPass("no STARTTLS", wrong, "anna@home.test")
	if open.letters() != 0 {
		t.Error("a letter went in clear")
	}
	wrong.Port = 1
	mayPass("nobody there", wrong, "anna@home.test")
	if _, final := refusedFor(mailTo(t, m, "no address", someMessage())); !final {
		t.Error("no address is tried again")
	}
}

// TestASilentMailServerIsLeftInTime, and alarms don't wait for the others.
func TestASilentMailServerIsLeftInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := newMail(t, MailConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: MailNoTLS, From: "loquet@home.test"})
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 2 * mailOrdinary {
		waiting.Go(func() {
			if err := m.send(ctx, target{address: "anna@home.test"}, someMessage()); err == nil {
				t.Error("silence was taken for an answer")
			}
		})
	}
	for range mailOrdinary {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	waiting.Go(func() {
		urgent := someMessage()
		urgent.urgent = true
		if err := m.send(ctx, target{address: "anna@home.test"}, urgent); err == nil {
			t.Error("silence was taken for an answer")
		}
	})
	conn, err := l.Accept() // the alarm's
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	left := make(chan struct{})
	go func() {
		waiting.Wait()
		close(left)
	}()
	cancel()
	select {
	case <-left:
	case <-time.After(mailWithin / 2):
		t.Error("it waits on, though nobody wants the letter any more")
		<-left
	}
}

func TestASignInLink(t *testing.T) {
	s := newMailServer(t)
	m := newMail(t, s.config())
	var mailer auth.Mailer = m
	const link = "https://loquet.example/sign-in/link/ll_abc_def?next=%2Fhome&x=1"
	if err := mailer.Send(t.Context(), "paul@home.test", phrase.English, auth.MailSignIn, link); err != nil {
		t.Fatal(err)
	}
	letter := s.letters("paul", 1)[0]
	plain, html := partsOf(t, letter)
	if letter.Header.Get("Subject") != "Sign in to Loquet" || !strings.Contains(plain, link) || !strings.Contains(html, `href="`+strings.Replace(link, "&", "&amp;", 1)+`"`) {
		t.Errorf("%v\n%s\n%s", letter.Header, plain, html)
	}
	if strings.Contains(plain, settingsPath) || strings.Contains(html, settingsPath) {
		t.Error("it speaks of notifications")
	}
	err := mailer.Send(t.Context(), "nobody@home.test", phrase.English, auth.MailSignIn, link)
	if err == nil || strings.Contains(err.Error(), "ll_abc") || strings.Contains(err.Error(), "nobody") {
		t.Errorf("to nobody: %v", err)
	}
}

func TestMailConfigurations(t *testing.T) {
	good := MailConfig{Host: "mail.example", Port: 587, TLS: MailStartTLS, From: "Loquet <loquet@loquet.example>"}
	newMail(t, good)
	for what, change := range map[string]func(*MailConfig){
		"no host":            func(c *MailConfig) { c.Host = "" },
		"no port":            func(c *MailConfig) { c.Port = 0 },
		"a port too far":     func(c *MailConfig) { c.Port = 70000 },
		"no such protection": func(c *MailConfig) { c.TLS = "ssl" },
		"none, far away":     func(c *MailConfig) { c.TLS = MailNoTLS },
		"no sender":          func(c *MailConfig) { c.From = "" },
		"a name as sender":   func(c *MailConfig) { c.From = "Loquet" },
	} {
		c := good
		change(&c)
		if _, err := NewMail(c); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		c := good
		c.Host, c.TLS = host, MailNoTLS
		newMail(t, c)
	}
}
