package studio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// names gives the recorder of a shot the names of its files, after those that an earlier recording left.
func (l *Local) names(ctx context.Context, s camera.Shot) (clip.ID, func(n int) (clip.Entry, clip.Key), error) {
	earlier, err := clip.Files(ctx, l.Shelf, s.Clip)
	if err != nil {
		return "", nil, err
	}
	key, err := keyFrom(s.Key)
	if err != nil {
		return "", nil, err
	}
	first := clip.NextFile(earlier)
	return clip.FileID(s.Clip, first), func(n int) (clip.Entry, clip.Key) {
		return clip.Entry{ID: clip.FileID(s.Clip, first+n), Camera: s.Camera, Begun: time.Now(), EraseAt: s.EraseAt.Time()}, key
	}, nil
}

// keyFrom checks a key that came from outside.
func keyFrom(key []byte) (clip.Key, error) {
	if len(key) != len(clip.Key{}) {
		return clip.Key{}, fmt.Errorf("studio: a clip's key has %d bytes, not %d", len(clip.Key{}), len(key))
	}
	return clip.Key(key), nil
}

// files ends what broke off, and describes every file of a clip.
func (l *Local) files(ctx context.Context, c event.ClipID, key []byte) ([]event.ClipFile, error) {
	files, err := clip.Files(ctx, l.Shelf, c)
	if err != nil {
		return nil, err
	}
	k, err := keyFrom(key)
	if err != nil {
		return nil, err
	}
	var all []event.ClipFile
	for _, p := range files {
		f, err := l.file(ctx, p, k)
		switch {
		case errors.Is(err, clip.ErrEmpty):
		case err != nil:
			return nil, fmt.Errorf("studio: %s: %w", p.ID, err)
		default:
			all = append(all, f)
		}
	}
	return all, nil
}

func (l *Local) file(ctx context.Context, p clip.Info, key clip.Key) (event.ClipFile, error) {
	if !p.Finished {
		summary, err := clip.Finish(ctx, l.Shelf, p.ID, key)
		return fileOf(summary), err
	}
	r, err := l.open(ctx, p.ID, key)
	if err != nil {
		return event.ClipFile{}, err
	}
	defer r.Close()
	summary, _ := r.Summary()
	return fileOf(summary), nil
}

func fileOf(s clip.Summary) event.ClipFile {
	return event.ClipFile{SHA256: s.SHA256, Bytes: s.Size, From: event.InstantOf(s.From), To: event.InstantOf(s.To), Whole: s.Whole}
}

func (l *Local) open(ctx context.Context, id clip.ID, key clip.Key) (*clip.Reader, error) {
	blob, err := l.Shelf.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return clip.NewReader(blob, id, key)
}

// ServeFile implements camera.Studio.
func (l *Local) ServeFile(w http.ResponseWriter, r *http.Request, c event.ClipID, file int, key []byte) {
	film, err := l.film(r.Context(), c, file, key)
	if err != nil {
		l.missing(w, err)
		return
	}
	defer film.Close()
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, film)
}

func (l *Local) film(ctx context.Context, c event.ClipID, file int, key []byte) (*clip.Reader, error) {
	k, err := keyFrom(key)
	if err != nil {
		return nil, err
	}
	files, err := clip.Files(ctx, l.Shelf, c)
	if err != nil {
		return nil, err
	}
	if file < 0 || file >= len(files) {
		return nil, clip.ErrNotFound
	}
	return l.open(ctx, files[file].ID, k)
}

// missing answers for a file that is not there, or can't be read.
func (l *Local) missing(w http.ResponseWriter, err error) {
	if errors.Is(err, clip.ErrNotFound) {
		http.Error(w, "There is no such film, or it was erased.", http.StatusNotFound)
		return
	}
	l.Log.Error("a clip could not be read", "error", err)
	http.Error(w, "The film can't be read now. Try again later.", http.StatusInternalServerError)
}

// poster puts a picture of the key unit beside a clip's file.
func (l *Local) poster(id clip.ID, key []byte, u *camera.Unit) error {
	k, err := keyFrom(key)
	if err != nil {
		return err
	}
	jpeg, err := l.Decoder.JPEG(l.ctx, u)
	if err != nil {
		return err
	}
	return clip.SetPoster(l.ctx, l.Shelf, id, k, jpeg)
}

// ServePoster implements camera.Studio.
func (l *Local) ServePoster(w http.ResponseWriter, r *http.Request, c event.ClipID, key []byte) {
	jpeg, err := l.posterOf(r.Context(), c, key)
	if err != nil {
		l.missing(w, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(jpeg))
}

func (l *Local) posterOf(ctx context.Context, c event.ClipID, key []byte) ([]byte, error) {
	k, err := keyFrom(key)
	if err != nil {
		return nil, err
	}
	files, err := clip.Files(ctx, l.Shelf, c)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Poster {
			return clip.Poster(ctx, l.Shelf, f.ID, k)
		}
	}
	return nil, clip.ErrNotFound
}
