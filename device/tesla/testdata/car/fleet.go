package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// garage has cars by VIN.
type garage struct {
	mu     sync.Mutex
	cars   map[string]*car
	tokens map[string]bool // good ones; any is, while there are none
}

func newGarage() *garage { return &garage{cars: map[string]*car{}, tokens: map[string]bool{}} }

func (g *garage) car(vin string) *car {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cars[vin]
}

// fleetAPI is what Tesla's cloud offers (developer.tesla.com), as far as it is used.
func (g *garage) fleetAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/1/vehicles/{vin}/signed_command", g.with(signedCommand))
	mux.HandleFunc("POST /api/1/vehicles/{vin}/wake_up", g.with(wakeUp))
	mux.HandleFunc("GET /api/1/vehicles/{vin}/vehicle_data", g.with(vehicleData))
	mux.HandleFunc("GET /api/1/vehicles/{vin}", g.with(vehicleState))
	mux.HandleFunc("GET /api/1/vehicles", g.list)
	mux.HandleFunc("POST /api/1/vehicles/fleet_status", g.fleetStatus)
	return mux
}

// with finds the car, and lets its cloud fail.
func (g *garage) with(h func(*car, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := g.car(r.PathValue("vin"))
		if c == nil {
			fail(w, http.StatusNotFound, "not_found")
			return
		}
		q := c.count(r)
		switch {
		case r.Header.Get("Authorization") != "Bearer "+q.Token && q.Token != "":
			fail(w, http.StatusUnauthorized, "token expired (401)")
		case q.Status == http.StatusTooManyRequests:
			w.Header().Set("Retry-After", q.RetryAfter)
			fail(w, q.Status, "too many requests")
		case q.Status != 0:
			fail(w, q.Status, q.Error)
		case q.HTML:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body>It works!</body></html>")
		case q.Cut:
			panic(http.ErrAbortHandler)
		case q.Stall:
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		default:
			h(c, w, r)
		}
	}
}

func fail(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"response": nil, "error": word, "error_description": ""})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"response": v})
}

const unavailable = "vehicle unavailable: vehicle is offline or asleep"

func signedCommand(c *car, w http.ResponseWriter, r *http.Request) {
	var body struct {
		Message []byte `json:"routable_message"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		fail(w, http.StatusBadRequest, "bad request")
		return
	}
	q := c.quirksNow()
	if q.Asleep || q.Offline {
		fail(w, http.StatusRequestTimeout, unavailable)
		return
	}
	said, lost := c.hear(body.Message)
	switch {
	case lost == "cut":
		panic(http.ErrAbortHandler)
	case lost == "silent":
		<-r.Context().Done()
	case lost == "truncated":
		w.Header().Set("Content-Length", "5000")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"response":"`)
	case lost == "gateway":
		fail(w, http.StatusGatewayTimeout, "upstream request timeout")
	case lost == "garbage":
		answer(w, []byte("\xff\xff\xff"))
	case lost == "empty":
		answer(w, nil)
	default:
		answer(w, said)
	}
}

func wakeUp(c *car, w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"state": c.wake(), "vin": c.vin})
}

func vehicleState(c *car, w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"state": c.online(), "vin": c.vin})
}

// vehicleData has what the real one has beyond what is asked for as little as the real one does.
func vehicleData(c *car, w http.ResponseWriter, r *http.Request) {
	q := c.quirksNow()
	if q.Asleep || q.Offline {
		fail(w, http.StatusRequestTimeout, unavailable)
		return
	}
	if r.URL.Query().Get("endpoints") == "vehicle_config" {
		answer(w, map[string]any{"state": "online", "vin": c.vin, "vehicle_config": c.config()})
		return
	}
	if q.Drive != nil {
		answer(w, map[string]any{"state": "online", "drive_state": q.Drive})
		return
	}
	drive := map[string]any{"shift_state": nil, "speed": nil, "power": 0, "timestamp": time.Now().UnixMilli()}
	if strings.Contains(r.URL.Query().Get("endpoints"), "location_data") {
		drive["latitude"], drive["longitude"], drive["gps_as_of"] = 45.7578, 4.8320, time.Now().Unix()-7
		drive["heading"], drive["native_type"] = 90, "wgs"
	}
	answer(w, map[string]any{"state": "online", "vin": c.vin, "drive_state": drive})
}

func (g *garage) list(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []map[string]any
	for vin := range g.cars {
		all = append(all, map[string]any{"vin": vin, "display_name": "A car", "state": "online", "access_type": "OWNER"})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"response": all, "count": len(all)})
}

func (g *garage) fleetStatus(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		VINs []string `json:"vins"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.VINs) == 0 {
		fail(w, http.StatusBadRequest, "bad request")
		return
	}
	paired, unpaired, info := []string{}, []string{}, map[string]any{}
	for _, vin := range asked.VINs {
		c := g.car(vin)
		if c == nil {
			continue
		}
		if c.isPaired() {
			paired = append(paired, vin)
		} else {
			unpaired = append(unpaired, vin)
		}
		info[vin] = map[string]any{"firmware_version": "2025.14.3", "vehicle_command_protocol_required": true}
	}
	answer(w, map[string]any{"key_paired_vins": paired, "unpaired_vins": unpaired, "vehicle_info": info})
}

// control is the hand that works the car.
func (g *garage) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{vin}", func(w http.ResponseWriter, r *http.Request) {
		c := newCar(r.PathValue("vin"))
		g.mu.Lock()
		g.cars[c.vin] = c
		g.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PUT /{vin}/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = g.car(r.PathValue("vin")).set(r.PathValue("what"), body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /{vin}", func(w http.ResponseWriter, r *http.Request) {
		var since int
		_, _ = fmt.Sscan(r.URL.Query().Get("since"), &since)
		_ = json.NewEncoder(w).Encode(g.car(r.PathValue("vin")).seen(r.Context().Done(), since))
	})
	return mux
}
