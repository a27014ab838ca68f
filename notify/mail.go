package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// MailTLS is how the way to the mail server is protected.
type MailTLS string

// Ways to protect it.
const (
	// MailStartTLS begins in clear and requires STARTTLS before anything is said (port 587 or 25).
	MailStartTLS MailTLS = "starttls"
	// MailImplicitTLS speaks TLS from the first byte (port 465).
	MailImplicitTLS MailTLS = "tls"
	// MailNoTLS is for a server on this machine alone.
	MailNoTLS MailTLS = "none"
)

// MailConfig is a mail server that takes our messages (a submission server, RFC 6409, or a relay).
type MailConfig struct {
	Host string
	Port int
	TLS  MailTLS
	// Roots are the authorities to trust; nil for the system's.
	Roots *x509.CertPool
	// User and Password sign in there; without a user nobody does.
	User, Password string
	// From is the sender, "Loquet <loquet@loquet.example>". Replies go there.
	From string
}

// Mail sends e-mail. Safe for concurrent use.
type Mail struct {
	config MailConfig
	from   *netmail.Address
	// ordinary and urgent are the places for sessions with the server: a slow server must not have alarms wait.
	ordinary, urgent chan struct{}
}

// How many sessions with the mail server there may be at once.
const (
	mailOrdinary = 6
	mailUrgent   = 4
)

// NewMail checks a configuration; the server is not asked yet.
func NewMail(c MailConfig) (*Mail, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("notify: the sender %q is no address such as Loquet <loquet@loquet.example>", c.From)
	}
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, fmt.Errorf("notify: the mail server is a host and a port, not %q and %d", c.Host, c.Port)
	}
	switch c.TLS {
	case MailStartTLS, MailImplicitTLS:
	case MailNoTLS:
		if !onThisMachine(c.Host) {
			return nil, errors.New("notify: a mail server without TLS has to be on this machine")
		}
	default:
		return nil, fmt.Errorf("notify: %q is none of %s, %s, %s", c.TLS, MailStartTLS, MailImplicitTLS, MailNoTLS)
	}
	return &Mail{config: c, from: from, ordinary: make(chan struct{}, mailOrdinary), urgent: make(chan struct{}, mailUrgent)}, nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Send sends a link to its reader, as auth.Mailer asks. It returns when the mail server has taken the letter, or says why
// not; nothing is tried again. The error names nobody.
func (m *Mail) Send(ctx context.Context, to string, lang phrase.Lang, kind auth.MailKind, link string) error {
	about := "link." + string(kind)
	t := text{title: say(lang, about+".title"), body: say(lang, about+".body") + " " + say(lang, "link.life"), action: say(lang, about+".action")}
	return m.send(ctx, target{channel: Email, address: to},
		message{id: digest("link", to, link), text: t, lang: lang, link: link, at: event.InstantOf(time.Now()), urgent: true})
}

func (m *Mail) send(ctx context.Context, to target, msg message) error {
	letter, err := m.letter(to.address, msg)
	if err != nil {
		return err
	}
	places := m.ordinary
	if msg.urgent {
		places = m.urgent
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return trouble{err: fmt.Errorf("notify: no session with the mail server: %w", ctx.Err())}
	}
	return m.hand(ctx, letter)
}

// hand opens a session and hands the letter over. Whatever becomes of the session after the server has taken the letter
// is of no interest.
func (m *Mail) hand(ctx context.Context, letter *mail.Msg) error {
	line := &line{config: m.config}
	defer line.cut()
	client, err := mail.NewClient(m.config.Host, m.options(line.dialler(ctx))...)
	if err != nil {
		return trouble{err: fmt.Errorf("notify: mail: %w", err)}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return trouble{err: fmt.Errorf("notify: the mail server: %w", err)}
	}
	err = client.SendWithSMTPClient(session, letter)
	if letter.IsDelivered() {
		_ = client.CloseWithSMTPClient(session) // it only says goodbye
		return nil
	}
	return answerOf(err)
}

// mailWithin bounds each step of a session.
const mailWithin = 15 * time.Second

func (m *Mail) options(dial mail.DialContextFunc) []mail.Option {
	options := []mail.Option{mail.WithPort(m.config.Port), mail.WithTimeout(mailWithin), mail.WithDialContextFunc(dial),
		mail.WithoutNoop(), mail.WithTLSConfig(m.config.tls())}
	switch m.config.TLS {
	case MailStartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case MailImplicitTLS:
		options = append(options, mail.WithSSL())
	case MailNoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.config.User == "" {
		return options
	}
	auth := mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5)
	return append(options, auth, mail.WithUsername(m.config.User), mail.WithPassword(m.config.Password))
}

func (c MailConfig) tls() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
}

// line is the connection of one session. It is ours, so that it ends with the context, however the server behaves, and
// when a session can't begin.
type line struct {
	config MailConfig
	conn   net.Conn
	stop   func() bool
}

// dialler dials for the whole session's context; the one that it is called with ends with the greeting.
func (l *line) dialler(session context.Context) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.conn, l.stop = conn, context.AfterFunc(session, func() { _ = conn.Close() })
		if l.config.TLS != MailImplicitTLS {
			return conn, nil
		}
		secured := tls.Client(conn, l.config.tls())
		return secured, secured.HandshakeContext(ctx)
	}
}

func (l *line) cut() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close() // it may have been closed by its session
	}
}

// answerOf sorts what a mail server said. Only a reply of 5xx to the recipient or to the letter itself is final: what it
// has against us or our sender is for the operator to mend. Text of the server's stays out: it names the person.
func answerOf(err error) error {
	said, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return trouble{err: errors.New("notify: the session with the mail server broke off")}
	}
	code := strings.TrimSpace(fmt.Sprintf("%d %s", said.ErrorCode(), said.EnhancedStatusCode()))
	toUs := said.Reason == mail.ErrSMTPMailFrom
	if said.ErrorCode() >= 500 && !toUs {
		return refusal{reason: ReasonRefused, detail: code}
	}
	return trouble{err: fmt.Errorf("notify: the mail server answered %s, %s", code, said.Reason)}
}

//go:embed mail.html
var mailPage string

var mailTemplate = template.Must(template.New("mail").Parse(mailPage))

// page is what mail.html shows.
type page struct {
	Lang                                                                 phrase.Lang
	Title, Body, Action, Link, Block, BlockLabel, Settings, Choose, From string
}

// letter writes the message. It is the same each time, with its Message-ID and Date, so that mailboxes show it once; the
// first letter of a thread is one that nobody gets, so that the others stand together.
func (m *Mail) letter(to string, msg message) (*mail.Msg, error) {
	_, domain, _ := strings.Cut(m.from.Address, "@")
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(digest("boundary", msg.id)))
	letter.FromMailAddress(m.from)
	if err := letter.To(to); err != nil {
		return nil, refusal{reason: ReasonRefused, detail: "no address"}
	}
	letter.Subject(msg.title)
	letter.SetMessageIDWithValue(msg.id + "@" + domain)
	letter.SetDateWithValue(msg.at.Time())
	if msg.thread != "" {
		letter.SetGenHeader(mail.HeaderReferences, "<"+digest("thread", msg.thread)+"@"+domain+">")
		letter.SetGenHeader(mail.HeaderInReplyTo, "<"+digest("thread", msg.thread)+"@"+domain+">")
	}
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers it
	letter.SetGenHeader("Content-Language", string(msg.lang))
	p := page{Lang: msg.lang, Title: msg.title, Body: msg.body, Action: msg.action, Link: msg.link, Block: msg.block, BlockLabel: msg.blockLabel,
		Settings: msg.settings, Choose: say(msg.lang, "mail.choose"), From: say(msg.lang, "mail.from", "host", hostOf(msg.link))}
	letter.SetBodyString(mail.TypeTextPlain, p.plain())
	var html bytes.Buffer
	if err := mailTemplate.Execute(&html, p); err != nil {
		return nil, fmt.Errorf("notify: mail: %w", err)
	}
	letter.AddAlternativeString(mail.TypeTextHTML, html.String())
	return letter, nil
}

func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}

// plain is the letter without markup: a text twin of the page.
func (p page) plain() string {
	lines := []string{p.Body, p.Action + "\n" + p.Link}
	if p.Block != "" {
		lines = append(lines, p.BlockLabel+"\n"+p.Block)
	}
	foot := p.From
	if p.Settings != "" {
		foot += "\n" + p.Choose + "\n" + p.Settings
	}
	return strings.Join(append(lines, "-- \n"+foot), "\n\n") + "\n"
}
