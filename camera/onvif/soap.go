package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- the protocol's digest (WS-Security UsernameToken Profile 1.0, 3.1)
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/loquet/loquet/camera"
)

// maxAnswer of a device. A recorder's list of profiles is its longest: some 4 KB for each.
const maxAnswer = 512 << 10

// call asks with user and password, if there is a user.
func (s *session) call(ctx context.Context, at *url.URL, body string, answer any) error {
	header := ""
	if s.user != "" {
		header = s.security()
	}
	return s.ask(ctx, at, header, body, answer)
}

// security is the header that proves the password, with the device's own time.
func (s *session) security() string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	created := s.now().Add(s.ahead).UTC().Format("2006-01-02T15:04:05.000Z")
	const ns = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	return `<Security s:mustUnderstand="1" xmlns="` + ns + `wssecurity-secext-1.0.xsd"><UsernameToken>` +
		`<Username>` + escaped(s.user) + `</Username>` +
		`<Password Type="` + ns + `username-token-profile-1.0#PasswordDigest">` + digest(nonce, created, s.password) + `</Password>` +
		`<Nonce EncodingType="` + ns + `soap-message-security-1.0#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</Nonce>` +
		`<Created xmlns="` + ns + `wssecurity-utility-1.0.xsd">` + created + `</Created></UsernameToken></Security>`
}

func digest(nonce []byte, created, password string) string {
	sum := sha1.Sum(append(append(bytes.Clone(nonce), created...), password...)) // #nosec G401 -- as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func envelope(header, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">` +
		`<s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// ask sends one request and reads its answer (SOAP 1.2).
func (c *Client) ask(ctx context.Context, at *url.URL, header, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(envelope(header, body)))
	if err != nil {
		return &camera.Fault{Why: camera.Broken, Err: errors.New("the device's address can't be called")}
	}
	request.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	response, err := c.http.Do(request)
	if err != nil {
		return &camera.Fault{Why: camera.NoAnswer, Err: errors.Unwrap(err)} // without the address
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		return &camera.Fault{Why: camera.WrongPassword, Err: fmt.Errorf("status %d", response.StatusCode)}
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return &camera.Fault{Why: camera.NoAnswer, Err: err}
	}
	if len(text) > maxAnswer {
		return &camera.Fault{Why: camera.Broken, Err: errors.New("the answer is too long")}
	}
	return understood(text, response.StatusCode, answer)
}

// refusal is a SOAP fault. Some devices put the reason one level deeper.
type refusal struct {
	Code    string `xml:"Code>Subcode>Value"`
	Further string `xml:"Code>Subcode>Subcode>Value"`
}

func (r *refusal) unauthorized() bool {
	for _, code := range []string{r.Code, r.Further} {
		switch _, name, _ := strings.Cut(strings.TrimSpace(code), ":"); name {
		case "NotAuthorized", "FailedAuthentication":
			return true
		}
	}
	return false
}

// understood reads an answer, or why there is none. Entities that the text defines are not expanded: they are an error.
func understood(text []byte, status int, answer any) error {
	var refused struct {
		Fault *refusal `xml:"Body>Fault"`
	}
	switch err := xml.Unmarshal(text, &refused); {
	case err != nil:
		return unreadable()
	case refused.Fault != nil && refused.Fault.unauthorized():
		return &camera.Fault{Why: camera.WrongPassword}
	case refused.Fault != nil:
		return &camera.Fault{Why: camera.Broken, Err: errors.New("the device refuses to answer")}
	case status != http.StatusOK:
		return &camera.Fault{Why: camera.Broken, Err: fmt.Errorf("status %d", status)}
	}
	if err := xml.Unmarshal(text, answer); err != nil {
		return unreadable()
	}
	return nil
}

func unreadable() error {
	return &camera.Fault{Why: camera.Broken, Err: errors.New("the answer can't be read")}
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer never fails
	return b.String()
}
