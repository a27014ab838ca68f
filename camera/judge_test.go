package camera_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"pgregory.net/rapid"
)

// scene plays a stream to a judge in virtual time: 25 pictures a second, a key picture every 50.
type scene struct {
	judge  *camera.Judge
	format *camera.Format
	at     time.Time
	pts    int64
	n      int
	tape   []*camera.Unit
}

func newScene() *scene {
	s := &scene{judge: camera.NewJudge(start), at: start}
	s.connect()
	return s
}

func (s *scene) connect() {
	s.format = &camera.Format{Codec: camera.H264, Width: 1280, Height: 720}
	s.pts = 0
	s.judge.Begin(s.at)
}

const tick = 40 * time.Millisecond

// picture is of the given size, and differs from every other unless content is that of another.
func (s *scene) picture(key bool, size int, content uint64) *camera.Unit {
	if size >= 100 { // noise takes more room, or less
		size += int(content * 2654435761 >> 8 % 89)
	}
	nalu := make([]byte, max(size, 16))
	nalu[0] = 0x41
	if key {
		nalu[0] = 0x65
	}
	binary.BigEndian.PutUint64(nalu[1:], content)
	return &camera.Unit{Format: s.format, At: s.at, PTS: s.pts, DTS: s.pts, Key: key,
		NALUs: [][]byte{{6, byte(s.n)}, nalu[:max(size, 9)]}}
}

// show plays one unit; wall is how much of our time passes until the next, media how much of the stream's.
func (s *scene) show(u *camera.Unit, wall, media time.Duration) {
	s.judge.Add(u)
	s.tape = append(s.tape, u)
	s.n++
	s.at = s.at.Add(wall)
	s.pts += int64(media) * 9 / 100_000
}

// live plays seconds of a really live picture.
func (s *scene) live(seconds float64) {
	for range int(seconds * 25) {
		key, size := s.n%50 == 0, 5000
		if key {
			size = 40_000
		}
		s.show(s.picture(key, size, uint64(s.n)), tick, tick)
	}
}

// replay plays units again, with times of now.
func (s *scene) replay(tape []*camera.Unit) {
	for _, u := range tape {
		again := *u
		again.At, again.PTS, again.DTS, again.Format = s.at, s.pts, s.pts, s.format
		s.show(&again, tick, tick)
	}
}

func (s *scene) verdict() camera.Verdict { return s.judge.Verdict(s.at) }

func (s *scene) want(t testing.TB, why camera.Why) {
	t.Helper()
	if v := s.verdict(); v.Why != why || v.Live != (why == camera.Live) {
		t.Fatalf("%.2f s in: %+v, wanted %q", s.at.Sub(start).Seconds(), v, why)
	}
}

func TestProofTakesThreeKeyPictures(t *testing.T) {
	s := newScene()
	s.want(t, camera.NoStream)
	s.live(4)
	s.want(t, camera.TooFew)
	s.live(0.04)
	s.want(t, camera.Live)
	if v := s.verdict(); v.Keys != 3 || !v.Since.Equal(s.at.Add(-tick)) || !v.Last.Equal(s.at.Add(-tick)) {
		t.Errorf("%+v", v)
	}
	s.live(600)
	s.want(t, camera.Live)
}

func TestLastPictureOfALostCameraIsNotLive(t *testing.T) {
	s := newScene()
	s.live(10)
	last := s.at.Add(-tick)
	if v := s.judge.Verdict(last.Add(camera.MaxAge)); !v.Live {
		t.Errorf("at the bound: %+v", v)
	}
	v := s.judge.Verdict(last.Add(camera.MaxAge + 1))
	if v.Live || v.Why != camera.Stale || !v.Since.Equal(last.Add(camera.MaxAge)) {
		t.Errorf("after it: %+v", v)
	}
}

func TestPicturesOfBeforeAStallAreLateAndThenLiveAgain(t *testing.T) {
	s := newScene()
	s.live(20)
	s.at = s.at.Add(5 * time.Second) // the network is jammed, the camera goes on
	for range 50 {
		s.show(s.picture(false, 5000, uint64(s.n)), time.Millisecond, tick)
	}
	s.want(t, camera.Clock)
	for range 75 {
		s.show(s.picture(false, 5000, uint64(s.n)), time.Millisecond, tick)
	}
	s.want(t, camera.Live)
	if v := s.verdict(); v.Since.Before(start.Add(25 * time.Second)) {
		t.Errorf("live since %v, before the stall", v.Since.Sub(start))
	}
}

func TestLiveSinceTheLastGap(t *testing.T) {
	s := newScene()
	s.live(20)
	s.at = s.at.Add(2 * time.Second) // the camera itself stood still
	s.pts += 180_000
	back := s.at
	s.live(1)
	if v := s.verdict(); !v.Live || !v.Since.Equal(back) {
		t.Errorf("%+v, the gap ended at %v", v, back)
	}
}

func TestPictureThatComesLateForGoodStaysRefused(t *testing.T) {
	s := newScene()
	s.live(20)
	s.at = s.at.Add(3 * time.Second) // somebody holds it back, and lets it go on as it was
	for range 25 * 20 {
		s.live(tick.Seconds())
		s.want(t, camera.Clock)
	}
}

func TestGroupSentAtOnceOnConnectingIsNoFault(t *testing.T) {
	s := newScene()
	for i := range 100 { // 4 s of pictures within 0.1 s
		s.show(s.picture(i%50 == 0, 5000, uint64(s.n)), time.Millisecond, tick)
	}
	s.n = 100
	s.live(30)
	s.want(t, camera.Live)
}

func TestWrongPace(t *testing.T) {
	for name, c := range map[string]struct {
		pace   float64 // our time for one second of the stream's
		within time.Duration
	}{
		"half speed":   {2, 3 * time.Second},
		"two thirds":   {1.5, 3200 * time.Millisecond},
		"double speed": {0.5, 3 * time.Second},
		"5 % slow":     {1.05, 30 * time.Second},
		"5 % fast":     {0.95, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.live(60)
			s.want(t, camera.Live)
			injected := s.at
			for s.verdict().Live && s.at.Sub(injected) < time.Hour {
				s.show(s.picture(s.n%50 == 0, 200, uint64(s.n)), time.Duration(c.pace*float64(tick)), tick)
			}
			if took := s.at.Sub(injected); took > c.within {
				t.Errorf("found after %v", took)
			}
			s.want(t, camera.Clock)
		})
	}
}

func TestClockThatErrsALittleIsNoFault(t *testing.T) {
	for _, pace := range []float64{0.995, 1.005, 1.0001} {
		s := newScene()
		for range 25 * 3600 {
			s.show(s.picture(s.n%50 == 0, 200, uint64(s.n)), time.Duration(pace*float64(tick)), tick)
			if v := s.verdict(); v.Why != camera.Live && v.Why != camera.TooFew {
				t.Fatalf("pace %v: %+v after %v", pace, v, s.at.Sub(start))
			}
		}
	}
}

func TestLoopIsFoundAtItsFirstRepeatedKeyPicture(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene()
		s.live(float64(rapid.IntRange(6, 60).Draw(rt, "live")))
		groups := rapid.IntRange(1, 30).Draw(rt, "groups")
		s.n = 0
		s.tape = nil
		begin := uint64(1) << 32
		for i := range groups * 50 {
			s.show(s.picture(i%50 == 0, 200, begin+uint64(i)), tick, tick)
			if i >= 150 {
				s.want(t, camera.Live)
			}
		}
		loop := s.tape
		s.replay(loop[:1])
		s.want(t, camera.Loop)
		s.replay(loop[1:])
		s.want(t, camera.Loop)
	})
}

func TestLoopIsFoundOverReconnects(t *testing.T) {
	s := newScene()
	s.live(20)
	tape := s.tape
	s.at = s.at.Add(time.Minute)
	s.connect()
	s.replay(tape[:250])
	s.want(t, camera.Loop)
}

func TestLastGroupSentAgainOnReconnectingProvesNothing(t *testing.T) {
	s := newScene()
	s.live(10)
	last := s.tape[200:250]
	s.connect()
	s.replay(last)
	s.want(t, camera.TooFew)
	if v := s.verdict(); v.Keys != 0 || v.Repeats != 0 {
		t.Errorf("%+v", v)
	}
	s.live(4.04)
	s.want(t, camera.Live)
	for range 5 { // but who only ever sends the same again is never proven
		s.connect()
		s.replay(s.tape[len(s.tape)-51 : len(s.tape)-1])
		if v := s.verdict(); v.Live {
			t.Fatalf("%+v", v)
		}
	}
}

func TestRepetitionIsForgivenAfterTenQuietMinutes(t *testing.T) {
	s := newScene()
	s.live(10)
	s.replay(s.tape[:50])
	s.n = 1000
	s.live(9.9 * 60)
	s.want(t, camera.Loop)
	s.live(6 * 60)
	s.want(t, camera.Live)
}

// keys plays n key pictures 2 s apart and nothing else, as a scene of hours would take long.
func (s *scene) keys(first, n uint64) {
	for i := range n {
		s.judge.Add(s.picture(true, 20, first+i))
		s.at = s.at.Add(2 * time.Second)
		s.pts += 180_000
	}
}

func TestLoopLongerThanMemoryIsFoundLaterButFound(t *testing.T) {
	const day = 43_200
	s := newScene()
	s.keys(0, day)
	if r := s.verdict().Repeats; r != 0 {
		t.Fatalf("%d repeats before anything was repeated", r)
	}
	found := uint64(0)
	for s.verdict().Repeats == 0 && found < day {
		s.keys(found, 1)
		found++
	}
	t.Logf("found at key picture %d of its second pass", found)
	if found > 600 {
		t.Errorf("found only at key picture %d", found)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := newScene()
	grown := heap(func() { s.keys(0, 400_000) })
	if v := s.verdict(); v.Repeats != 0 {
		t.Errorf("%d false alarms", v.Repeats)
	}
	if grown > 1<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
}

// heap returns how many bytes stay in use because of do.
func heap(do func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// still plays a still picture that is encoded again: nothing between key pictures, and few different ones.
func (s *scene) still(seconds float64, different uint64) {
	for range int(seconds * 25) {
		if s.n%50 == 0 {
			s.show(s.picture(true, 40_000, 1<<40+uint64(s.n/50)%different), tick, tick)
			continue
		}
		s.show(s.picture(false, 18, uint64(s.n)), tick, tick)
	}
}

func TestStillPictureEncodedAgainIsRefusedAndThenKnown(t *testing.T) {
	s := newScene()
	s.live(21)
	s.still(0.8, 4)
	s.want(t, camera.Live)
	s.still(0.4, 4)
	s.want(t, camera.Still)
	for range 25 * 30 {
		s.still(tick.Seconds(), 4)
		if v := s.verdict(); v.Live {
			t.Fatalf("%+v after %v", v, s.at.Sub(start))
		}
	}
	s.want(t, camera.Frozen)
}

func TestStillPictureFromTheBeginningIsNeverLive(t *testing.T) {
	for different := range uint64(6) {
		s := newScene()
		for range 25 * 60 {
			s.still(tick.Seconds(), different+1)
			if v := s.verdict(); v.Live {
				t.Fatalf("%d different key pictures: %+v after %v", different+1, v, s.at.Sub(start))
			}
		}
		s.want(t, camera.Frozen)
	}
}

func TestStillSceneWhoseKeyPicturesDifferPassesInTheEnd(t *testing.T) {
	s := newScene()
	s.still(22, 1<<20) // the encoder drops the noise between key pictures, and not in them
	s.want(t, camera.Still)
	s.still(4, 1<<20)
	s.want(t, camera.Live)
	if !s.verdict().Still {
		t.Error("the hint is not noted")
	}
	s.live(2)
	if v := s.verdict(); !v.Live || v.Still {
		t.Errorf("after something happens: %+v", v)
	}
}

func TestPicturesOfOneSizeAreStill(t *testing.T) {
	s := newScene()
	s.live(20.04)
	for range 50 {
		u := s.picture(false, 20, uint64(s.n))
		u.NALUs = append(u.NALUs, append([]byte{0x41}, make([]byte, 427+s.n%2)...))
		s.show(u, tick, tick)
	}
	s.want(t, camera.Still)
}

func TestSmallBPicturesAreNoHint(t *testing.T) {
	s := newScene()
	for range 25 * 60 {
		size := 30
		if s.n%4 == 0 {
			size = 4000
		}
		s.show(s.picture(s.n%48 == 0, size, uint64(s.n)), tick, tick)
		if v := s.verdict(); v.Still {
			t.Fatalf("still after %v", s.at.Sub(start))
		}
	}
	s.want(t, camera.Live)
}

func TestOnlyThePictureCounts(t *testing.T) {
	s := newScene()
	s.live(10)
	tape := s.tape[:1]
	again := *tape[0]
	again.NALUs = append([][]byte{{6, 1, 2, 3}, {9, 16}}, again.NALUs[1:]...) // other SEI, and a delimiter
	s.replay([]*camera.Unit{&again})
	s.want(t, camera.Loop)
}

func TestH265SlicesAreTheirOwnTypes(t *testing.T) {
	s := newScene()
	s.format = &camera.Format{Codec: camera.H265}
	sei := []byte{39 << 1, 1, 1}
	for i := range byte(3) {
		s.show(&camera.Unit{Format: s.format, At: s.at, Key: true, PTS: s.pts, DTS: s.pts,
			NALUs: [][]byte{{39 << 1, 1, i}, {19 << 1, 1, 200, 7}}}, tick, tick)
	}
	if v := s.verdict(); v.Keys != 1 || v.Repeats != 2 {
		t.Errorf("the same slice after %x: %+v", sei, v)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte{0x65, 0, 1, 0x41, 40, 2})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScene()
		for i := 0; i+3 <= len(data); i += 3 {
			u := s.picture(data[i]&0x1f == 5, int(data[i+1]), uint64(data[i+2]))
			u.DTS = int64(data[i+2]) << (data[i+1] % 56)
			u.NALUs = append(u.NALUs, nil, data[i:i+1])
			s.show(u, time.Duration(data[i+1])*time.Millisecond, tick)
			if v := s.verdict(); v.Live && (v.Keys < camera.NeededKeys || s.at.Sub(v.Last) > camera.MaxAge) {
				t.Fatalf("%+v", v)
			}
		}
	})
}

// BenchmarkUnit is what each unit of a 2 Mbit/s stream costs in judge and ring.
func BenchmarkUnit(b *testing.B) {
	s, ring := newScene(), camera.NewRing(camera.DefaultDepth)
	s.live(120)
	b.ReportAllocs()
	for i := range b.N {
		u := s.tape[i%len(s.tape)]
		s.judge.Add(u)
		ring.Put(u)
	}
}
