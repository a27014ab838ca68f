package indoors_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/textproto"
	"sync"
	"testing"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
)

// postman takes letters as a mail server does (RFC 5321), and writes down what arrived and what its reader sees of it.
type postman struct {
	book
	t    *testing.T
	port int
}

func newPostman(t *testing.T) *postman {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postman{t: t, port: l.Addr().(*net.TCPAddr).Port}
	var at sync.WaitGroup
	at.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			at.Go(func() { p.talk(textproto.NewConn(conn)) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		at.Wait()
	})
	return p
}

func (p *postman) talk(c *textproto.Conn) {
	defer c.Close()
	_ = c.PrintfLine("220 ready") // who is gone says nothing more either
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		if line == "DATA" {
			_ = c.PrintfLine("354 go on")
			letter, err := io.ReadAll(c.DotReader())
			if err != nil {
				return
			}
			p.deliver(letter)
		}
		_ = c.PrintfLine("250 ok")
	}
}

func (p *postman) deliver(letter []byte) {
	_, _ = p.Write(letter)
	m, err := mail.ReadMessage(bytes.NewReader(letter))
	if err != nil {
		p.t.Errorf("no letter: %v", err)
		return
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		p.t.Error(err)
	}
	_, _ = fmt.Fprintln(p, subject)
	if err := p.parts(m.Header.Get("Content-Type"), m.Body); err != nil {
		p.t.Errorf("a letter that can't be read: %v", err)
	}
}

// parts writes down the parts of a letter, decoded.
func (p *postman) parts(kind string, body io.Reader) error {
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return err
	}
	for all := multipart.NewReader(body, params["boundary"]); ; {
		part, err := all.NextPart() // which decodes quoted-printable by itself
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "" {
			return fmt.Errorf("a part in %s", encoding)
		}
		if _, err := io.Copy(p, part); err != nil {
			return err
		}
	}
}

// livesAt is the address of everybody.
type livesAt string

func (a livesAt) Of(context.Context, event.MemberID) (auth.Mailbox, error) {
	return auth.Mailbox{Address: string(a)}, nil
}

// browser is a push service and the browser behind it, which writes down what it reads.
type browser struct {
	book
	t      *testing.T
	url    string
	key    *ecdh.PrivateKey
	secret []byte
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, key: key, secret: []byte(rand.Text())[:16]}
	service := httptest.NewServer(http.HandlerFunc(b.pushed))
	t.Cleanup(service.Close)
	b.url = service.URL
	return b
}

func (b *browser) subscription() (s notify.Subscription) {
	s.Endpoint = b.url + "/camille"
	s.Keys.P256dh = base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes())
	s.Keys.Auth = base64.RawURLEncoding.EncodeToString(b.secret)
	return s
}

func (b *browser) pushed(w http.ResponseWriter, r *http.Request) {
	sealed, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	said, err := b.decrypt(sealed)
	if err != nil {
		b.t.Errorf("a push message that can't be read: %v", err)
	}
	_, _ = fmt.Fprintf(b, "%s %s\n", r.Header, said)
	w.WriteHeader(http.StatusCreated)
}

// decrypt reads a message encrypted for the browser (RFC 8291 over RFC 8188, one record).
func (b *browser) decrypt(body []byte) ([]byte, error) {
	if len(body) < 21 || len(body) < 21+int(body[20]) {
		return nil, errors.New("too short")
	}
	salt, sender, sealed := body[:16], body[21:21+int(body[20])], body[21+int(body[20]):]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		key, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			b.t.Error(err)
		}
		return key
	}
	both := derive(shared, b.secret, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	block, err := aes.NewCipher(derive(both, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, derive(both, salt, "Content-Encoding: nonce\x00", 12), sealed, nil)
}
