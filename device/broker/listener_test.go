package broker

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"

	"github.com/loquet/loquet/device/patience"
)

// wanting is a listener whose first connection can't be accepted, as without a file descriptor for it.
type wanting struct {
	net.Listener
	asked int
}

func (w *wanting) Accept() (net.Conn, error) {
	if w.asked++; w.asked == 1 {
		return nil, errors.New("accept4: too many open files")
	}
	return w.Listener.Accept()
}

func TestAConnectionThatCantBeAcceptedIsNotTheLast(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoorkeeper(&wanting{Listener: listener}, 10, func(net.Conn) {})
	if err := d.Init(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	served, over := make(chan bool), make(chan bool)
	go func() {
		d.Serve(func(string, net.Conn) error { close(served); return nil })
		close(over)
	}()
	conn, err := net.Dial("tcp", d.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-served
	d.Close(nil)
	<-over
}

func TestWhoReadsNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		conn := &impatient{ours}
		time.AfterFunc(time.Second, func() { _ = conn.SetDeadline(time.Now().Add(time.Hour)) }) // for the next packet that is read
		began := time.Now()
		if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != patience.Limit {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
	})
}

// TestAPasswordThatWasChangedMeanwhileLetsNobodyIn: a connection may wait for the old one of its name to end.
func TestAPasswordThatWasChangedMeanwhileLetsNobodyIn(t *testing.T) {
	g := newGuard(mochi.New(nil), Credentials{}, Limits{}.withDefaults())
	g.accounts["front"] = Account{Credentials: Credentials{Username: "front", PasswordHash: "new"}}
	cl := &mochi.Client{ID: "front-client", Properties: mochi.ClientProperties{Username: []byte("front")}}
	if g.arrive(cl, "old") || !g.arrive(cl, "new") {
		t.Error("the old password lets in, or the new one does not")
	}
}
