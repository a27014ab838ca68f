package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"go.uber.org/goleak"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/camera/clip/s3"
)

const (
	accessKey = "loquet-test"
	secret    = "loquet-test-secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// versity starts versitygw, pinned in tools/s3, over a folder; it checks signatures and checksums as Amazon does.
func versity(t testing.TB) (address string) {
	t.Helper()
	if testing.Short() {
		t.Skip("building an S3 server takes a minute the first time")
	}
	root := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	cmd := exec.Command(program(t), "--port", address, "--quiet", "posix", "--sidecar", t.TempDir(), "--versioning-dir", t.TempDir(), root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secret)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw said %s", said.String())
		}
	})
	awaitServer(t, address)
	return address
}

// program builds the server, or finds it built.
func program(t testing.TB) string {
	t.Helper()
	mod, err := filepath.Abs("../../../tools/s3/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "-n", "-modfile="+mod, "versitygw").Output()
	if err != nil {
		t.Fatalf("building versitygw: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func awaitServer(t testing.TB, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
	}
	t.Fatal("versitygw does not listen")
}

// engine is a bucket of a server, and a folder.
type engine struct {
	config s3.Config
	spool  string
	client *minio.Client
}

// newEngine makes a bucket. Requests go to the server through via, if it is not "".
func newEngine(t testing.TB, server, via string) *engine {
	t.Helper()
	client, err := minio.New(server, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	bucket := fmt.Sprintf("bucket-%d", time.Now().UnixNano())
	if err := client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	if via == "" {
		via = server
	}
	return &engine{
		config: s3.Config{
			Endpoint: via, Plain: true, Bucket: bucket, Prefix: "clips/", AccessKey: accessKey, Secret: secret,
			Transport: transport, Retry: 50 * time.Millisecond,
		},
		spool: t.TempDir(), client: client,
	}
}

func (e *engine) Open(t testing.TB) clip.Shelf {
	t.Helper()
	spool, err := disk.Open(e.spool)
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := s3.Open(context.Background(), e.config, spool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}

func (e *engine) Settle(t testing.TB, shelf clip.Shelf) {
	t.Helper()
	if err := shelf.(*s3.Shelf).Moved(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Left lists the bucket and the spool.
func (e *engine) Left(t testing.TB) (left []string) {
	t.Helper()
	for object := range e.client.ListObjectsIter(t.Context(), e.config.Bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		left = append(left, object.Key)
	}
	for upload := range e.client.ListIncompleteUploads(t.Context(), e.config.Bucket, "", true) {
		left = append(left, "upload of "+upload.Key)
	}
	for _, pattern := range []string{"clips/*/*/*", "new/*", "gone/*"} {
		found, err := filepath.Glob(filepath.Join(e.spool, pattern))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, found...)
	}
	return left
}

func TestShelf(t *testing.T) {
	server := versity(t)
	cliptest.Run(t, func(t *testing.T) cliptest.Engine { return newEngine(t, server, "") })
}

// proxy stands between the shelf and the server. What pass refuses gets no answer: the connection breaks.
type proxy struct {
	*httptest.Server
	mu   sync.Mutex
	pass func(*http.Request) bool
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	p := &proxy{pass: func(*http.Request) bool { return true }}
	transport := &http.Transport{}
	onward := &httputil.ReverseProxy{
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: server})
			r.Out.Host = r.In.Host // the signature covers it
		},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		pass := p.pass(r)
		p.mu.Unlock()
		if !pass {
			panic(http.ErrAbortHandler)
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { p.Close(); transport.CloseIdleConnections() })
	return p
}

func (p *proxy) only(pass func(*http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass = pass
}

func (p *proxy) address() string { return p.Listener.Addr().String() }

// TestWithoutTheBucketRecordingGoesOn has the bucket out of reach while a visit is filmed.
func TestWithoutTheBucketRecordingGoesOn(t *testing.T) {
	server := versity(t)
	p := newProxy(t, server)
	e := newEngine(t, server, p.address())
	shelf := e.Open(t)
	defer shelf.Close()
	p.only(func(*http.Request) bool { return false })
	id := cliptest.Record(t, shelf, "ab12-f1", shot.Stream(60, 400))
	film := cliptest.Read(t, shelf, id, cliptest.Key)
	p.only(func(*http.Request) bool { return true })
	e.Settle(t, shelf)
	if got := cliptest.Read(t, shelf, id, cliptest.Key); !bytes.Equal(got, film) {
		t.Error("the film is another one")
	}
	for _, left := range e.Left(t) {
		if strings.HasPrefix(left, e.spool) {
			t.Errorf("%s is still in the spool", left)
		}
	}
}

// TestMovingIsTakenUpAfterAnyBreak lets each request of a moving and of an erasing fail once, by ending the process
// at it: whatever stands in the bucket has its entry, and in the end nothing is lost and nothing is left.
func TestMovingIsTakenUpAfterAnyBreak(t *testing.T) {
	server := versity(t)
	p := newProxy(t, server)
	for broken := range 6 {
		e := newEngine(t, server, p.address())
		shelf := e.Open(t)
		p.only(func(r *http.Request) bool { return r.Method != http.MethodPut })
		id := cliptest.Record(t, shelf, "ab12-f1", shot.Stream(60, 400))
		if err := shelf.SetPoster(t.Context(), id, []byte("poster")); err != nil {
			t.Fatal(err)
		}
		film := cliptest.Read(t, shelf, id, cliptest.Key)
		p.only(upTo(broken))
		shelf = restart(t, e, p, shelf)
		e.Settle(t, shelf)
		if got := cliptest.Read(t, shelf, id, cliptest.Key); !bytes.Equal(got, film) {
			t.Errorf("broken off at request %d, the film is another one", broken)
		}
		p.only(upTo(broken))
		_ = shelf.Erase(t.Context(), id)
		shelf = restart(t, e, p, shelf)
		if _, err := shelf.Sweep(t.Context(), cliptest.Begun.Add(cliptest.Life)); err != nil {
			t.Error(err)
		}
		if left := e.Left(t); len(left) > 0 {
			t.Errorf("erasing broken off at request %d left %q", broken, left)
		}
		shelf.Close()
	}
}

// upTo lets a number of requests pass, and no more.
func upTo(n int) func(*http.Request) bool {
	return func(*http.Request) bool { n--; return n >= 0 }
}

// restart lets what goes on break, and starts again with a server that answers.
func restart(t *testing.T, e *engine, p *proxy, shelf clip.Shelf) clip.Shelf {
	t.Helper()
	if err := shelf.Close(); err != nil {
		t.Fatal(err)
	}
	p.only(func(*http.Request) bool { return true })
	return e.Open(t)
}

// TestErasingStopsAMoving erases a clip whose upload hangs.
func TestErasingStopsAMoving(t *testing.T) {
	server := versity(t)
	p := newProxy(t, server)
	e := newEngine(t, server, p.address())
	shelf := e.Open(t)
	defer shelf.Close()
	uploading, gone := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hang := func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/clip") && r.Method == http.MethodPut {
			once.Do(func() { close(uploading) })
			p.mu.Unlock()
			<-gone
			p.mu.Lock()
			return false
		}
		return true
	}
	p.only(hang)
	id := cliptest.Record(t, shelf, "ab12-f1", shot.Stream(600, 10_000))
	<-uploading
	err := shelf.Erase(t.Context(), id)
	close(gone)
	if err != nil {
		t.Fatal(err)
	}
	if left := e.Left(t); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
	e.Settle(t, shelf)
	if left := e.Left(t); len(left) > 0 {
		t.Errorf("it came back: %q", left)
	}
}

// TestAFilmIsReadByFewRequests counts what playing takes.
func TestAFilmIsReadByFewRequests(t *testing.T) {
	server := versity(t)
	p := newProxy(t, server)
	e := newEngine(t, server, p.address())
	shelf := e.Open(t)
	defer shelf.Close()
	id := cliptest.Record(t, shelf, "ab12-f1", shot.Stream(1500, 1000))
	e.Settle(t, shelf)
	requests := 0
	p.only(func(*http.Request) bool { requests++; return true })
	cliptest.Read(t, shelf, id, cliptest.Key)
	if requests > 8 {
		t.Errorf("reading a minute took %d requests", requests)
	}
}

func TestABucketThatCanNotEraseIsRefused(t *testing.T) {
	server := versity(t)
	e := newEngine(t, server, "")
	if err := e.client.EnableVersioning(t.Context(), e.config.Bucket); err != nil {
		t.Fatal(err)
	}
	refused := func(why string, change func(*s3.Config)) {
		t.Helper()
		spool, err := disk.Open(e.spool)
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		config := e.config
		change(&config)
		shelf, err := s3.Open(t.Context(), config, spool, slog.New(slog.DiscardHandler))
		if err == nil {
			shelf.Close()
		}
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("instead of %q: %v", why, err)
		}
	}
	refused("old versions", func(*s3.Config) {})
	refused("there is no bucket", func(c *s3.Config) { c.Bucket = "another-bucket" })
	refused("bucket", func(c *s3.Config) { c.Secret = "wrong" })
}
