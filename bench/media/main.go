// Command media measures how many cameras a media service can film at once: the real process, real RTSP over TCP, sealed
// files on the disk. The cameras are one process that sends the same 720p film to everybody, so that what it costs to
// make pictures does not stand in the way.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/event"
)

func main() {
	b := bench{pictures: make(map[event.CameraID]event.Picture), faults: make(map[event.CameraID]event.PictureFault)}
	feeding := flag.Bool("feed", false, "be the cameras (the benchmark starts itself so)")
	film := flag.String("film", "", "the film that they send")
	flag.StringVar(&b.loquet, "loquet", "bin/loquet", "the binary under test")
	flag.IntVar(&b.cameras, "cameras", 300, "how many cameras are filmed at once")
	flag.DurationVar(&b.lasts, "for", 45*time.Second, "how long")
	flag.Parse()
	run := b.run
	if *feeding {
		run = func(ctx context.Context) error { return feed(ctx, *film) }
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "media:", err)
		os.Exit(1)
	}
}

// bench films with one media service.
type bench struct {
	loquet  string
	cameras int
	lasts   time.Duration

	dir     string
	client  *studio.Client
	service *exec.Cmd

	mu       sync.Mutex
	pictures map[event.CameraID]event.Picture
	// faults are those that were seen while it counted.
	counting bool
	faults   map[event.CameraID]event.PictureFault
}

// settle is how long everything runs before it counts.
const settle = 10 * time.Second

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "loquet-media-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	film := filepath.Join(b.dir, "film.h264")
	if err := makeFilm(ctx, film, 12*settle+b.lasts); err != nil {
		return err
	}
	address, end, err := startFeed(ctx, film)
	if err != nil {
		return err
	}
	defer end()
	stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return b.measure(ctx, address)
}

// start runs the service, and follows what it reports.
func (b *bench) start(ctx context.Context) (stop func(), err error) {
	b.service = exec.CommandContext(ctx, b.loquet, "media", "--data", b.dir, "--webrtc-listen", "127.0.0.1:0", "--log-level", "error")
	b.service.Stderr = os.Stderr
	b.service.Cancel = func() error { return b.service.Process.Signal(syscall.SIGTERM) }
	if err := b.service.Start(); err != nil {
		return nil, err
	}
	b.client = studio.OverSocket(filepath.Join(b.dir, "media.sock"), slog.New(slog.DiscardHandler))
	watching, cancel := context.WithCancel(ctx)
	go func() { _ = b.client.Watch(watching, b.see) }()
	return func() {
		cancel()
		_ = b.service.Process.Signal(syscall.SIGTERM)
		_ = b.service.Wait()
	}, nil
}

func (b *bench) see(p event.Picture) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pictures[p.Camera] = p
	if b.counting && p.Fault != "" {
		b.faults[p.Camera] = p.Fault
	}
}

func (b *bench) shot(i int, address string, keep bool) camera.Shot {
	return camera.Shot{Camera: event.CameraID(fmt.Sprintf("b%d-c1", i)), Visit: visitOf(i), Clip: clipOf(i), Address: address,
		Key: make([]byte, 32), EraseAt: event.InstantOf(time.Now().Add(time.Hour)), Keep: keep}
}

func visitOf(i int) event.VisitID { return event.VisitID(fmt.Sprintf("b%d-v1", i)) }
func clipOf(i int) event.ClipID   { return event.ClipID(fmt.Sprintf("b%d-f1", i)) }

// measure has all cameras proven live, then all filmed, and counts from a while later on.
func (b *bench) measure(ctx context.Context, address string) error {
	for i := range b.cameras {
		if err := b.retry(ctx, func() error { return b.client.Film(ctx, b.shot(i, address, false)) }); err != nil {
			return err
		}
	}
	if err := b.allLive(ctx); err != nil {
		return err
	}
	began := time.Now()
	for i := range b.cameras {
		if err := b.client.Film(ctx, b.shot(i, address, true)); err != nil {
			return err
		}
	}
	<-time.After(settle)
	before, err := usage(b.service.Process.Pid)
	if err != nil {
		return err
	}
	b.count(true)
	<-time.After(b.lasts)
	b.count(false)
	after, err := usage(b.service.Process.Pid)
	if err != nil {
		return err
	}
	return b.report(ctx, before, after, time.Since(began))
}

func (b *bench) count(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counting = on
}

// retry waits for the service to listen.
func (b *bench) retry(ctx context.Context, do func() error) (err error) {
	for range 100 {
		if err = do(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

// provenWithin is how long all cameras together may take to be proven.
const provenWithin = 2 * time.Minute

func (b *bench) allLive(ctx context.Context) error {
	limit := time.Now().Add(provenWithin)
	for {
		b.mu.Lock()
		live := 0
		for _, p := range b.pictures {
			if p.Fault == "" {
				live++
			}
		}
		b.mu.Unlock()
		if live == b.cameras {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("only %d of %d cameras were proven live", live, b.cameras)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *bench) report(ctx context.Context, before, after used, filmed time.Duration) error {
	cpu := (after.cpu - before.cpu).Seconds() / b.lasts.Seconds()
	each := cpu / float64(b.cameras) * 100
	memory := float64(after.resident) / 1e6 / float64(b.cameras)
	fmt.Printf("%s, %d CPUs, %s/%s; %d cameras, 720p, 25 pictures a second, 2 Mbit/s, key picture every 2 s, %s\n\n",
		time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.cameras, b.lasts)
	fmt.Println("| of one camera | measured | at most |\n| --- | --- | --- |")
	fmt.Printf("| share of one core, encryption included | %.2f %% | 0.25 %% |\n", each)
	fmt.Printf("| resident memory | %.1f MB | 7 MB |\n", memory)
	b.mu.Lock()
	stale := len(b.faults)
	fmt.Printf("| cameras whose picture did not count at any time | %d | 0 |\n", stale)
	for c, f := range b.faults {
		fmt.Printf("  %s: %s\n", c, f)
	}
	b.mu.Unlock()
	broken, err := b.broken(ctx, filmed)
	if err != nil {
		return err
	}
	fmt.Printf("| films with a gap | %d | 0 |\n", broken)
	if each > 0.25 || memory > 7 || stale > 0 || broken > 0 {
		return fmt.Errorf("a target was missed")
	}
	return nil
}

// broken counts the films that are in several pieces, too short, or much smaller than the others: of dropped pictures.
func (b *bench) broken(ctx context.Context, filmed time.Duration) (int, error) {
	var sizes []int64
	broken := 0
	for i := range b.cameras {
		files, err := b.client.Cut(ctx, visitOf(i), clipOf(i), make([]byte, 32))
		if err != nil {
			return 0, err
		}
		if len(files) != 1 || files[0].To.Since(files[0].From).Duration() < filmed {
			broken++
			continue
		}
		seconds := files[0].To.Since(files[0].From).Duration().Seconds()
		sizes = append(sizes, int64(float64(files[0].Bytes)/seconds))
	}
	slices.Sort(sizes)
	for _, s := range sizes {
		if s < sizes[len(sizes)/2]*95/100 {
			broken++
		}
	}
	return broken, nil
}
