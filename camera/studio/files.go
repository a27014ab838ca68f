package studio

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// part is one file of a clip: "<clip>-<n>". Each is a clip of its own on the shelf.
type part struct {
	clip.Info
	n int
}

func partID(c event.ClipID, n int) clip.ID { return clip.ID(string(c) + "-" + strconv.Itoa(n)) }

// partKey is the key of one file, from the clip's own: no two files are sealed under the same.
func partKey(key []byte, id clip.ID) (clip.Key, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "loquet clip 1 "+string(id), len(clip.Key{}))
	if err != nil {
		return clip.Key{}, fmt.Errorf("studio: %w", err)
	}
	return clip.Key(derived), nil
}

// parts lists a clip's files in their order.
func (l *Local) parts(ctx context.Context, c event.ClipID) ([]part, error) {
	infos, err := l.Shelf.List(ctx, event.SiteOf(c))
	if err != nil {
		return nil, err
	}
	var all []part
	for _, info := range infos {
		rest, ours := strings.CutPrefix(string(info.ID), string(c)+"-")
		if n, err := strconv.Atoi(rest); ours && err == nil {
			all = append(all, part{info, n})
		}
	}
	slices.SortFunc(all, func(a, b part) int { return a.n - b.n })
	return all, nil
}

// names gives the recorder of a shot the names and keys of its files, after those that an earlier recording left.
func (l *Local) names(ctx context.Context, s camera.Shot) (clip.ID, func(n int) (clip.Entry, clip.Key), error) {
	earlier, err := l.parts(ctx, s.Clip)
	if err != nil {
		return "", nil, err
	}
	first := 0
	if len(earlier) > 0 {
		first = earlier[len(earlier)-1].n + 1
	}
	if _, err := partKey(s.Key, partID(s.Clip, first)); err != nil {
		return "", nil, err
	}
	return partID(s.Clip, first), func(n int) (clip.Entry, clip.Key) {
		id := partID(s.Clip, first+n)
		key, _ := partKey(s.Key, id) // it depends on nothing that could fail now and did not above
		return clip.Entry{ID: id, Camera: s.Camera, Begun: time.Now(), EraseAt: s.EraseAt.Time()}, key
	}, nil
}

// files ends what broke off, and describes every file of a clip.
func (l *Local) files(ctx context.Context, c event.ClipID, key []byte) ([]event.ClipFile, error) {
	parts, err := l.parts(ctx, c)
	if err != nil {
		return nil, err
	}
	var all []event.ClipFile
	for _, p := range parts {
		f, err := l.file(ctx, p, key)
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

func (l *Local) file(ctx context.Context, p part, key []byte) (event.ClipFile, error) {
	k, err := partKey(key, p.ID)
	if err != nil {
		return event.ClipFile{}, err
	}
	if !p.Finished {
		summary, err := clip.Finish(ctx, l.Shelf, p.ID, k)
		return fileOf(summary), err
	}
	r, err := l.open(ctx, p.ID, k)
	if err != nil {
		return event.ClipFile{}, err
	}
	defer r.Close()
	summary, _ := r.Summary()
	return fileOf(summary), nil
}

func fileOf(s clip.Summary) event.ClipFile {
	return event.ClipFile{SHA256: s.SHA256, Bytes: s.Size, From: event.InstantOf(s.From), To: event.InstantOf(s.To)}
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
	parts, err := l.parts(r.Context(), c)
	if err != nil || file < 0 || file >= len(parts) {
		l.missing(w, err)
		return
	}
	k, err := partKey(key, parts[file].ID)
	if err != nil {
		l.missing(w, err)
		return
	}
	film, err := l.open(r.Context(), parts[file].ID, k)
	if err != nil {
		l.missing(w, err)
		return
	}
	defer film.Close()
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, film)
}

// missing answers for a file that is not there, or can't be read.
func (l *Local) missing(w http.ResponseWriter, err error) {
	if err == nil || errors.Is(err, clip.ErrNotFound) {
		http.Error(w, "There is no such film, or it was erased.", http.StatusNotFound)
		return
	}
	l.Log.Error("a clip could not be read", "error", err)
	http.Error(w, "The film can't be read now. Try again later.", http.StatusInternalServerError)
}

// poster puts a picture of the key unit beside a clip's file.
func (l *Local) poster(id clip.ID, key []byte, u *camera.Unit) error {
	k, err := partKey(key, id)
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
	parts, err := l.parts(r.Context(), c)
	i := slices.IndexFunc(parts, func(p part) bool { return p.Poster })
	if err != nil || i < 0 {
		l.missing(w, err)
		return
	}
	k, err := partKey(key, parts[i].ID)
	if err != nil {
		l.missing(w, err)
		return
	}
	jpeg, err := clip.Poster(r.Context(), l.Shelf, parts[i].ID, k)
	if err != nil {
		l.missing(w, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(jpeg))
}
