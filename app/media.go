package app

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/camera/clip/s3"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/studio"
)

// MediaConfig is what a media service can be told.
type MediaConfig struct {
	Clips        string        `help:"Folder for what is filmed; 'clips' in the data folder when left out." env:"LOQUET_CLIPS" type:"path"`
	ClipsURL     string        `help:"S3-compatible bucket for finished films: https://host/bucket/prefix." env:"LOQUET_CLIPS_URL" name:"clips-url"`
	ClipsRegion  string        `help:"The bucket's region." env:"LOQUET_CLIPS_REGION" name:"clips-region"`
	ClipsAccess  string        `help:"Access key of the bucket." env:"LOQUET_CLIPS_ACCESS_KEY" name:"clips-access-key"`
	ClipsSecret  string        `help:"File with the secret of that access key." env:"LOQUET_CLIPS_SECRET_FILE" name:"clips-secret-file" type:"path"`
	Reserve      int64         `help:"So many MiB must be free for a further visit to be filmed." default:"1024" env:"LOQUET_CLIPS_RESERVE" name:"clips-reserve"`
	WebRTCListen string        `help:"Address of live pictures, UDP and TCP; without a host, every address of the machine but loopback." default:"127.0.0.1:8481" env:"LOQUET_WEBRTC_LISTEN" name:"webrtc-listen"`
	WebRTCPublic []string      `help:"Addresses that viewers are told instead, behind a router." env:"LOQUET_WEBRTC_PUBLIC" name:"webrtc-public"`
	Alone        time.Duration `help:"How long a media service goes on that no server asks for anything." default:"10m" env:"LOQUET_MEDIA_ALONE"`
}

type mediaCommand struct {
	Data string `help:"The server's data folder." default:"data" env:"LOQUET_DATA" type:"path"`
	MediaConfig
	Listen    string `help:"Address for servers on other machines, with TLS; without it the service listens in the data folder." env:"LOQUET_MEDIA_LISTEN"`
	Cert      string `help:"File with the certificate for that address (PEM)." env:"LOQUET_MEDIA_CERT" type:"path"`
	Key       string `help:"File with its key (PEM)." env:"LOQUET_MEDIA_KEY" type:"path"`
	TokenFile string `help:"File with the secret that servers present." env:"LOQUET_MEDIA_TOKEN_FILE" name:"token-file" type:"path"`
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"LOQUET_LOG_LEVEL" name:"log-level"`
}

const mediaSocketName = "media.sock"

// Run does the media work until the process is told to end, or nobody has asked for anything for long.
func (c *mediaCommand) Run(env environment) (err error) {
	// A server that was killed leaves a broken pipe for our log. What is being filmed matters more.
	signal.Ignore(syscall.SIGPIPE)
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(env.err, &slog.HandlerOptions{Level: level}))
	if c.Clips == "" {
		c.Clips = filepath.Join(c.Data, "clips")
	}
	shelf, err := c.shelf(env.ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shelf.Close()) }()
	shown, err := live.Listen(live.Config{UDP: c.WebRTCListen, TCP: c.WebRTCListen, Public: c.WebRTCPublic, Log: log})
	if err != nil {
		return fmt.Errorf("--webrtc-listen %s: %w", c.WebRTCListen, err)
	}
	defer func() { err = errors.Join(err, shown.Close()) }()
	decoder, err := clip.FindDecoder()
	if err != nil {
		log.Warn("clips will have no poster", "error", err)
	}
	work := studio.New(studio.Config{Shelf: shelf, Live: shown, Dial: dialCamera, Decoder: decoder, Reserve: c.Reserve << 20, Log: log})
	return errors.Join(c.serve(env.ctx, work, log), closeStudio(work))
}

func dialCamera(address string) (camera.Source, error) {
	return rtsp.New(address, rtsp.DefaultTimeouts)
}

// closeStudio gives what is being recorded time to be closed in order.
func closeStudio(work *studio.Local) error {
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	return work.Close(ctx)
}

// shelf is the folder of clips, or the bucket behind it.
func (c *mediaCommand) shelf(ctx context.Context, log *slog.Logger) (clip.Shelf, error) {
	folder, err := disk.Open(c.Clips)
	if err != nil || c.ClipsURL == "" {
		return folder, err
	}
	where, err := c.bucket()
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	shelf, err := s3.Open(ctx, where, folder, log)
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return shelf, nil
}

func (c *mediaCommand) bucket() (s3.Config, error) {
	u, err := url.Parse(c.ClipsURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return s3.Config{}, fmt.Errorf("--clips-url %q is not of the form https://host/bucket/prefix", c.ClipsURL)
	}
	name, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if prefix != "" {
		prefix += "/"
	}
	secret, err := secretOf(c.ClipsSecret)
	return s3.Config{Endpoint: u.Host, Plain: u.Scheme == "http", Region: c.ClipsRegion, Bucket: name, Prefix: prefix,
		AccessKey: c.ClipsAccess, Secret: secret}, err
}

// secretOf reads a secret from its file; "" without one.
func secretOf(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("a secret can't be read: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// serve answers servers until the context ends, or until none has asked for anything for long.
func (c *mediaCommand) serve(ctx context.Context, work *studio.Local, log *slog.Logger) error {
	token, err := secretOf(c.TokenFile)
	if err != nil {
		return err
	}
	listener, err := c.listen(token)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alone := newLoneliness(c.Alone, cancel)
	defer alone.timer.Stop()
	web := &http.Server{Handler: alone.counted(asked(token, studio.Handler(work))), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	log.Info("watching cameras", "at", listener.Addr().String())
	select {
	case <-ctx.Done():
		return web.Close()
	case err := <-failed:
		return err
	}
}

func (c *mediaCommand) listen(token string) (net.Listener, error) {
	if c.Listen == "" {
		return listenLocal(filepath.Join(c.Data, mediaSocketName))
	}
	if token == "" {
		return nil, errors.New("--listen takes --token-file: cameras are not shown to whoever asks")
	}
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("--cert and --key: %w", err)
	}
	return tls.Listen("tcp", c.Listen, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13})
}

// asked lets through who presents the token; everybody, where the socket's folder is the guard.
func asked(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		presented := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != "" && subtle.ConstantTimeCompare([]byte(presented), []byte(token)) != 1 {
			http.Error(w, "not you", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loneliness ends a service that no server asks for anything any more: its server was killed and did not come back.
type loneliness struct {
	after time.Duration
	timer *time.Timer
	busy  atomic.Int64
}

func newLoneliness(after time.Duration, end func()) *loneliness {
	return &loneliness{after: after, timer: time.AfterFunc(after, end)}
}

func (l *loneliness) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.busy.Add(1) == 1 {
			l.timer.Stop()
		}
		defer func() {
			if l.busy.Add(-1) == 0 {
				l.timer.Reset(l.after)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
