// Command pages measures what open live pages cost a server, and how soon a change is on them: real households, each
// with a signed-in member, hold the event stream of their page open over real sockets, without TLS.
//
// The server is a process of its own (loquet serve --media none), so that its memory is its own too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

func main() {
	program := flag.String("loquet", "bin/loquet", "the server's program")
	pages := flag.Int("pages", 2000, "live pages that are open at once")
	each := flag.Int("each", 10, "pages that each household holds open")
	changes := flag.Int("changes", 200, "changes of which the way to the page is timed")
	flag.Parse()
	if err := measure(context.Background(), *program, *pages, *each, *changes); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, program string, pages, each, changes int) error {
	dir, err := os.MkdirTemp("", "loquet-pages-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, program, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("%s, %d CPUs, %s/%s\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	homes, err := s.moveIn(ctx, (pages+each-1)/each)
	if err != nil {
		return err
	}
	before, err := s.settled()
	if err != nil {
		return err
	}
	watching, err := openAll(ctx, s, homes, pages, each)
	if err != nil {
		return err
	}
	defer watching.close()
	after, err := s.settled()
	if err != nil {
		return err
	}
	fmt.Printf("| live pages | server before | server with them | each |\n|---|---|---|---|\n| %d | %.1f MB | %.1f MB | %.1f KB |\n\n",
		pages, mb(before), mb(after), float64(after-before)/1024/float64(pages))
	return timeChanges(ctx, watching, changes)
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// timeChanges has households change their rules, and times the way from the answer to the page.
func timeChanges(ctx context.Context, w *watching, changes int) error {
	var took []time.Duration
	for i := range changes {
		one, err := w.change(ctx, i)
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	slices.Sort(took)
	fmt.Printf("| changes | from the request to the changed page, median | 99th percentile | worst |\n|---|---|---|---|\n| %d | %s | %s | %s |\n", changes,
		took[len(took)/2].Round(time.Millisecond/10), took[len(took)*99/100].Round(time.Millisecond/10), took[len(took)-1].Round(time.Millisecond/10))
	return nil
}
