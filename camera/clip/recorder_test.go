package clip

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
)

func TestWithoutAnOpeningNothingIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		r := NewRecorder(shelf, naming, quiet)
		for _, u := range shot.Stream(60, 100) {
			r.Put(u)
		}
		synctest.Wait()
		if s := r.Status(); s.Clip != FileID(testClip, 0) || s.Fault(time.Now()) != nil || s.Bytes > 0 || !s.Since.IsZero() {
			t.Errorf("ready, it says %+v, %v", s, s.Fault(time.Now()))
		}
		if n := len(shelf.files[FileID(testClip, 0)].content); n > 0 {
			t.Errorf("%d bytes were written before the recording began", n)
		}
		if got := closed(t, r); len(got) > 0 || len(shelf.ids()) > 0 {
			t.Errorf("%v and %v are left", got, shelf.ids())
		}
	})
}

func TestWhatWasBeforeComesFirst(t *testing.T) {
	t.Parallel()
	units := shot.Stream(200, 100)
	shelf := newMemory()
	r := NewRecorder(shelf, naming, quiet)
	r.Begin(units[:150])
	for _, u := range units[150:] {
		r.Put(u)
	}
	got := closed(t, r)
	if len(got) != 1 || got[0].Summary.Frames != 200 {
		t.Fatalf("recorded %+v", got)
	}
	r.Put(units[0]) // after the end it does nothing
	r.Begin(units)
	if s := r.Status(); s.Frames != 200 || s.Lost > 0 || s.Bytes < 200*100 {
		t.Errorf("status %+v", s)
	}
}

func TestAFilmBeginsWithAKeyPicture(t *testing.T) {
	t.Parallel()
	units := shot.Stream(120, 100)
	shelf := newMemory()
	r := NewRecorder(shelf, naming, quiet)
	r.Begin(units[10:])
	got := closed(t, r)
	if got[0].Summary.Frames != 70 || !got[0].Summary.From.Equal(units[50].At) || r.Status().Lost != 40 {
		t.Errorf("%+v, lost %d", got[0].Summary, r.Status().Lost)
	}
}

// TestWhatDoesNotGoOnBeginsAnotherClip is about other parameters, a new connection, and gaps.
func TestWhatDoesNotGoOnBeginsAnotherClip(t *testing.T) {
	t.Parallel()
	other := shot.Format()
	other.PPS = append(bytes.Clone(other.PPS), 0)
	for name, change := range map[string]func(*camera.Unit){
		"other parameters":        func(u *camera.Unit) { u.Format = other },
		"a new connection":        func(u *camera.Unit) { u.DTS -= 100 * clockRate / 25; u.PTS = u.DTS },
		"a gap of eleven seconds": func(u *camera.Unit) { u.DTS += 11 * clockRate; u.PTS = u.DTS },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			units := shot.Stream(250, 100)
			for _, u := range units[100:] {
				change(u)
			}
			shelf := newMemory()
			got := recordAll(t, shelf, units)
			if len(got) != 2 || got[0].Summary.Frames != 100 || got[1].Summary.Frames != 150 || got[1].ID != FileID(testClip, 1) {
				t.Fatalf("recorded %+v", got)
			}
			for _, one := range got {
				readAll(t, shelf.files[one.ID].content, one.ID)
				if !shelf.files[one.ID].finished {
					t.Errorf("%s is not finished", one.ID)
				}
			}
		})
	}
}

func TestTheSameFormatAgainIsTheSameClip(t *testing.T) {
	t.Parallel()
	units := shot.Stream(200, 100)
	for _, u := range units[100:] {
		u.Format = shot.Format()
	}
	if got := recordAll(t, newMemory(), units); len(got) != 1 {
		t.Errorf("recorded %+v", got)
	}
}

func TestAnHourEndsAClip(t *testing.T) {
	t.Parallel()
	units := shot.Stream(1000, 20)
	for i, u := range units {
		u.DTS = int64(i) * 9 * clockRate
		u.PTS = u.DTS
	}
	got := recordAll(t, newMemory(), units)
	if len(got) < 2 {
		t.Fatalf("recorded %+v", got)
	}
	frames := 0
	for _, one := range got {
		frames += one.Summary.Frames
		if one.Summary.Duration > 62*time.Minute || one.Err != nil {
			t.Errorf("a clip of %v, %v", one.Summary.Duration, one.Err)
		}
	}
	// One key picture in 50 comes every 450 s here, so that each clip but the last is ended without waiting for one.
	if frames < 900 {
		t.Errorf("%d of 1000 pictures are left", frames)
	}
}

// TestAStalledDiskLosesPicturesAndNeverTheCamera also bounds the memory.
func TestAStalledDiskLosesPicturesAndNeverTheCamera(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		shelf.gate = make(chan struct{})
		units := shot.Stream(1500, 10_000)
		r := NewRecorder(shelf, naming, quiet)
		r.Begin(units[:50])
		synctest.Wait()
		for _, u := range units[50:1000] {
			r.Put(u) // would never return if it waited
			if waiting := r.queue.bytes; waiting > queueBytes {
				t.Fatalf("%d bytes wait", waiting)
			}
		}
		<-time.After(slow + time.Second) // by the bubble's clock
		if s := r.Status(); s.Fault(time.Now()) == nil || s.Lost == 0 {
			t.Errorf("with a stalled disk it says %+v", s)
		}
		close(shelf.gate)
		synctest.Wait()
		for _, u := range units[1000:] {
			r.Put(u)
			synctest.Wait()
		}
		s := r.Status()
		if s.Fault(time.Now()) != nil || s.Err != nil {
			t.Errorf("with a disk that works again: %+v", s)
		}
		got := closed(t, r)
		var frames int
		for _, one := range got {
			frames += one.Summary.Frames
		}
		if frames+s.Lost != 1500 || frames < 900 {
			t.Errorf("%d recorded and %d lost", frames, s.Lost)
		}
		last := got[len(got)-1].Summary.To
		if last.Before(units[1499].At.Add(-time.Millisecond)) {
			t.Errorf("recorded up to %v", last)
		}
	})
}

// TestLossesGoUpToAKeyPicture: what follows a lost picture can't be decoded.
func TestLossesGoUpToAKeyPicture(t *testing.T) {
	t.Parallel()
	q := newQueue()
	now := time.Now()
	q.begin(nil, now)
	units := shot.Stream(101, 100)
	huge := *units[10]
	huge.NALUs = [][]byte{make([]byte, queueBytes+1)}
	for _, u := range units[:10] {
		q.put(u, now)
	}
	q.put(&huge, now)
	for _, u := range units[11:] {
		q.put(u, now)
	}
	kept, _ := q.take()
	if len(kept) != 61 || kept[10] != units[50] {
		t.Errorf("%d units were kept", len(kept))
	}
	if _, lost := q.waiting(); lost != 40 {
		t.Errorf("%d were lost", lost)
	}
}

func TestTinyUnitsAreBoundedToo(t *testing.T) {
	t.Parallel()
	q := newQueue()
	q.begin(nil, time.Now())
	for _, u := range shot.Stream(3*queueUnits, 1) {
		q.put(u, time.Now())
	}
	if kept, _ := q.take(); len(kept) > queueUnits {
		t.Errorf("%d units wait", len(kept))
	}
}

func TestAFullDiskIsToldBeforeTheDoorOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		shelf.setFull(ErrFull)
		r := NewRecorder(shelf, naming, quiet)
		synctest.Wait()
		if err := r.Status().Fault(time.Now()); !errors.Is(err, ErrFull) {
			t.Errorf("with a full disk: %v", err)
		}
		shelf.setFull(nil)
		<-time.After(3 * retryAfter) // by the bubble's clock
		synctest.Wait()
		if err := r.Status().Fault(time.Now()); err != nil {
			t.Errorf("with room again: %v", err)
		}
		closed(t, r)
	})
}

// TestAFailedWriteEndsTheClipAndAnotherBegins fills the disk in the middle, and frees it again.
func TestAFailedWriteEndsTheClipAndAnotherBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		units := shot.Stream(400, 100)
		r := NewRecorder(shelf, naming, quiet)
		put := func(some []*camera.Unit) {
			for _, u := range some {
				r.Put(u)
				<-time.After(40 * time.Millisecond) // by the bubble's clock
			}
		}
		r.Begin(nil)
		put(units[:120])
		shelf.setFull(ErrFull)
		put(units[120:200])
		if err := r.Status().Fault(time.Now()); !errors.Is(err, ErrFull) {
			t.Errorf("with a full disk: %v", err)
		}
		shelf.setFull(nil)
		put(units[200:])
		if err := r.Status().Fault(time.Now()); err != nil {
			t.Errorf("with room again: %v", err)
		}
		got := closed(t, r)
		if len(got) != 2 || !errors.Is(got[0].Err, ErrFull) || got[1].Err != nil || got[1].Summary.Frames < 150 {
			t.Fatalf("recorded %+v", got)
		}
		torn := shelf.files[got[0].ID].content
		before := readAll(t, torn, got[0].ID)
		summary, err := Finish(t.Context(), shelf, got[0].ID, testKey)
		if err != nil || summary.Frames != 100 || summary.Whole {
			t.Fatalf("ending what the full disk broke off: %+v, %v", summary, err)
		}
		after := readAll(t, shelf.files[got[0].ID].content, got[0].ID)
		if !bytes.HasSuffix(after, before[len(before)-1000:]) {
			t.Error("the pictures changed")
		}
	})
}

func TestAStreamThatCanNotBeRecordedMakesNoClips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		r := NewRecorder(shelf, naming, quiet)
		r.Begin(nil)
		units := shot.Stream(300, 100)
		for _, u := range units[:200] {
			u.Format = &camera.Format{Codec: camera.H264, SPS: []byte{1}, PPS: []byte{2}}
			r.Put(u)
			<-time.After(40 * time.Millisecond) // by the bubble's clock
		}
		if len(shelf.ids()) != 1 || r.Status().Fault(time.Now()) == nil {
			t.Errorf("clips %v, status %+v", shelf.ids(), r.Status())
		}
		for _, u := range units[200:] {
			r.Put(u)
		}
		got := closed(t, r)
		if len(got) != 1 || got[0].Summary.Frames != 100 || r.Status().Err != nil {
			t.Errorf("recorded %+v, then %v", got, r.Status().Err)
		}
	})
}

func TestAPictureTooLargeIsLeftOut(t *testing.T) {
	t.Parallel()
	units := shot.Stream(150, 100)
	units[20].NALUs = [][]byte{make([]byte, partMost)}
	r := NewRecorder(newMemory(), naming, quiet)
	r.Begin(units)
	got := closed(t, r)
	if len(got) != 1 || got[0].Summary.Frames != 120 || r.Status().Lost != 30 {
		t.Errorf("recorded %+v, lost %d", got, r.Status().Lost)
	}
}

// TestLargePicturesMakeMoreFragments: a fragment must fit into a record.
func TestLargePicturesMakeMoreFragments(t *testing.T) {
	t.Parallel()
	shelf := newMemory()
	units := shot.Stream(50, 100)
	for _, u := range units {
		u.NALUs = [][]byte{make([]byte, 3<<20)}
		u.NALUs[0][0] = 0x65
	}
	got := recordAll(t, shelf, units[:20])
	if len(got) != 1 || got[0].Err != nil || got[0].Summary.Frames != 20 {
		t.Fatalf("recorded %+v", got)
	}
	readAll(t, shelf.files[got[0].ID].content, got[0].ID)
}

func TestClosingWaitsNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := newMemory()
		shelf.gate = make(chan struct{})
		r := NewRecorder(shelf, naming, quiet)
		r.Begin(shot.Stream(100, 100))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closing with a stalled disk: %v", err)
		}
		close(shelf.gate)
		if got := closed(t, r); len(got) != 1 || got[0].Err != nil {
			t.Errorf("afterwards: %+v", got)
		}
	})
}
