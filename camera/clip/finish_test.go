package clip

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/camera/clip/cliptest/shot"
)

// shelved is a shelf with one unfinished clip.
func shelved(content []byte) (*memory, ID) {
	shelf, id := newMemory(), FileID(testClip, 0)
	shelf.files[id] = &memoryFile{shelf: shelf, id: id, content: bytes.Clone(content)}
	return shelf, id
}

// TestFinishingAfterAKill cuts a recording anywhere and ends it: it must give exactly what would have been given had
// the recorder ended it after its last whole fragment.
func TestFinishingAfterAKill(t *testing.T) {
	t.Parallel()
	_, finished := sealedPair(t, 200, 120)
	plain, _, err := tryRead(finished, FileID(testClip, 0), testKey)
	if err != nil {
		t.Fatal(err)
	}
	whole := newMemory()
	want := recordAll(t, whole, shot.Stream(200, 120))[0].Summary
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(finished)).Draw(t, "cut")
		shelf, id := shelved(finished[:cut])
		before, _, err := tryRead(finished[:cut], id, testKey)
		empty := errors.Is(err, ErrEmpty)
		got, err := Finish(context.Background(), shelf, id, testKey)
		if errors.Is(err, ErrEmpty) {
			if len(shelf.files) > 0 || bytes.Contains(before, []byte("moof")) {
				t.Fatalf("cut at %d: %d bytes, and %v is left", cut, len(before), shelf.ids())
			}
			return
		}
		if err != nil || empty {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		film, ended, err := tryRead(shelf.files[id].content, id, testKey)
		if err != nil || !ended || !shelf.files[id].finished {
			t.Fatalf("cut at %d: ended %v, %v", cut, ended, err)
		}
		if got.Size != int64(len(film)) || got.Frames*40 != int(got.Duration.Milliseconds()) || got.Frames%25 != 0 {
			t.Fatalf("cut at %d: %+v of %d bytes", cut, got, len(film))
		}
		if got.Frames == want.Frames && !bytes.Equal(film, plain) {
			t.Fatal("the same pictures gave another film")
		}
	})
}

func TestFinishingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	unfinished, finished := sealedPair(t, 100, 100)
	for _, content := range [][]byte{unfinished, finished} {
		shelf, id := shelved(content)
		first, err := Finish(t.Context(), shelf, id, testKey)
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(shelf.files[id].content)
		second, err := Finish(t.Context(), shelf, id, testKey)
		if err != nil || first != second || !bytes.Equal(before, shelf.files[id].content) {
			t.Errorf("the second time: %+v instead of %+v, %v", second, first, err)
		}
	}
}

func TestFinishingWithAnotherKeyChangesNothing(t *testing.T) {
	t.Parallel()
	unfinished, _ := sealedPair(t, 100, 100)
	shelf, id := shelved(unfinished)
	if _, err := Finish(t.Context(), shelf, id, Key{7}); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: %v", err)
	}
	if !bytes.Equal(shelf.files[id].content, unfinished) {
		t.Error("the clip was changed")
	}
}

// TestFinishingAfterAPowerCut has the last fragments unwritten, as zeros or noise.
func TestFinishingAfterAPowerCut(t *testing.T) {
	t.Parallel()
	unfinished, _ := sealedPair(t, 200, 100)
	l, err := scan(bytes.NewReader(unfinished), int64(len(unfinished)))
	if err != nil {
		t.Fatal(err)
	}
	last := l.records[len(l.records)-2]
	clear(unfinished[last.at+headerSize : last.end()])
	shelf, id := shelved(unfinished)
	got, err := Finish(t.Context(), shelf, id, testKey)
	if err != nil || got.Frames != 150 {
		t.Fatalf("%+v, %v", got, err)
	}
	readAll(t, shelf.files[id].content, id)
}

func TestDamageInTheMiddleIsNotCutOff(t *testing.T) {
	t.Parallel()
	unfinished, _ := sealedPair(t, 25*(powerCut+10), 60)
	l, err := scan(bytes.NewReader(unfinished), int64(len(unfinished)))
	if err != nil {
		t.Fatal(err)
	}
	unfinished[l.records[3].at+50] ^= 1
	shelf, id := shelved(unfinished)
	if _, err := Finish(t.Context(), shelf, id, testKey); !errors.Is(err, ErrDamaged) {
		t.Errorf("damage in the middle: %v", err)
	}
	if !bytes.Equal(shelf.files[id].content, unfinished) {
		t.Error("the clip was changed")
	}
}
