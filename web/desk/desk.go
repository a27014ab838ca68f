package desk

import (
	"encoding/json"
	"errors"
	"net/http"
)

// desk answers everything below /demo/.
type desk struct {
	world World
}

// New is the Demo desk in front of a world. It answers for /demo and everything below.
func New(w World) http.Handler {
	d := &desk{w}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/in/{app}/{token}", d.enter)
	mux.HandleFunc("GET /demo/position", d.position)
	mux.HandleFunc("GET /demo/labels", d.labels)
	mux.HandleFunc("POST /demo/act", d.act)
	return mux
}

// enter uses a way in up. A browser that only looks ahead, or asks whether there is something, does not.
func (d *desk) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead || r.Header.Get("Sec-Purpose") != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	to, err := d.world.Enter(r.Context(), App(r.PathValue("app")), r.PathValue("token"))
	var spent *Spent
	switch {
	case errors.As(err, &spent):
		http.Error(w, "used", http.StatusGone)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	default:
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

func (d *desk) act(w http.ResponseWriter, r *http.Request) {
	err := d.world.Do(r.Context(), Act{Do: Deed(r.FormValue("do")), Door: r.FormValue("door"), To: r.FormValue("to")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(w, r, "/demo/", http.StatusSeeOther)
}

// position is where the courier's phone says it is, for the courier's page.
func (d *desk) position(w http.ResponseWriter, _ *http.Request) {
	at := d.world.State().Courier
	answer(w, map[string]any{"latitude": at.Latitude, "longitude": at.Longitude, "accuracy": at.Accuracy})
}

// labels are what the courier's page may read without a camera.
func (d *desk) labels(w http.ResponseWriter, _ *http.Request) {
	type label struct {
		Text     string `json:"text"`
		LastFour string `json:"lastFour"`
		Place    string `json:"place"`
	}
	labels := []label{}
	if p := d.world.State().Parcel; p != nil && !p.Over {
		labels = append(labels, label{p.Code, p.Label.Code.LastFour(), p.Place})
	}
	answer(w, map[string]any{"labels": labels})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the page has gone: nobody to tell
}
