package camera_test

import (
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// film makes units by hand: each letter is one, a capital a key unit, 40 ms apart.
type film struct {
	format *camera.Format
	n      int
	at     time.Time
	size   int
}

func newFilm() *film { return &film{format: &camera.Format{Codec: camera.H264}, at: start, size: 100} }

func (f *film) unit(key bool) *camera.Unit {
	nalu := make([]byte, f.size)
	nalu[0], nalu[1], nalu[2] = 0x41, byte(f.n), byte(f.n>>8)
	if key {
		nalu[0] = 0x65
	}
	u := &camera.Unit{Format: f.format, At: f.at, PTS: int64(f.n) * 3600, DTS: int64(f.n) * 3600, Key: key, NALUs: [][]byte{nalu}}
	f.n++
	f.at = f.at.Add(40 * time.Millisecond)
	return u
}

func (f *film) play(r *camera.Ring, seconds, group int) {
	for i := range seconds * 25 {
		r.Put(f.unit(i%group == 0))
	}
}

func drain(r *camera.Reader) []camera.Item {
	var got []camera.Item
	for {
		select {
		case item, ok := <-r.C:
			if !ok {
				return got
			}
			got = append(got, item)
		default:
			return got
		}
	}
}

func TestRecorderBeginsWithPreRoll(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	film.play(ring, 60, 50)
	_, _, span := ring.Held()
	if span < 6*time.Second || span > 12*time.Second {
		t.Fatalf("holds %v", span)
	}
	reader := ring.Subscribe(camera.FromOldest, 10)
	defer reader.Close()
	ring.Put(film.unit(false))
	got := drain(reader)
	if !got[0].Unit.Key || got[0].Unit.At.After(film.at.Add(-6*time.Second)) {
		t.Errorf("begins %v before the end, key %v", film.at.Sub(got[0].Unit.At), got[0].Unit.Key)
	}
	inOrder(t, got)
	if last := got[len(got)-1].Unit; last.PTS != int64(film.n-1)*3600 {
		t.Errorf("what follows is missing: ends at %d", last.PTS)
	}
}

func inOrder(t *testing.T, got []camera.Item) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		if got[i].Unit.PTS != got[i-1].Unit.PTS+3600 || got[i].Lost != 0 {
			t.Fatalf("item %d: %+v after %+v", i, got[i], got[i-1])
		}
	}
}

func TestLiveViewBeginsAtTheLastKeyUnit(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	film.play(ring, 9, 50)
	reader := ring.Subscribe(camera.FromLastKey, 10)
	defer reader.Close()
	got := drain(reader)
	if len(got) != 25 || !got[0].Unit.Key {
		t.Fatalf("%d units, first key %v", len(got), got[0].Unit.Key)
	}
	inOrder(t, got)
}

func TestNobodyIsShownAPictureThatCanNotBeDecoded(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	reader := ring.Subscribe(camera.FromOldest, 10)
	defer reader.Close()
	ring.Put(film.unit(false))
	ring.Put(film.unit(true))
	film.format = &camera.Format{Codec: camera.H264}
	ring.Put(film.unit(false)) // another format must begin with a key unit
	ring.Put(film.unit(true))
	got := drain(reader)
	if len(got) != 2 || !got[0].Unit.Key || !got[1].Unit.Key || got[0].Lost+got[1].Lost != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestSlowReaderIsToldAndGoesOnAtAKeyUnit(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	slow, quick := ring.Subscribe(camera.FromOldest, 5), ring.Subscribe(camera.FromOldest, 100)
	defer slow.Close()
	defer quick.Close()
	for i := range 20 {
		ring.Put(film.unit(i%10 == 0)) // the reader has room for 5, and none at the key unit in the middle
	}
	inOrder(t, drain(quick))
	if got := drain(slow); len(got) != 5 {
		t.Fatalf("%d units in a buffer of 5", len(got))
	}
	ring.Put(film.unit(false))
	ring.Put(film.unit(true))
	got := drain(slow)
	if len(got) != 1 || !got[0].Unit.Key || got[0].Lost != 16 {
		t.Errorf("got %+v", got)
	}
}

func TestReaderThatTakesNothingKeepsLittleAlive(t *testing.T) {
	ring, film := camera.NewRing(camera.Depth{Least: time.Second, Most: 2 * time.Second, Bytes: 100_000}), newFilm()
	reader := ring.Subscribe(camera.FromOldest, 10_000)
	defer reader.Close()
	film.size = 10_000
	film.play(ring, 60, 5)
	kept := 0
	for _, item := range drain(reader) {
		kept += item.Unit.Size()
	}
	if kept < 100_000 || kept > 200_000 {
		t.Errorf("%d bytes are kept for a reader of a ring of 100,000", kept)
	}
	film.play(ring, 1, 5)
	if got := drain(reader); len(got) == 0 || got[0].Lost == 0 {
		t.Error("a reader that takes again is not served")
	}
}

func TestRingIsBoundedWhateverTheCameraSends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := camera.Depth{Least: time.Second, Most: 3 * time.Second, Bytes: 100_000}
		ring, film := camera.NewRing(depth), newFilm()
		recorder := ring.Subscribe(camera.FromOldest, 8)
		defer recorder.Close()
		for range rapid.IntRange(1, 400).Draw(t, "units") {
			film.size = rapid.SampledFrom([]int{10, 100, 5_000, 200_000}).Draw(t, "size")
			film.at = film.at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 100, 5_000}).Draw(t, "pause")) * time.Millisecond)
			ring.Put(film.unit(rapid.IntRange(0, 9).Draw(t, "key") == 0))
			if _, bytes, _ := ring.Held(); bytes > depth.Bytes {
				t.Fatalf("%d bytes held", bytes)
			}
			fresh := ring.Subscribe(camera.FromOldest, 1)
			decodable(t, drain(fresh))
			fresh.Close()
		}
		decodable(t, drain(recorder))
	})
}

func decodable(t *rapid.T, got []camera.Item) {
	for i, item := range got {
		if item.Unit.Key {
			continue
		}
		if i == 0 || item.Lost > 0 || item.Unit.PTS != got[i-1].Unit.PTS+3600 {
			t.Fatalf("unit %d can't be decoded after what came before it", i)
		}
	}
}

func TestEndlessGroupIsNotHeldButGoesOnToItsReaders(t *testing.T) {
	ring, film := camera.NewRing(camera.Depth{Least: time.Second, Most: 3 * time.Second, Bytes: 50_000}), newFilm()
	reader := ring.Subscribe(camera.FromOldest, 8)
	defer reader.Close()
	var got []camera.Item
	for i := range 1000 {
		ring.Put(film.unit(i == 0))
		got = append(got, drain(reader)...)
	}
	inOrder(t, got)
	if units, _, _ := ring.Held(); len(got) != 1000 || units != 0 {
		t.Errorf("reader got %d, ring holds %d", len(got), units)
	}
	late := ring.Subscribe(camera.FromLastKey, 8)
	defer late.Close()
	ring.Put(film.unit(false))
	ring.Put(film.unit(true))
	if got := drain(late); len(got) != 1 || !got[0].Unit.Key || got[0].Lost != 0 {
		t.Errorf("a late reader got %+v", got)
	}
}

func TestPictureOfBeforeTheCutIsNotShownAsLive(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	film.play(ring, 4, 50)
	watching := ring.Subscribe(camera.FromLastKey, 8)
	defer watching.Close()
	drain(watching)
	ring.Cut()
	live := ring.Subscribe(camera.FromLastKey, 8)
	defer live.Close()
	recorder := ring.Subscribe(camera.FromOldest, 8)
	defer recorder.Close()
	if n := len(drain(live)); n != 0 {
		t.Errorf("%d units of a lost connection", n)
	}
	if n := len(drain(recorder)); n != 100 {
		t.Errorf("pre-roll of %d units", n)
	}
	ring.Put(film.unit(false))
	ring.Put(film.unit(true))
	for _, r := range []*camera.Reader{live, watching} {
		if got := drain(r); len(got) != 1 || !got[0].Unit.Key {
			t.Errorf("after the cut: %+v", got)
		}
	}
	film.at = film.at.Add(time.Hour)
	ring.Put(film.unit(true))
	if units, _, _ := ring.Held(); units != 1 {
		t.Errorf("an hour later %d units are held", units)
	}
}

func TestCloseEndsReaders(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	one, two := ring.Subscribe(camera.FromOldest, 8), ring.Subscribe(camera.FromOldest, 8)
	ring.Put(film.unit(true))
	one.Close()
	one.Close()
	ring.Put(film.unit(false))
	ring.Close()
	ring.Close()
	two.Close()
	if n := len(drain(one)); n != 1 {
		t.Errorf("closed reader got %d", n)
	}
	if n := len(drain(two)); n != 2 {
		t.Errorf("reader of a closed ring got %d", n)
	}
	ring.Put(film.unit(true))
	if _, ok := <-ring.Subscribe(camera.FromOldest, 8).C; ok {
		t.Error("a closed ring delivers")
	}
}

func TestReadersComeAndGoWhileItRuns(t *testing.T) {
	ring, film := camera.NewRing(camera.DefaultDepth), newFilm()
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 50 {
				reader := ring.Subscribe(camera.FromLastKey, 4)
				drain(reader)
				reader.Close()
			}
		})
	}
	film.play(ring, 40, 25)
	readers.Wait()
}

func TestPutAllocatesNothingPerReader(t *testing.T) {
	ring, film := camera.NewRing(camera.Depth{Least: time.Second, Most: time.Second, Bytes: 1 << 20}), newFilm()
	for range 10 {
		defer ring.Subscribe(camera.FromOldest, 4).Close()
	}
	film.play(ring, 10, 25)
	u := film.unit(false)
	if n := testing.AllocsPerRun(100, func() { ring.Put(u) }); n > 0.5 {
		t.Errorf("%v allocations", n)
	}
}
