package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/studio"
)

// studioOf finds the media service that this server is told to use: its own process beside it, one on another machine,
// or none. The run of one that is to be supervised is returned with it.
func studioOf(c ServeConfig, log *slog.Logger) (camera.Studio, func(context.Context), error) {
	idle := func(ctx context.Context) { <-ctx.Done() }
	switch {
	case c.Media == "none":
		return nil, idle, nil
	case c.MediaURL == "":
		keeper := &mediaKeeper{config: c, socket: c.file(mediaSocketName), log: log}
		return studio.OverSocket(keeper.socket, log), keeper.run, nil
	}
	token, err := secretOf(c.MediaTokenFile)
	if err != nil {
		return nil, nil, err
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS13}
	if c.MediaCA != "" {
		if trust, err = trustOnly(c.MediaCA); err != nil {
			return nil, nil, err
		}
	}
	client, err := studio.OverTLS(c.MediaURL, trust, token, log)
	return client, idle, err
}

// mediaKeeper keeps a media service running beside the server. It is a process of its own, so that what a camera sends
// and a stalled disk never hold up a lock; and it outlives a server that is killed, so that an open door stays filmed.
type mediaKeeper struct {
	config ServeConfig
	socket string
	log    *slog.Logger
}

// Between two starts of a media service that ends at once, and between two looks at one that an earlier server left.
const (
	startAgain = 500 * time.Millisecond
	lookAgain  = time.Second
)

// run starts the service whenever there is none, until the context ends; then it ends the one that it started.
func (k *mediaKeeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := lookAgain
		if !k.answers(ctx) {
			k.once(ctx)
			pause = startAgain
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// answers says whether a service listens already.
func (k *mediaKeeper) answers(ctx context.Context) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", k.socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// once runs the service until it ends.
func (k *mediaKeeper) once(ctx context.Context) {
	self, err := os.Executable()
	if err != nil {
		k.log.ErrorContext(ctx, "the media service can't be started", "error", err)
		return
	}
	cmd := exec.CommandContext(ctx, self, k.args()...) // #nosec G204 -- this very program, with its own configuration
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * endWithin
	// A key at the terminal ends the server, and the server its service: not both at once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		k.log.ErrorContext(ctx, "the media service ended; it is started again", "error", err)
	}
}

// args are what the service is told of the server's own configuration.
func (k *mediaKeeper) args() []string {
	c := k.config
	args := []string{"media", "--data", c.Data, "--log-level", c.LogLevel, "--webrtc-listen", c.WebRTCListen, "--alone", c.Alone.String(),
		"--clips-reserve", strconv.FormatInt(c.Reserve, 10)}
	for _, option := range []struct{ name, value string }{
		{"--clips", c.Clips}, {"--clips-url", c.ClipsURL}, {"--clips-region", c.ClipsRegion}, {"--clips-access-key", c.ClipsAccess},
		{"--clips-secret-file", c.ClipsSecret}, {"--webrtc-public", strings.Join(c.WebRTCPublic, ",")},
	} {
		if option.value != "" {
			args = append(args, option.name, option.value)
		}
	}
	return args
}

var errMediaURL = errors.New("--media-token-file and --media-ca belong to --media-url")

// checkMedia says what does not fit together.
func (c *ServeConfig) checkMedia() error {
	if c.MediaURL == "" && (c.MediaTokenFile != "" || c.MediaCA != "") {
		return errMediaURL
	}
	return nil
}
