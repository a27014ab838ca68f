package studio

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// keyHeader carries a clip's key, hexadecimal: the line is a Unix socket, or TLS.
const keyHeader = "Loquet-Clip-Key"

// mostBody is the largest request, an SDP offer with room to spare.
const mostBody = 256 << 10

// round is one report of the pictures of all cameras that are filmed. It comes also when there is none.
type round struct {
	// Now is the service's own time.
	Now      event.Instant   `json:"now"`
	Pictures []event.Picture `json:"pictures"`
}

// cutting is the answer to a Cut.
type cutting struct {
	Files []event.ClipFile `json:"files"`
}

// checking asks for a Check.
type checking struct {
	Address string `json:"address"`
}

// Handler carries a studio to a Client in another process. Who may connect is decided by the caller.
func Handler(l *Local) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /visits/{visit}", l.serveFilm)
	mux.HandleFunc("DELETE /visits/{visit}", l.serveCut)
	mux.HandleFunc("/visits/{visit}/live/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		l.ServeLive(w, r, event.VisitID(r.PathValue("visit")), r.PathValue("rest"))
	})
	mux.HandleFunc("DELETE /clips/{clip}", l.serveErase)
	mux.HandleFunc("GET /clips/{clip}/files/{number}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("number"))
		if key, ok := keyOf(w, r); ok && err == nil {
			l.ServeFile(w, r, event.ClipID(r.PathValue("clip")), n, key)
		}
	})
	mux.HandleFunc("GET /clips/{clip}/poster", func(w http.ResponseWriter, r *http.Request) {
		if key, ok := keyOf(w, r); ok {
			l.ServePoster(w, r, event.ClipID(r.PathValue("clip")), key)
		}
	})
	mux.HandleFunc("GET /pictures", l.servePictures)
	mux.HandleFunc("POST /checks", l.serveCheck)
	return http.MaxBytesHandler(mux, mostBody)
}

func keyOf(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	key, err := hex.DecodeString(r.Header.Get(keyHeader))
	if err != nil || len(key) == 0 {
		http.Error(w, "no key", http.StatusBadRequest)
		return nil, false
	}
	return key, true
}

// read decodes a request's body, and answers for one that can't be.
func read[T any](w http.ResponseWriter, r *http.Request) (body T, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "not readable", http.StatusBadRequest)
		return body, false
	}
	return body, true
}

// answer writes what a call returned, or says that it failed: why stands in this process's log.
func (l *Local) answer(w http.ResponseWriter, r *http.Request, body any, err error) {
	encoded, failed := json.Marshal(body)
	if err = errors.Join(err, failed); err != nil {
		l.Log.Error("the studio could not do what it was asked", "asked", r.Pattern, "error", err)
		http.Error(w, "not done", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded) // a client that went away asks again
}

func (l *Local) serveFilm(w http.ResponseWriter, r *http.Request) {
	s, ok := read[camera.Shot](w, r)
	if !ok || string(s.Visit) != r.PathValue("visit") {
		return
	}
	l.answer(w, r, struct{}{}, l.Film(r.Context(), s))
}

func (l *Local) serveCut(w http.ResponseWriter, r *http.Request) {
	var key []byte
	if r.Header.Get(keyHeader) != "" {
		var ok bool
		if key, ok = keyOf(w, r); !ok {
			return
		}
	}
	files, err := l.Cut(r.Context(), event.VisitID(r.PathValue("visit")), event.ClipID(r.FormValue("clip")), key)
	l.answer(w, r, cutting{files}, err)
}

func (l *Local) serveErase(w http.ResponseWriter, r *http.Request) {
	l.answer(w, r, struct{}{}, l.Erase(r.Context(), event.ClipID(r.PathValue("clip"))))
}

func (l *Local) serveCheck(w http.ResponseWriter, r *http.Request) {
	c, ok := read[checking](w, r)
	if !ok {
		return
	}
	report, err := l.Check(r.Context(), c.Address)
	l.answer(w, r, report, err)
}

// servePictures reports until the client goes away or the studio is closed.
func (l *Local) servePictures(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for now := time.Now(); ; {
		all := round{Now: event.InstantOf(now), Pictures: []event.Picture{}}
		for _, c := range l.filmed() {
			all.Pictures = append(all.Pictures, l.picture(c, now))
		}
		line, err := json.Marshal(all)
		if err != nil {
			l.Log.Error("pictures can't be reported", "error", err)
			return
		}
		if _, err := w.Write(append(line, '\n')); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-l.ctx.Done():
			return
		case now = <-tick.C:
		}
	}
}
