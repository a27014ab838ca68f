package cliptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
	"github.com/loquet/loquet/event"
)

// Engine makes shelves over one storage.
type Engine interface {
	// Open opens the storage, as a process does that starts. The suite closes what it opens before it opens again.
	Open(t testing.TB) clip.Shelf
	// Settle waits until what was finished stands where it stays.
	Settle(t testing.TB, shelf clip.Shelf)
	// Left lists everything that is stored, in words of the engine.
	Left(t testing.TB) []string
}

// Run holds an engine to the contract of [clip.Shelf]. Every case has a storage of its own.
func Run(t *testing.T, fresh func(t *testing.T) Engine) {
	cases := map[string]func(*testing.T, *box){
		"what was recorded is read back":          readsBack,
		"an unfinished clip is finished later":    finishesLater,
		"a clip is read while it is recorded":     readsWhileRecorded,
		"clips are listed by site":                lists,
		"a name is given once":                    givesNamesOnce,
		"only names that can be files are taken":  refusesNames,
		"what is not there is not found":          findsNothing,
		"a poster stands beside its clip":         keepsPosters,
		"erasing leaves nothing":                  erases,
		"erasing while it is recorded":            erasesRecordings,
		"erasing while it is read":                erasesWhileRead,
		"a sweep takes what is due":               sweeps,
		"a sweep takes what was broken off":       sweepsUnfinished,
		"the time of erasing can be changed":      keeps,
		"many clips at once":                      manyAtOnce,
		"a shelf that starts again knows its own": startsAgain,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			b := &box{engine: fresh(t)}
			b.Shelf = b.engine.Open(t)
			t.Cleanup(func() { b.shut(t) })
			run(t, b)
		})
	}
}

// box is a storage, and the shelf that is open over it.
type box struct {
	clip.Shelf
	engine Engine
}

func (b *box) shut(t testing.TB) {
	if b.Shelf != nil {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		b.Shelf = nil
	}
}

// again is what a process sees that starts after the one before.
func (b *box) again(t testing.TB) {
	t.Helper()
	b.shut(t)
	b.Shelf = b.engine.Open(t)
}

func (b *box) record(t testing.TB, c event.ClipID, frames int) clip.ID {
	t.Helper()
	return Record(t, b, c, shot.Stream(frames, 400))
}

// eachWhere runs a check where a finished clip stands first, and where it stays.
func (b *box) eachWhere(t *testing.T, check func(t *testing.T)) {
	check(t)
	b.engine.Settle(t, b.Shelf)
	check(t)
}

func wants(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, not %v", err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func nothingLeft(t testing.TB, b *box) {
	t.Helper()
	if left := b.engine.Left(t); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
}

func readsBack(t *testing.T, b *box) {
	units := shot.Stream(130, 400)
	id := Record(t, b, "ab12-f1", units)
	var before []byte
	b.eachWhere(t, func(t *testing.T) {
		film := Read(t, b, id, Key)
		for _, u := range units {
			if !bytes.Contains(film, u.NALUs[0]) {
				t.Fatal("a picture is missing")
			}
		}
		if before != nil && !bytes.Equal(before, film) {
			t.Error("the film changed when it was moved")
		}
		before = film
		readsRanges(t, b, id, film)
		info, err := b.Stat(t.Context(), id)
		if want := Entry("ab12-f1", 0); err != nil || !info.Finished || info.Entry != want || info.Size < int64(len(film)) {
			t.Errorf("it says %+v, %v", info, err)
		}
	})
}

// readsRanges reads some ranges, forward and backward, through one reader.
func readsRanges(t *testing.T, b *box, id clip.ID, film []byte) {
	blob, err := b.Open(t.Context(), id)
	must(t, err)
	r, err := clip.NewReader(blob, id, Key)
	must(t, err)
	defer r.Close()
	for _, part := range [][2]int{{len(film) - 10, 10}, {0, 50}, {len(film) / 2, 30_000}, {7, len(film) - 7}} {
		n := min(part[1], len(film)-part[0])
		got := make([]byte, n)
		if _, err := r.Seek(int64(part[0]), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, film[part[0]:part[0]+n]) {
			t.Fatalf("%d bytes at %d: %v", n, part[0], err)
		}
	}
}

func finishesLater(t *testing.T, b *box) {
	id := Break(t, b, "ab12-f1", shot.Stream(130, 400))
	empty, err := b.Create(t.Context(), Entry("ab12-f2", 0))
	must(t, err)
	must(t, empty.Close())
	b.again(t)
	left, err := b.Unfinished(t.Context())
	if err != nil || len(left) != 2 || left[0].ID != id || left[0].Finished {
		t.Fatalf("unfinished: %+v, %v", left, err)
	}
	summary, err := clip.Finish(t.Context(), b, id, Key)
	if err != nil || summary.Frames != 125 || summary.Whole {
		t.Fatalf("finished: %+v, %v", summary, err)
	}
	_, err = clip.Finish(t.Context(), b, left[1].ID, Key)
	wants(t, err, clip.ErrEmpty)
	b.engine.Settle(t, b.Shelf)
	if film := Read(t, b, id, Key); int64(len(film)) != summary.Size {
		t.Errorf("the film has %d bytes, the summary says %d", len(film), summary.Size)
	}
	if left, err := b.Unfinished(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("still unfinished: %+v, %v", left, err)
	}
	_, err = b.Resume(t.Context(), id, 0)
	wants(t, err, clip.ErrNotFound)
}

func readsWhileRecorded(t *testing.T, b *box) {
	f, err := b.Create(t.Context(), Entry("ab12-f1", 0))
	must(t, err)
	defer f.Close()
	if left, err := b.Unfinished(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("what is being recorded counts as left behind: %+v, %v", left, err)
	}
	_, err = b.Resume(t.Context(), "ab12-f1-0", 0)
	wants(t, err, clip.ErrInUse)
	for _, word := range []string{"one", "two", "three"} {
		if _, err := io.WriteString(f, word); err != nil {
			t.Fatal(err)
		}
		if got := Sealed(t, b, "ab12-f1-0"); !bytes.HasSuffix(got, []byte(word)) {
			t.Errorf("after %q it reads %q", word, got)
		}
	}
	got := make([]byte, 3)
	if _, err := f.ReadAt(got, 3); err != nil || string(got) != "two" {
		t.Errorf("the writer reads %q, %v", got, err)
	}
}

func lists(t *testing.T, b *box) {
	first, second := b.record(t, "ab12-f2", 30), b.record(t, "ab12-f10", 30)
	other := b.record(t, "ab1-f3", 30)
	b.eachWhere(t, func(t *testing.T) {
		for site, want := range map[event.SiteID][]clip.ID{"ab12": {second, first}, "ab1": {other}, "": {other, second, first}, "zz": nil} {
			infos, err := b.List(t.Context(), site)
			var got []clip.ID
			for _, info := range infos {
				got = append(got, info.ID)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("site %q has %v, not %v: %v", site, got, want, err)
			}
		}
	})
	third, err := b.Create(t.Context(), Entry("ab12-f2", 11))
	must(t, err)
	must(t, third.Close())
	files, err := clip.Files(t.Context(), b, "ab12-f2")
	if err != nil || len(files) != 2 || files[0].ID != first || files[1].Finished {
		t.Errorf("the files of one clip are %+v, %v", files, err)
	}
}

func givesNamesOnce(t *testing.T, b *box) {
	id := b.record(t, "ab12-f1", 30)
	b.eachWhere(t, func(t *testing.T) {
		_, err := b.Create(t.Context(), Entry("ab12-f1", 0))
		wants(t, err, clip.ErrExists)
		Read(t, b, id, Key)
	})
}

func refusesNames(t *testing.T, b *box) {
	for _, id := range []clip.ID{"", "ab12", "../ab12-f1", "ab12-../x", "ab12-f1/clip", "AB-f1", "-f1", "ab12-\x00"} {
		entry := Entry("ab12-f1", 0)
		entry.ID = id
		if _, err := b.Create(t.Context(), entry); err == nil {
			t.Errorf("%q was made", id)
		}
		if _, err := b.Open(t.Context(), id); err == nil {
			t.Errorf("%q was opened", id)
		}
		if err := b.Erase(t.Context(), id); err == nil {
			t.Errorf("%q was erased", id)
		}
	}
	entry := Entry("ab12-f1", 0)
	entry.EraseAt = time.Time{}
	if _, err := b.Create(t.Context(), entry); err == nil {
		t.Error("a clip without an end of its life was made")
	}
	nothingLeft(t, b)
}

func findsNothing(t *testing.T, b *box) {
	ctx, id := t.Context(), clip.ID("ab12-f1-0")
	_, err := b.Open(ctx, id)
	wants(t, err, clip.ErrNotFound)
	_, err = b.Stat(ctx, id)
	wants(t, err, clip.ErrNotFound)
	_, err = b.Resume(ctx, id, 0)
	wants(t, err, clip.ErrNotFound)
	_, err = b.Poster(ctx, id)
	wants(t, err, clip.ErrNotFound)
	wants(t, b.SetPoster(ctx, id, []byte("x")), clip.ErrNotFound)
	wants(t, b.Keep(ctx, id, Begun), clip.ErrNotFound)
	must(t, b.Erase(ctx, id))
	nothingLeft(t, b)
}

func keepsPosters(t *testing.T, b *box) {
	id := b.record(t, "ab12-f1", 30)
	for n, where := range []string{"first", "last"} {
		if n == 1 {
			b.engine.Settle(t, b.Shelf)
		}
		for _, content := range []string{where, where + " again"} {
			must(t, b.SetPoster(t.Context(), id, []byte(content)))
			if got, err := b.Poster(t.Context(), id); err != nil || string(got) != content {
				t.Errorf("the poster is %q, not %q: %v", got, content, err)
			}
		}
		b.engine.Settle(t, b.Shelf)
		if got, err := b.Poster(t.Context(), id); err != nil || string(got) != where+" again" {
			t.Errorf("once moved the poster is %q: %v", got, err)
		}
		if info, err := b.Stat(t.Context(), id); err != nil || !info.Poster {
			t.Errorf("it says %+v, %v", info, err)
		}
	}
}

func erases(t *testing.T, b *box) {
	for _, settled := range []bool{false, true} {
		id := b.record(t, "ab12-f1", 30)
		must(t, b.SetPoster(t.Context(), id, []byte("poster")))
		if settled {
			b.engine.Settle(t, b.Shelf)
		}
		if len(b.engine.Left(t)) == 0 {
			t.Fatal("the engine sees nothing of a clip that is there")
		}
		must(t, b.Erase(t.Context(), id))
		nothingLeft(t, b)
		must(t, b.Erase(t.Context(), id))
		_, err := b.Open(t.Context(), id)
		wants(t, err, clip.ErrNotFound)
	}
	b.again(t)
	nothingLeft(t, b)
}

func erasesRecordings(t *testing.T, b *box) {
	r := Start(b, "ab12-f1")
	r.Begin(shot.Stream(60, 400))
	for r.Status().Bytes == 0 {
		<-time.After(time.Millisecond)
	}
	must(t, b.Erase(t.Context(), "ab12-f1-0"))
	nothingLeft(t, b)
	got, err := r.Close(t.Context())
	if err != nil || len(got) != 1 || got[0].Err == nil {
		t.Errorf("the recording ended as %+v, %v", got, err)
	}
	nothingLeft(t, b)
	b.record(t, "ab12-f1", 30)
}

func erasesWhileRead(t *testing.T, b *box) {
	id := b.record(t, "ab12-f1", 100)
	b.engine.Settle(t, b.Shelf)
	blob, err := b.Open(t.Context(), id)
	must(t, err)
	defer blob.Close()
	must(t, b.Erase(t.Context(), id))
	nothingLeft(t, b)
}

func sweeps(t *testing.T, b *box) {
	due, kept := b.record(t, "ab12-f1", 30), b.record(t, "cd34-f1", 30)
	must(t, b.SetPoster(t.Context(), due, []byte("poster")))
	must(t, b.Keep(t.Context(), kept, Begun.Add(2*Life)))
	for _, now := range []time.Duration{0, Life - time.Second} {
		if n, err := b.Sweep(t.Context(), Begun.Add(now)); err != nil || n != 0 {
			t.Errorf("%v after its beginning %d clips were erased, %v", now, n, err)
		}
	}
	b.engine.Settle(t, b.Shelf)
	second := b.record(t, "ef56-f1", 30)
	if n, err := b.Sweep(t.Context(), Begun.Add(Life)); err != nil || n != 2 {
		t.Errorf("%d clips were erased, %v", n, err)
	}
	for _, id := range []clip.ID{due, second} {
		_, err := b.Stat(t.Context(), id)
		wants(t, err, clip.ErrNotFound)
	}
	Read(t, b, kept, Key)
	if n, err := b.Sweep(t.Context(), Begun.Add(2*Life)); err != nil || n != 1 {
		t.Errorf("%d clips were erased at last, %v", n, err)
	}
	nothingLeft(t, b)
}

func sweepsUnfinished(t *testing.T, b *box) {
	Break(t, b, "ab12-f1", shot.Stream(100, 400))
	b.again(t)
	if n, err := b.Sweep(t.Context(), Begun.Add(Life)); err != nil || n != 1 {
		t.Errorf("%d clips were erased, %v", n, err)
	}
	nothingLeft(t, b)
}

func keeps(t *testing.T, b *box) {
	id := b.record(t, "ab12-f1", 30)
	b.eachWhere(t, func(t *testing.T) {
		for _, life := range []time.Duration{time.Hour, 30 * 24 * time.Hour} {
			must(t, b.Keep(t.Context(), id, Begun.Add(life)))
			info, err := b.Stat(t.Context(), id)
			if err != nil || !info.EraseAt.Equal(Begun.Add(life)) || info.Camera != "ab12-c1" {
				t.Errorf("it says %+v, %v", info, err)
			}
		}
	})
	if n, err := b.Sweep(t.Context(), Begun.Add(2*Life)); err != nil || n != 0 {
		t.Errorf("%d clips were erased before their new time, %v", n, err)
	}
	must(t, b.Keep(t.Context(), id, Begun.Add(time.Hour)))
	if n, err := b.Sweep(t.Context(), Begun.Add(time.Hour)); err != nil || n != 1 {
		t.Errorf("%d clips were erased at their new time, %v", n, err)
	}
	nothingLeft(t, b)
}

// manyAtOnce records, reads and erases by several goroutines.
func manyAtOnce(t *testing.T, b *box) {
	units := shot.Stream(60, 400)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			c := event.ClipID(fmt.Sprintf("ab1%d-f1", i%3)) + event.ClipID(fmt.Sprint(i))
			id := Record(t, b, c, units)
			if _, err := ReadFilm(t.Context(), b, id, Key); err != nil {
				t.Error(err)
			}
			if _, err := b.List(t.Context(), id.Site()); err != nil {
				t.Error(err)
			}
			if err := b.Erase(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.engine.Settle(t, b.Shelf)
	nothingLeft(t, b)
}

func startsAgain(t *testing.T, b *box) {
	id := b.record(t, "ab12-f1", 60)
	must(t, b.SetPoster(t.Context(), id, []byte("poster")))
	want := Read(t, b, id, Key)
	for range 2 {
		b.again(t)
		if got := Read(t, b, id, Key); !bytes.Equal(got, want) {
			t.Error("the film is another one")
		}
		if poster, err := b.Poster(t.Context(), id); err != nil || string(poster) != "poster" {
			t.Errorf("the poster is %q, %v", poster, err)
		}
		b.engine.Settle(t, b.Shelf)
	}
	if room, err := b.Room(context.Background()); err != nil || room <= 0 {
		t.Errorf("room: %d, %v", room, err)
	}
}
