package notify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mailServer is a chasquid, the mail server of Debian's package of that name, with sockets of its own. It takes mail for
// the domain home.test from whoever signs in, and puts it into one file a letter. At home.test live anna and paul;
// nobody else does. Mail to later+… is put off after it was read, mail to never+… is refused then.
type mailServer struct {
	t   *testing.T
	dir string
	// starttls and implicit are the ports of submission.
	starttls, implicit int
	roots              *x509.CertPool
}

// mailUser signs in there.
const mailUser, mailPassword = "loquet@home.test", "a long password"

// hook decides over a letter once it was read (chasquid: exit 20 is final).
const hook = `#!/bin/sh
cat > /dev/null
case "$RCPT_TO" in
*later*) echo "451 come back"; exit 1 ;;
*never*) echo "554 spam"; exit 20 ;;
esac
`

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	bin, err := exec.LookPath("chasquid")
	if err != nil {
		t.Fatal("chasquid is not installed; install the Debian package \"chasquid\" (apt-get install chasquid)")
	}
	s := &mailServer{t: t, dir: t.TempDir()}
	s.configure()
	submission, secured := s.listen(&s.starttls), s.listen(&s.implicit)
	// The server takes its sockets as from systemd: they are bound before it runs, so that nothing has to be waited for.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -config_dir="$1" -alsologtostderr`, bin, s.dir)
	cmd.Env = []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=submission:submission_tls", "PATH=" + os.Getenv("PATH")}
	cmd.ExtraFiles = []*os.File{submission, secured}
	log := &safeBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("chasquid:\n%s", log)
		}
	})
	_ = submission.Close()
	_ = secured.Close()
	return s
}

// safeBuffer takes what a process prints.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (s *mailServer) listen(port *int) *os.File {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	*port = l.Addr().(*net.TCPAddr).Port
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *mailServer) configure() {
	s.mkdir("data")
	s.mkdir("in")
	s.write("chasquid.conf", fmt.Sprintf("hostname: \"localhost\"\ndata_dir: %q\nmail_log_path: \"<stderr>\"\nmail_delivery_agent_bin: \"/bin/sh\"\n"+
		"mail_delivery_agent_args: \"-c\"\nmail_delivery_agent_args: %q\n", s.path("data"), `d=`+s.path("in")+`; cat > $d/.$$ && mv $d/.$$ $d/%to_user%.$$`), 0o600)
	s.write("domains/home.test/aliases", "later+a: anna\nlater: anna\nnever: anna\n", 0o600)
	s.write("hooks/post-data", hook, 0o700)
	s.certify()
	for _, user := range []string{mailUser, "anna@home.test", "paul@home.test"} {
		out, err := exec.Command("chasquid-util", "-C="+s.dir, "user-add", user, "--password="+mailPassword).CombinedOutput()
		if err != nil {
			s.t.Fatalf("chasquid-util: %v\n%s", err, out)
		}
	}
}

func (s *mailServer) path(name string) string { return filepath.Join(s.dir, name) }

func (s *mailServer) mkdir(name string) {
	if err := os.MkdirAll(s.path(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

func (s *mailServer) write(name, content string, mode os.FileMode) {
	s.mkdir(filepath.Dir(name))
	if err := os.WriteFile(s.path(name), []byte(content), mode); err != nil {
		s.t.Fatal(err)
	}
}

// certify gives the server a certificate for localhost, by an authority of the test's own.
func (s *mailServer) certify() {
	ca, caKey := s.certificate(nil, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	cert, key := s.certificate(ca, caKey, &x509.Certificate{DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	s.roots = x509.NewCertPool()
	s.roots.AddCert(ca)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("certs/localhost/fullchain.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})), 0o600)
	s.write("certs/localhost/privkey.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), 0o600)
}

func (s *mailServer) certificate(by *x509.Certificate, byKey *ecdsa.PrivateKey, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by, byKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, byKey)
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return cert, key
}

// config is how a Mail reaches the server.
func (s *mailServer) config() MailConfig {
	return MailConfig{Host: "localhost", Port: s.starttls, TLS: MailStartTLS, Roots: s.roots, User: mailUser, Password: mailPassword,
		From: "Loquet <loquet@home.test>"}
}

// letters waits until so many letters have come for a user, and returns them.
func (s *mailServer) letters(user string, many int) []*mail.Message {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		names, err := filepath.Glob(s.path("in/" + user + ".*"))
		if err != nil {
			s.t.Fatal(err)
		}
		if len(names) >= many {
			return s.read(names)
		}
		select {
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("%d letters for %s, want %d", len(names), user, many)
		}
	}
}

func (s *mailServer) read(names []string) (all []*mail.Message) {
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			s.t.Fatalf("%v in\n%s", err, data)
		}
		all = append(all, m)
	}
	return all
}
