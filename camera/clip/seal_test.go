package clip

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/camera/clip/cliptest/shot"
)

// sealedPair is one recording twice: as it stood before its end, and finished.
func sealedPair(t testing.TB, frames, size int) (unfinished, finished []byte) {
	t.Helper()
	shelf := newMemory()
	got := recordAll(t, shelf, shot.Stream(frames, size))
	if len(got) != 1 || got[0].Err != nil {
		t.Fatalf("recorded %+v", got)
	}
	finished = shelf.files[got[0].ID].content
	l, err := scan(bytes.NewReader(finished), int64(len(finished)))
	if err != nil {
		t.Fatal(err)
	}
	return finished[:l.whole()], finished
}

func TestWhatIsReadIsWhatTheSummarySays(t *testing.T) {
	t.Parallel()
	shelf := newMemory()
	units := shot.Stream(130, 700)
	got := recordAll(t, shelf, units)[0]
	film := readAll(t, shelf.files[got.ID].content, got.ID)
	sum := sha256.Sum256(film)
	s := got.Summary
	if s.SHA256 != hex.EncodeToString(sum[:]) || s.Size != int64(len(film)) {
		t.Errorf("the summary says %d bytes and %s, the film has %d and %x", s.Size, s.SHA256, len(film), sum)
	}
	if s.Frames != 130 || s.Duration != 130*40*time.Millisecond || s.Width != 1280 || s.Height != 720 || !s.Whole {
		t.Errorf("summary %+v", s)
	}
	if last := units[129].At; !s.From.Equal(units[0].At) || s.To.Sub(last).Abs() > time.Microsecond {
		t.Errorf("filmed from %v to %v, not %v to %v", s.From, s.To, units[0].At, last)
	}
	for _, u := range units {
		if !bytes.Contains(film, u.NALUs[0]) {
			t.Fatalf("the picture at %v is not in the film", u.At)
		}
	}
}

func TestNothingOfAFilmIsReadableInTheFile(t *testing.T) {
	t.Parallel()
	units := shot.Stream(60, 500)
	shelf := newMemory()
	got := recordAll(t, shelf, units)[0]
	content := shelf.files[got.ID].content
	for _, secret := range [][]byte{units[3].NALUs[0][:16], units[0].Format.SPS, []byte("moof"), []byte("mdat"), testKey[:]} {
		if bytes.Contains(content, secret) {
			t.Errorf("%x stands in the sealed file", secret)
		}
	}
}

func TestAnyRangeOfAFilmIsServed(t *testing.T) {
	t.Parallel()
	_, finished := sealedPair(t, 200, 300)
	id := FileID(testClip, 0)
	film := readAll(t, finished, id)
	serve := func(w http.ResponseWriter, r *http.Request) {
		reader, err := NewReader(blobOf(finished), id, testKey)
		if err != nil {
			t.Error(err)
			return
		}
		defer reader.Close()
		http.ServeContent(w, r, "clip.mp4", time.Time{}, reader)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, len(film)-1).Draw(t, "from")
		to := rapid.IntRange(from, len(film)-1).Draw(t, "to")
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Range", "bytes="+strconv.Itoa(from)+"-"+strconv.Itoa(to))
		w := httptest.NewRecorder()
		serve(w, request)
		if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), film[from:to+1]) {
			t.Fatalf("bytes %d to %d: %d with %d other bytes", from, to, w.Code, w.Body.Len())
		}
	})
}

// TestACutFileGivesAPrefixOrAnError cuts a sealed file anywhere.
func TestACutFileGivesAPrefixOrAnError(t *testing.T) {
	t.Parallel()
	unfinished, finished := sealedPair(t, 130, 300)
	id := FileID(testClip, 0)
	plain := readAll(t, unfinished, id)
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(finished)-1).Draw(t, "cut")
		got, ended, err := tryRead(finished[:cut], id, testKey)
		switch {
		case err != nil && !errors.Is(err, ErrEmpty):
			t.Fatalf("cut at %d: %v", cut, err)
		case ended:
			t.Fatalf("cut at %d it still seems to be finished", cut)
		case !bytes.HasPrefix(plain, got):
			t.Fatalf("cut at %d it gives other bytes", cut)
		}
	})
}

// TestEveryFlippedBitIsNoticed flips one bit of a finished, and of an unfinished file.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	unfinished, finished := sealedPair(t, 80, 100)
	id := FileID(testClip, 0)
	for name, whole := range map[string][]byte{"finished": finished, "unfinished": unfinished} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := readAll(t, whole, id)
			rapid.Check(t, func(t *rapid.T) {
				broken := bytes.Clone(whole)
				at := rapid.IntRange(0, len(broken)*8-1).Draw(t, "bit")
				broken[at/8] ^= 1 << (at % 8)
				got, _, err := tryRead(broken, id, testKey)
				if !errors.Is(err, ErrDamaged) {
					t.Fatalf("bit %d: %v", at, err)
				}
				if !bytes.HasPrefix(want, got) {
					t.Fatalf("bit %d: wrong bytes were given before the error", at)
				}
			})
		})
	}
}

// TestHeadersAreNeverFlipped looks at every bit of every header and of the end's length, which chance meets rarely.
func TestHeadersAreNeverFlipped(t *testing.T) {
	t.Parallel()
	_, finished := sealedPair(t, 80, 100)
	id := FileID(testClip, 0)
	l, err := scan(bytes.NewReader(finished), int64(len(finished)))
	if err != nil {
		t.Fatal(err)
	}
	places := []int64{int64(len(finished)) - trailerSize, int64(len(finished)) - trailerSize/2}
	for _, record := range append(slices.Clone(l.records), l.end) {
		places = append(places, record.at, record.at+4)
	}
	for _, at := range places {
		for bit := range int64(32) {
			broken := bytes.Clone(finished)
			if at+bit/8 >= int64(len(broken)) {
				continue
			}
			broken[at+bit/8] ^= 1 << (bit % 8)
			if _, _, err := tryRead(broken, id, testKey); !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d, bit %d: %v", at, bit, err)
			}
		}
	}
}

func TestRecordsCanNotBeMoved(t *testing.T) {
	t.Parallel()
	unfinished, _ := sealedPair(t, 130, 100)
	id := FileID(testClip, 0)
	l, err := scan(bytes.NewReader(unfinished), int64(len(unfinished)))
	if err != nil {
		t.Fatal(err)
	}
	record := func(i int) []byte { return unfinished[l.records[i].at:l.records[i].end()] }
	file := func(order ...int) []byte {
		b := []byte(magic)
		for _, i := range order {
			b = append(b, record(i)...)
		}
		return b
	}
	for name, order := range map[string][]int{
		"swapped": {0, 2, 1, 3}, "dropped": {0, 1, 3}, "repeated": {0, 1, 1, 2}, "without the first": {1, 2, 3}, "first twice": {0, 0, 1},
	} {
		if _, _, err := tryRead(file(order...), id, testKey); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := tryRead(forged(file(order...)), id, testKey); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, with headers made to fit: %v", name, err)
		}
	}
	if _, _, err := tryRead(file(0, 1, 2, 3), id, testKey); err != nil {
		t.Errorf("in their order: %v", err)
	}
}

// forged numbers the records anew, as somebody without the key could.
func forged(file []byte) []byte {
	at := len(magic)
	for seq := uint32(0); at < len(file); seq++ {
		word := binary.BigEndian.Uint32(file[at:])
		k := kindPart
		if seq == 0 {
			k = kindInit
		}
		header := makeHeader(k, seq, int(word&maxRecord))
		copy(file[at:], header[:])
		at += headerSize + int(word&maxRecord)
	}
	return file
}

func TestAClipOpensOnlyWithItsKeyAndName(t *testing.T) {
	t.Parallel()
	unfinished, finished := sealedPair(t, 60, 100)
	for name, content := range map[string][]byte{"unfinished": unfinished, "finished": finished} {
		for _, wrong := range []struct {
			id  ID
			key Key
		}{{FileID(testClip, 1), testKey}, {FileID(testClip, 0), Key{9}}} {
			if b, _, err := tryRead(content, wrong.id, wrong.key); !errors.Is(err, ErrDamaged) || len(b) > 0 {
				t.Errorf("%s, as %s: %d bytes, %v", name, wrong.id, len(b), err)
			}
		}
	}
}

// TestAnEndFromAnotherClipIsNoEnd puts the end of one clip behind the records of another, under the same key.
func TestAnEndFromAnotherClipIsNoEnd(t *testing.T) {
	t.Parallel()
	shelf := newMemory()
	units := shot.Stream(60, 100)
	recordAll(t, shelf, units)
	n := 0
	r := NewRecorder(shelf, func(int) (Entry, Key) { n++; return naming(n) }, quiet)
	r.Begin(units)
	closed(t, r)
	first, second := shelf.files[FileID(testClip, 0)].content, shelf.files[FileID(testClip, 1)].content
	l, err := scan(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	mixed := append(bytes.Clone(first[:l.whole()]), second[l.whole():]...)
	if _, _, err := tryRead(mixed, FileID(testClip, 0), testKey); !errors.Is(err, ErrDamaged) {
		t.Errorf("another clip's end: %v", err)
	}
}

func TestRoomThatAPowerCutLeftEmptyIsTorn(t *testing.T) {
	t.Parallel()
	unfinished, _ := sealedPair(t, 130, 100)
	id := FileID(testClip, 0)
	want := readAll(t, unfinished, id)
	got := readAll(t, append(bytes.Clone(unfinished), make([]byte, 5000)...), id)
	if !bytes.Equal(got, want) {
		t.Error("zeros behind the last record change what is read")
	}
}

func TestSeekingBeforeTheBeginningFails(t *testing.T) {
	t.Parallel()
	_, finished := sealedPair(t, 60, 100)
	r, err := NewReader(blobOf(finished), FileID(testClip, 0), testKey)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought to -1")
	}
	if _, err := r.Seek(0, 7); err == nil {
		t.Error("sought in an unknown way")
	}
	if at, err := r.Seek(10, io.SeekEnd); err != nil || at != r.Size()+10 {
		t.Errorf("behind the end: %d, %v", at, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("reading behind the end: %v", err)
	}
}

// FuzzOpen reads files that anybody could have written: nothing that was not sealed with the key is ever given.
func FuzzOpen(f *testing.F) {
	unfinished, finished := sealedPair(f, 60, 60)
	f.Add(finished)
	f.Add(unfinished)
	f.Add(unfinished[:len(unfinished)-9])
	f.Add([]byte(magic))
	f.Add([]byte{})
	id := FileID(testClip, 0)
	head := readAll(f, finished, id)
	plain := readAll(f, unfinished, id)
	f.Fuzz(func(t *testing.T, content []byte) {
		got, ended, err := tryRead(content, id, testKey)
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrEmpty) {
			t.Fatalf("an error that says nothing: %v", err)
		}
		want := plain
		if ended {
			want = head
		}
		if !bytes.HasPrefix(want, got) {
			t.Fatal("bytes were given that were never sealed")
		}
	})
}

// FuzzEnd reads what an end could hold, without its seal.
func FuzzEnd(f *testing.F) {
	e := ending{summary: Summary{Frames: 3}, sizes: []uint32{40, 50}, head: []byte("head")}
	b, err := e.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		var e ending
		if e.unmarshal(b) != nil {
			return
		}
		if l, err := e.layout(segment{at: 98, size: 60}); err == nil && l.whole() != 98 {
			t.Fatal("records that end elsewhere")
		}
	})
}

// FuzzRecovery reads fragments and configurations that a damaged program could have sealed.
func FuzzRecovery(f *testing.F) {
	init, err := initialization(shot.Format())
	if err != nil {
		f.Fatal(err)
	}
	unfinished, _ := sealedPair(f, 60, 60)
	plain := readAll(f, unfinished, FileID(testClip, 0))
	f.Add(init, plain[len(init):len(init)+2000])
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, init, fragment []byte) {
		var p part
		var index table
		if p.unmarshal(fragment) == nil {
			index.add(&p, len(fragment))
		}
		_, _ = recordedCodec(init)
		pictureSize(init)
		_, _ = head(init, &index)
	})
}
