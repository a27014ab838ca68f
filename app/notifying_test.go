package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHowPeopleAreTold(t *testing.T) {
	for what, c := range map[string]struct {
		config NotifyConfig
		want   string // "" for a configuration that is good
	}{
		"nothing":                    {NotifyConfig{}, ""},
		"a relay":                    {NotifyConfig{SMTPHost: "mail.example", MailFrom: "loquet@loquet.example"}, ""},
		"an account":                 {NotifyConfig{SMTPHost: "mail.example", MailFrom: "loquet@loquet.example", SMTPUser: "a", SMTPPasswordFile: "p"}, ""},
		"a gateway":                  {NotifyConfig{SMSURL: "https://sms.example/", SMSSecretFile: "s"}, ""},
		"no sender":                  {NotifyConfig{SMTPHost: "mail.example"}, "--mail-from"},
		"an account of no server":    {NotifyConfig{SMTPUser: "a", SMTPPasswordFile: "p"}, "--smtp-host"},
		"an authority of no server":  {NotifyConfig{SMTPCA: "ca.pem"}, "--smtp-host"},
		"an account, no password":    {NotifyConfig{SMTPHost: "mail.example", MailFrom: "a@b.example", SMTPUser: "a"}, "--smtp-password-file"},
		"a password of nobody":       {NotifyConfig{SMTPHost: "mail.example", MailFrom: "a@b.example", SMTPPasswordFile: "p"}, "--smtp-user"},
		"a gateway without a secret": {NotifyConfig{SMSURL: "https://sms.example/"}, "--sms-secret-file"},
		"a secret of no gateway":     {NotifyConfig{SMSSecretFile: "s"}, "--sms-url"},
	} {
		err := c.config.checkNotify()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSecretsComeFromFiles, and what can't be read or can't be is said before anything runs.
func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := NotifyConfig{SMTPHost: "mail.example", SMTPPort: 465, SMTPTLS: "tls", MailFrom: "Loquet <loquet@loquet.example>", SMTPUser: "loquet",
		SMTPPasswordFile: file("password", "secret\n"), SMSURL: "https://sms.example/send", SMSSecretFile: file("secret", strings.Repeat("x", 24)+"\r\n")}
	if m, err := good.mail(); err != nil || m == nil {
		t.Errorf("mail: %v", err)
	}
	if s, err := good.textMessages(); err != nil || s == nil {
		t.Errorf("text messages: %v", err)
	}
	none := NotifyConfig{}
	if m, err := none.mail(); err != nil || m != nil {
		t.Errorf("no mail: %v", err)
	}
	if s, err := none.textMessages(); err != nil || s != nil {
		t.Errorf("no text messages: %v", err)
	}
	for what, change := range map[string]func(*NotifyConfig){
		"no such password": func(c *NotifyConfig) { c.SMTPPasswordFile = filepath.Join(dir, "nothing") },
		"no authority":     func(c *NotifyConfig) { c.SMTPCA = c.SMTPPasswordFile },
		"no sender":        func(c *NotifyConfig) { c.MailFrom = "Loquet" },
		"far, in clear":    func(c *NotifyConfig) { c.SMTPTLS = "none" },
	} {
		bad := good
		change(&bad)
		if _, err := bad.mail(); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	good.SMSSecretFile = file("short", "x")
	if _, err := good.textMessages(); err == nil {
		t.Error("a short secret is taken")
	}
}
