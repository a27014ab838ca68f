package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Clip is what was kept of a visit.
type Clip struct {
	ID    event.ClipID  `json:"clip"`
	Visit event.VisitID `json:"visit"`
	// EraseAt is when it will be erased; absent while the visit goes on.
	EraseAt event.Instant `json:"eraseAt,omitempty" format:"date-time"`
	Files   []ClipFile    `json:"files" doc:"In order. Several when the camera's stream broke off or changed"`
}

// ClipFile is one file of a clip.
type ClipFile struct {
	Number int           `json:"number" doc:"Its place, counted from 1"`
	SHA256 string        `json:"sha256" doc:"Of the file as it is downloaded; stands in the journal"`
	Bytes  int64         `json:"bytes"`
	From   event.Instant `json:"from" format:"date-time"`
	To     event.Instant `json:"to" format:"date-time"`
	Whole  bool          `json:"whole" doc:"False when it broke off"`
}

// ClipPath names a clip.
type ClipPath struct {
	Clip event.ClipID `path:"clip" maxLength:"64"`
}

func (a *API) registerClips() {
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips", id: "listClips", summary: "List what was filmed", tag: "Camera"}, a.ListClips)
	forMember(a, route{method: http.MethodDelete, path: "/v1/home/clips/{clip}", id: "eraseClip", summary: "Erase what was filmed",
		about: "Everything that belongs to it, at once.", tag: "Camera", status: http.StatusAccepted}, a.EraseClip)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips/{clip}/files/{number}", id: "watchClip", summary: "Watch or download a file of a clip",
		about: "Whole, or in ranges as players ask. Each look is recorded when it begins.", tag: "Camera", media: "video/mp4"}, a.WatchClip)
	forMember(a, route{method: http.MethodGet, path: "/v1/home/clips/{clip}/poster", id: "clipPoster", summary: "A clip's picture", tag: "Camera",
		media: "image/jpeg"}, a.ClipPoster)
}

// ListClips is the operation listClips: list what was filmed.
func (a *API) ListClips(ctx context.Context, m auth.Member, _ *struct{}) (*struct {
	Body struct {
		Clips []Clip `json:"clips"`
	}
}, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Clips []Clip `json:"clips"`
		}
	}{}
	out.Body.Clips = []Clip{}
	for _, c := range s.Clips {
		if !c.Erasing {
			out.Body.Clips = append(out.Body.Clips, clipShown(c))
		}
	}
	return out, nil
}

func clipShown(c site.Clip) Clip {
	shown := Clip{ID: c.ID, Visit: c.Visit, EraseAt: c.EraseAt, Files: []ClipFile{}}
	for i, f := range c.Files {
		shown.Files = append(shown.Files, ClipFile{Number: i + 1, SHA256: f.SHA256, Bytes: f.Bytes, From: f.From, To: f.To, Whole: f.Whole})
	}
	return shown
}

// EraseClip is the operation eraseClip: erase what was filmed.
func (a *API) EraseClip(ctx context.Context, m auth.Member, in *ClipPath) (*struct{}, error) {
	_, err := decide(ctx, a, byMember(m, site.EraseClip{Clip: in.Clip}), done)
	return nil, err
}

// WatchClipInput is what WatchClip takes.
type WatchClipInput struct {
	ClipPath
	Number int `path:"number" minimum:"1" maximum:"1000"`
}

// WatchClip is the operation watchClip: watch or download a file of a clip.
func (a *API) WatchClip(ctx context.Context, m auth.Member, in *WatchClipInput) (*huma.StreamResponse, error) {
	director, key, err := a.clip(ctx, m, in.Clip)
	if err != nil {
		return nil, err
	}
	look := string(m.ID()) + "/" + string(in.Clip)
	if callOf(ctx).ranged == "" || a.lookings.over(look, a.Now()) {
		if err := a.watched(ctx, byMember(m, site.WatchPicture{Clip: in.Clip})); err != nil {
			return nil, err
		}
	}
	a.lookings.last.Add(look, a.Now())
	return a.raw(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `inline; filename="`+string(in.Clip)+"-"+strconv.Itoa(in.Number)+`.mp4"`)
		director.Studio.ServeFile(w, r, in.Clip, in.Number-1, key)
	}), nil
}

// ClipPoster is the operation clipPoster: a clip's picture.
func (a *API) ClipPoster(ctx context.Context, m auth.Member, in *ClipPath) (*huma.StreamResponse, error) {
	director, key, err := a.clip(ctx, m, in.Clip)
	if err != nil {
		return nil, err
	}
	return a.raw(func(w http.ResponseWriter, r *http.Request) { director.Studio.ServePoster(w, r, in.Clip, key) }), nil
}

// clip finds a clip of the member's own site, and what opens it.
func (a *API) clip(ctx context.Context, m auth.Member, id event.ClipID) (*film.Director, []byte, error) {
	director, err := a.filming()
	if err != nil {
		return nil, nil, err
	}
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	if c, ok := s.Clip(id); !ok || c.Erasing || !c.Finished {
		return nil, nil, notFound("clip")
	}
	key, err := director.ClipKey(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, notFound("clip")
	}
	return director, key, err
}

// lookings are the looks at clips that are under way: a player asks for many ranges of what it shows. Safe for
// concurrent use. What is forgotten is recorded once more.
type lookings struct{ last *lru.Cache[string, time.Time] }

// A look is over when nothing was asked for this long; so many are known.
const (
	lookingLasts = 10 * time.Minute
	mostLookings = 4096
)

func newLookings() lookings {
	last, err := lru.New[string, time.Time](mostLookings)
	if err != nil {
		panic(err) // only for a size that isn't positive
	}
	return lookings{last}
}

// over says whether a request for a range begins another look.
func (l lookings) over(look string, now time.Time) bool {
	last, _ := l.last.Get(look)
	return now.Sub(last) > lookingLasts
}
