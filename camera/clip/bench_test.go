package clip_test

import (
	"log/slog"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
	"github.com/loquet/loquet/event"
)

// BenchmarkRecorder records a minute of 25 pictures a second at 2 Mbit/s to a disk, finishing included. Its figures are
// the share of one core that a camera takes, all threads of the process counted, and what is allocated for a picture.
func BenchmarkRecorder(b *testing.B) {
	const seconds = 60
	units := shot.Stream(25*seconds, 10_000)
	shelf := openDisk(b)
	b.ReportAllocs()
	before := used(b)
	n := 0
	for b.Loop() {
		c := event.NewID[event.ClipID]("ab12", 'f', uint64(n))
		r := clip.NewRecorder(shelf, func(i int) (clip.Entry, clip.Key) { return cliptest.Entry(c, i), cliptest.Key }, slog.New(slog.DiscardHandler))
		r.Begin(units)
		got, err := r.Close(b.Context())
		if err != nil || len(got) != 1 || got[0].Err != nil {
			b.Fatalf("%+v, %v", got, err)
		}
		if err := shelf.Erase(b.Context(), got[0].ID); err != nil {
			b.Fatal(err)
		}
		n++
	}
	cpu := used(b) - before
	b.ReportMetric(100*cpu.Seconds()/float64(n*seconds), "%core/camera")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(n*len(units)), "cpu-ns/unit")
}

// used is the processor time of this process.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMemory records 100 cameras whose fragments all end at the same moment, which is the worst case, and says what
// each of them holds in memory after half a minute, buffers included. The pictures are the ring's and not counted.
func BenchmarkMemory(b *testing.B) {
	const cameras = 100
	units := shot.Stream(25*30, 10_000)
	shelf := openDisk(b)
	for b.Loop() {
		before := heap()
		recorders := make([]*clip.Recorder, cameras)
		for i := range recorders {
			recorders[i] = cliptest.Start(shelf, event.NewID[event.ClipID]("ab12", 'f', uint64(i)))
			recorders[i].Begin(nil)
		}
		for i, u := range units {
			for _, r := range recorders {
				r.Put(u)
			}
			if i%25 == 24 {
				written(b, recorders)
			}
		}
		b.ReportMetric((heap()-before)/cameras/1024, "kB/recorder")
		for i, r := range recorders {
			if _, err := r.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := shelf.Erase(b.Context(), clip.FileID(event.NewID[event.ClipID]("ab12", 'f', uint64(i)), 0)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// written waits until nothing waits to be written.
func written(b *testing.B, recorders []*clip.Recorder) {
	b.Helper()
	for _, r := range recorders {
		for !r.Status().Waiting.IsZero() {
			<-time.After(time.Millisecond)
		}
		if s := r.Status(); s.Lost > 0 {
			b.Fatalf("%d pictures were lost", s.Lost)
		}
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

// BenchmarkReading reads a minute of film from its sealed file.
func BenchmarkReading(b *testing.B) {
	shelf := openDisk(b)
	id := cliptest.Record(b, shelf, "ab12-f1", shot.Stream(1500, 10_000))
	b.SetBytes(15_000_000)
	for b.Loop() {
		cliptest.Read(b, shelf, id, cliptest.Key)
	}
}
