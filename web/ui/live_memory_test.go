package ui_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// mostPerPage is what an open live page may cost a server, in bytes, without what the app behind it keeps. Measured: 33 KB.
const mostPerPage = 60 << 10

// TestMemoryOfOpenPages opens many live pages at once. Connections are bare on the client's side, so that nearly all of
// what is counted is the server's.
func TestMemoryOfOpenPages(t *testing.T) {
	pages := 2000
	if testing.Short() {
		pages = 200
	}
	k := uitest.Kit(t)
	srv := httptest.NewServer(k.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.Live(w, r, ui.LiveView{Wake: make(chan struct{}, 1), Render: exampleFrame})
	})))
	defer srv.Close()
	defer k.EndStreams()
	openPages(t, srv.Listener.Addr().String(), 20) // what is paid once
	before := inUse()
	open := openPages(t, srv.Listener.Addr().String(), pages)
	each := (inUse() - before) / int64(pages)
	t.Logf("%d live pages: %d bytes each", len(open), each)
	if each > mostPerPage {
		t.Errorf("an open live page costs %d bytes, more than %d", each, mostPerPage)
	}
}

// exampleFrame is a page of some size: four barriers, a timeline, a map.
func exampleFrame(ctx context.Context) (ui.Frame, error) {
	var shown []ui.Shown
	for _, kind := range []event.BarrierKind{event.Lobby, event.Flat, event.Garage, event.FrontDoor} {
		shown = append(shown, ui.StateOf(phrase.English, ui.Sight{Is: kind, Seen: saw(event.BoltLocked, event.ContactClosed, both)}, uitest.Now, nil))
	}
	return ui.Frame{Title: "Door open", Main: uitest.Example(func(en, _ string) string { return en }, shown)}, nil
}

func openPages(t *testing.T, addr string, n int) []net.Conn {
	t.Helper()
	open := make([]net.Conn, n)
	for i := range open {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "GET /home/live HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nUser-Agent: %s\r\nCookie: %s\r\n\r\n",
			strings.Repeat("Mozilla ", 14), strings.Repeat("x", 80))
		if err := readBeat(conn); err != nil {
			t.Fatal(err)
		}
		open[i] = conn
	}
	return open
}

// readBeat reads to the end of the first state.
func readBeat(conn net.Conn) error {
	lines := bufio.NewReaderSize(conn, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "event: beat") {
			return err
		}
	}
}

func inUse() int64 {
	for range 3 {
		runtime.GC() // twice more: pools let go of what they hold at the second
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
