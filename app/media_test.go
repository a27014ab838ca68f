package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/loquet/loquet/camera/clip/s3"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/event"
)

// What a server was told of the media work, its own media service is told too.
func TestTheServersServiceHasItsConfiguration(t *testing.T) {
	k := mediaKeeper{config: ServeConfig{Data: "/d", LogLevel: "warn", MediaConfig: MediaConfig{Clips: "/c", ClipsURL: "https://s3.example/b/p",
		ClipsRegion: "eu", ClipsAccess: "key", ClipsSecret: "/s", Reserve: 7, WebRTCListen: ":9", WebRTCPublic: []string{"192.0.2.1", "2001:db8::1"},
		Alone: time.Minute}}}
	var c cli
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(k.args()); err != nil {
		t.Fatal(err)
	}
	got := c.Media
	if got.Data != "/d" || got.LogLevel != "warn" || got.Clips != "/c" || got.ClipsURL != "https://s3.example/b/p" || got.ClipsRegion != "eu" ||
		got.ClipsAccess != "key" || got.ClipsSecret != "/s" || got.Reserve != 7 || got.WebRTCListen != ":9" ||
		strings.Join(got.WebRTCPublic, " ") != "192.0.2.1 2001:db8::1" || got.Alone != time.Minute {
		t.Errorf("it is told %+v", got)
	}
}

func TestBucket(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]s3.Config{
		"https://s3.example/films":         {Endpoint: "s3.example", Bucket: "films"},
		"http://127.0.0.1:9000/films/a/b/": {Endpoint: "127.0.0.1:9000", Plain: true, Bucket: "films", Prefix: "a/b/"},
		"ftp://s3.example/films":           {},
		"https:///films":                   {},
		"nowhere":                          {},
	} {
		c := mediaCommand{MediaConfig: MediaConfig{ClipsURL: address, ClipsRegion: "eu", ClipsAccess: "key", ClipsSecret: secret}}
		if want.Endpoint != "" {
			want.Region, want.AccessKey, want.Secret = "eu", "key", "s3cret"
		}
		if got, err := c.bucket(); got != want || (err == nil) != (want.Endpoint != "") {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
}

// certificate writes one for 127.0.0.1, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A media service on another machine answers only to who knows the token, over TLS.
func TestMediaServiceElsewhere(t *testing.T) {
	cert, key := certificate(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the token"), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	c := mediaCommand{Data: t.TempDir(), Listen: address, Cert: cert, Key: key, TokenFile: token, LogLevel: "error",
		MediaConfig: MediaConfig{WebRTCListen: "127.0.0.1:0", Alone: time.Minute}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(environment{ctx, os.Stdout, os.Stderr}) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	trust, err := trustOnly(cert)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(trust *tls.Config, token string) error {
		client, err := studio.OverTLS("https://"+address, trust, token, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Erase(t.Context(), event.ClipID("home-f1"))
	}
	limit := time.Now().Add(time.Minute)
	for ask(trust, "the token") != nil {
		if time.Now().After(limit) {
			t.Fatal("it never answers to its own server")
		}
	}
	if err := ask(trust, "another token"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("to a wrong token it says %v", err)
	}
	if ask(&tls.Config{MinVersion: tls.VersionTLS13}, "the token") == nil {
		t.Error("a certificate that nobody vouches for was trusted")
	}
}

func TestMediaServiceElsewhereNeedsAToken(t *testing.T) {
	c := mediaCommand{Data: t.TempDir(), Listen: "127.0.0.1:0", LogLevel: "error", MediaConfig: MediaConfig{WebRTCListen: "127.0.0.1:0", Alone: time.Minute}}
	if err := c.Run(environment{t.Context(), os.Stdout, os.Stderr}); err == nil || !strings.Contains(err.Error(), "--token-file") {
		t.Errorf("without a token: %v", err)
	}
}

// A service that no server asks for anything ends by itself.
func TestALonelyMediaServiceEnds(t *testing.T) {
	c := mediaCommand{Data: t.TempDir(), LogLevel: "error", MediaConfig: MediaConfig{WebRTCListen: "127.0.0.1:0", Alone: 50 * time.Millisecond}}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(environment{t.Context(), os.Stdout, os.Stderr}) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on alone")
	}
}
