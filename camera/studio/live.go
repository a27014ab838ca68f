package studio

import (
	"net/http"
	"strings"

	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/event"
)

// ServeLive implements camera.Studio: "whep" takes an offer, "whep/<id>" is its session, "hls/…" is read.
func (l *Local) ServeLive(w http.ResponseWriter, r *http.Request, v event.VisitID, rest string) {
	l.mu.Lock()
	t, filmed := l.takes[v]
	l.mu.Unlock()
	if !filmed {
		http.Error(w, "Nothing is being filmed there now.", http.StatusNotFound)
		return
	}
	view := live.View{Camera: string(t.shot.Camera), By: string(v), Ring: t.set.ring, Sessions: "whep"}
	way, name, _ := strings.Cut(rest, "/")
	switch {
	case way == "whep" && name == "":
		l.Live.WHEP(w, r, view)
	case way == "whep":
		l.session(w, r, v, name)
	case way == "hls":
		l.Live.HLS(w, r, view)
	default:
		http.NotFound(w, r)
	}
}

// session serves one look of this visit, and of no other.
func (l *Local) session(w http.ResponseWriter, r *http.Request, v event.VisitID, id string) {
	for _, look := range l.Live.Looks() {
		if look.ID == id && look.By == string(v) {
			l.Live.Session(w, r, id)
			return
		}
	}
	http.Error(w, live.ErrEnded.Error(), http.StatusGone)
}
