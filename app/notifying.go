package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/vault"
)

// NotifyConfig is how people are told: docs/notifications.md.
type NotifyConfig struct {
	Language string `help:"Language of messages to people who have chosen none." default:"en" enum:"en,fr" env:"LOQUET_LANGUAGE"`

	SMTPHost         string `help:"Mail server that takes our messages; without one there is no e-mail." env:"LOQUET_SMTP_HOST" name:"smtp-host"`
	SMTPPort         int    `help:"Its port." default:"587" env:"LOQUET_SMTP_PORT" name:"smtp-port"`
	SMTPTLS          string `help:"starttls: TLS is required before anything is said. tls: from the first byte. none: for a server on this machine." default:"starttls" enum:"starttls,tls,none" env:"LOQUET_SMTP_TLS" name:"smtp-tls"`
	SMTPCA           string `help:"File with its certificate authority (PEM), instead of the system's." env:"LOQUET_SMTP_CA" name:"smtp-ca" type:"path"`
	SMTPUser         string `help:"Account there." env:"LOQUET_SMTP_USER" name:"smtp-user"`
	SMTPPasswordFile string `help:"File with that account's password." env:"LOQUET_SMTP_PASSWORD_FILE" name:"smtp-password-file" type:"path"`
	MailFrom         string `help:"Sender of our messages, such as 'Loquet <loquet@loquet.example>'." env:"LOQUET_MAIL_FROM" name:"mail-from"`

	SMSURL        string `help:"Gateway for text messages; without one there are none." env:"LOQUET_SMS_URL" name:"sms-url"`
	SMSSecretFile string `help:"File with the secret shared with that gateway." env:"LOQUET_SMS_SECRET_FILE" name:"sms-secret-file" type:"path"`
	SMSCountry    string `help:"Country of telephone numbers without a country's code, such as FR." env:"LOQUET_SMS_COUNTRY" name:"sms-country"`

	PushSubject string `help:"Whom browsers' push services may turn to, mailto: or https:; the public address or the sender of mail when left out." env:"LOQUET_PUSH_SUBJECT" name:"push-subject"`
}

func (c *NotifyConfig) checkNotify() error {
	switch {
	case c.SMTPHost == "" && (c.SMTPUser != "" || c.SMTPPasswordFile != "" || c.SMTPCA != ""):
		return errors.New("--smtp-user, --smtp-password-file and --smtp-ca belong to --smtp-host")
	case c.SMTPHost != "" && c.MailFrom == "":
		return errors.New("--smtp-host needs --mail-from, the sender of our messages")
	case (c.SMTPUser == "") != (c.SMTPPasswordFile == ""):
		return errors.New("--smtp-user and --smtp-password-file belong together")
	case (c.SMSURL == "") != (c.SMSSecretFile == ""):
		return errors.New("--sms-url and --sms-secret-file belong together")
	}
	return nil
}

// mail is nil without a mail server.
func (c *NotifyConfig) mail() (*notify.Mail, error) {
	if c.SMTPHost == "" {
		return nil, nil
	}
	server := notify.MailConfig{Host: c.SMTPHost, Port: c.SMTPPort, TLS: notify.MailTLS(c.SMTPTLS), User: c.SMTPUser, From: c.MailFrom}
	var err error
	if c.SMTPCA != "" {
		if server.Roots, err = rootsIn(c.SMTPCA); err != nil {
			return nil, err
		}
	}
	if server.Password, err = secretOf(c.SMTPPasswordFile); err != nil {
		return nil, err
	}
	return notify.NewMail(server)
}

func rootsIn(path string) (*x509.CertPool, error) {
	trusted, err := trustOnly(path)
	if err != nil {
		return nil, err
	}
	return trusted.RootCAs, nil
}

// textMessages is nil without a gateway.
func (c *NotifyConfig) textMessages() (*notify.TextMessages, error) {
	if c.SMSURL == "" {
		return nil, nil
	}
	secret, err := secretOf(c.SMSSecretFile)
	if err != nil {
		return nil, err
	}
	return notify.NewTextMessages(notify.SMSConfig{URL: c.SMSURL, Secret: secret}, time.Now)
}

// buildNotifier makes what tells people, once the public address is known.
func (s *server) buildNotifier(secrets *vault.Vault, who *people) (err error) {
	c := s.config.NotifyConfig
	if s.mail, err = c.mail(); err != nil {
		return err
	}
	texts, err := c.textMessages()
	if err != nil {
		return err
	}
	s.notifier = notify.New(notify.Deps{Register: s.store, Sites: s.dispatcher, Vault: secrets, Sessions: who.sessions, Addresses: who.mailboxes, Mail: s.mail, SMS: texts,
		PushSubject: notify.PushSubject(c.PushSubject, s.config.PublicURL, c.MailFrom), LocalPush: s.config.LocalWebhooks, Country: c.SMSCountry,
		Lang: phrase.Lang(c.Language), PublicURL: s.config.PublicURL, Now: time.Now, Random: rand.Reader, Log: s.log, Counted: s.metrics.told})
	s.dispatcher.Handle(dispatch.WorkNotify, s.notifier.Notify)
	s.log.Info("people are told", "by", s.notifier.Available())
	return nil
}

// reads has messages to a member who signed in written in the language in which that person reads, until another is
// chosen.
func (s *server) reads(ctx context.Context, m auth.Member, lang phrase.Lang) {
	s.spoken(s.notifier.Reads(ctx, m, lang))
}

// chosen has messages to the member in this browser written in the language that was chosen there.
func (s *server) chosen(who *people) func(*http.Request, phrase.Lang) {
	return func(r *http.Request, lang phrase.Lang) {
		m, err := who.sessions.Check(r.Context(), auth.TokenIn(r, auth.MemberCookie))
		if err == nil {
			err = s.notifier.SetLang(r.Context(), m, lang)
		}
		s.spoken(err)
	}
}

// spoken logs that a language could not be kept, unless there is nobody to keep it for: nothing else depends on it.
func (s *server) spoken(err error) {
	if err != nil && !errors.Is(err, auth.ErrSession) && !errors.Is(err, notify.ErrMember) {
		s.log.Warn("the language of somebody's messages was not kept", "error", err)
	}
}
