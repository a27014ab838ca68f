package smartcartest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

func (s *Server) routesV2(mux *http.ServeMux) {
	mux.HandleFunc("GET /v2.0/user", s.withGrant(s.user))
	mux.HandleFunc("GET /v2.0/vehicles", s.withGrant(s.list))
	mux.HandleFunc("GET /v2.0/vehicles/{id}", s.withVehicle("read_vehicle_info", attributes))
	mux.HandleFunc("GET /v2.0/vehicles/{id}/vin", s.withVehicle("read_vin", vin))
	mux.HandleFunc("GET /v2.0/vehicles/{id}/permissions", s.withVehicle("", permissions))
	mux.HandleFunc("GET /v2.0/vehicles/{id}/location", s.withVehicle("read_location", location))
	mux.HandleFunc("GET /v2.0/vehicles/{id}/security", s.withVehicle("read_security", security))
	mux.HandleFunc("POST /v2.0/vehicles/{id}/security", s.withVehicle("control_security", command))
	mux.HandleFunc("DELETE /v2.0/vehicles/{id}/application", s.withVehicle("", s.disconnect))
	mux.HandleFunc("GET /v2.0/compatibility", s.compatibility)
	mux.HandleFunc("GET /v2.0/management/connections", s.managed(s.connections))
	mux.HandleFunc("DELETE /v2.0/management/connections", s.managed(s.deleteConnections))
}

// withGrant checks the limit of the application and the token.
func (s *Server) withGrant(then func(http.ResponseWriter, *http.Request, *fakecloud.Grant)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("SC-Request-Id", uuid())
		if p, ok := s.admit(s.Application, s.ClientID, overLimit); !ok {
			refuse(w, p)
			return
		}
		g, err := s.OAuth.Who(r)
		if err != nil || g.Account == "" {
			refuse(w, unauthorized)
			return
		}
		then(w, r, g)
	}
}

func (s *Server) admit(limit fakecloud.Limit, key string, over problem) (problem, bool) {
	wait, ok := s.Meter.Admit(time.Now(), limit, key)
	over.retry = wait
	return over, ok
}

type onVehicle func(http.ResponseWriter, *http.Request, *vehicle, *fakecloud.Grant)

// withVehicle also checks that the token's owner shares this vehicle, with the permission, within its limit.
func (s *Server) withVehicle(scope string, then onVehicle) http.HandlerFunc {
	return s.withGrant(func(w http.ResponseWriter, r *http.Request, g *fakecloud.Grant) {
		v := s.shared(r.PathValue("id"), g.Account)
		if v == nil {
			refuse(w, forbidden)
			return
		}
		if scope != "" && !g.Has(scope) {
			refuse(w, forbidden)
			return
		}
		if p, ok := s.admit(s.Vehicle, v.id, overVehicle); !ok {
			refuse(w, p)
			return
		}
		then(w, r, v, g)
	})
}

// shared is the vehicle if this owner shares it.
func (s *Server) shared(id, account string) *vehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.vehicles[id]; v != nil && v.owner == account && !v.disconnected {
		return v
	}
	return nil
}

func (s *Server) user(w http.ResponseWriter, _ *http.Request, g *fakecloud.Grant) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]string{"id": s.UserID(g.Account)})
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request, g *fakecloud.Grant) {
	ids := []string{}
	for _, v := range s.owned(g.Account) {
		ids = append(ids, v.id)
	}
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"vehicles": ids, "paging": map[string]int{"count": len(ids), "offset": 0}})
}

func attributes(w http.ResponseWriter, _ *http.Request, v *vehicle, _ *fakecloud.Grant) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"id": v.id, "make": v.Make, "model": v.Model, "year": v.Year})
}

func vin(w http.ResponseWriter, _ *http.Request, v *vehicle, _ *fakecloud.Grant) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]string{"vin": v.VIN})
}

func permissions(w http.ResponseWriter, _ *http.Request, _ *vehicle, g *fakecloud.Grant) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"permissions": g.Scopes, "paging": map[string]int{"count": len(g.Scopes), "offset": 0}})
}

// aged writes the headers that say how old the data is.
func aged(w http.ResponseWriter, at time.Time) {
	w.Header().Set("SC-Data-Age", fakecloud.Time(at))
	w.Header().Set("SC-Fetched-At", fakecloud.Time(time.Now()))
	w.Header().Set("SC-Unit-System", "metric")
}

func location(w http.ResponseWriter, _ *http.Request, v *vehicle, _ *fakecloud.Grant) {
	told, err := v.Ask()
	if err != nil {
		refuse(w, of(err))
		return
	}
	aged(w, told.PlaceAt)
	fakecloud.WriteJSON(w, http.StatusOK, map[string]float64{"latitude": told.Latitude, "longitude": told.Longitude})
}

// part is one thing of a car that can stand open.
type part struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

func security(w http.ResponseWriter, _ *http.Request, v *vehicle, _ *fakecloud.Grant) {
	told, err := v.Ask()
	if err != nil {
		refuse(w, of(err))
		return
	}
	word := words(v)
	of := func(name string, o fakecloud.Opening) part { return part{name, word(told.Open[o])} }
	aged(w, told.LockAt)
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{
		"isLocked": told.Locked, // a lock that sticks has no word of its own
		"doors": []part{
			of("frontLeft", fakecloud.FrontLeft), of("frontRight", fakecloud.FrontRight),
			of("backRight", fakecloud.RearRight), of("backLeft", fakecloud.RearLeft),
		},
		"windows": []part{{"frontLeft", "CLOSED"}, {"frontRight", "CLOSED"}, {"backRight", "UNKNOWN"}, {"backLeft", "CLOSED"}},
		"sunroof": []part{}, "storage": []part{of("rear", fakecloud.Trunk), of("front", fakecloud.Hood)},
		"chargingPort": []part{{"chargingPort", "CLOSED"}},
	})
}

// words is how a vehicle says open and closed.
func words(v *vehicle) func(open bool) string {
	odd := v.Quirks().Odd
	return func(open bool) string {
		switch {
		case odd:
			return "HALFWAY"
		case open:
			return "OPEN"
		}
		return "CLOSED"
	}
}

func command(w http.ResponseWriter, r *http.Request, v *vehicle, _ *fakecloud.Grant) {
	var body struct {
		Action string `json:"action"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, invalid)
		return
	}
	act := map[string]func() error{"LOCK": v.Lock, "UNLOCK": v.Unlock}[body.Action]
	if act == nil {
		refuse(w, invalid)
		return
	}
	if err := act(); err != nil {
		refuse(w, of(err))
		return
	}
	fakecloud.WriteJSON(w, http.StatusOK, map[string]string{"status": "success", "message": "The request was sent to the vehicle"})
}

func (s *Server) disconnect(w http.ResponseWriter, _ *http.Request, v *vehicle, _ *fakecloud.Grant) {
	s.mu.Lock()
	v.disconnected = true
	s.mu.Unlock()
	fakecloud.WriteJSON(w, http.StatusOK, map[string]string{"status": "success"})
}

// Compatible are the makes that this fake calls compatible, in capitals.
var Compatible = []string{"CHEVROLET", "BUICK", "GMC", "CADILLAC", "AUDI", "FORD", "VOLVO"}

// compatibility answers for the VINs of its cars; a VIN that it doesn't know is not compatible.
func (s *Server) compatibility(w http.ResponseWriter, r *http.Request) {
	if p, ok := s.admit(s.Application, s.ClientID, overLimit); !ok {
		refuse(w, p)
		return
	}
	id, password, _ := r.BasicAuth()
	q := r.URL.Query()
	switch {
	case id != s.ClientID || password != s.ClientSecret:
		refuse(w, unauthorized)
		return
	case len(q.Get("vin")) != 17 || q.Get("scope") == "":
		refuse(w, invalid)
		return
	}
	for _, v := range s.all() {
		if v.VIN == q.Get("vin") {
			fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"compatible": true, "reason": nil, "capabilities": capabilities(q.Get("scope"))})
			return
		}
	}
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"compatible": false, "reason": "VEHICLE_NOT_COMPATIBLE", "capabilities": []any{}})
}

var endpoints = map[string]string{
	"read_vehicle_info": "/", "read_vin": "/vin", "read_location": "/location",
	"read_security": "/security", "control_security": "/security",
}

func capabilities(scopes string) []map[string]any {
	list := []map[string]any{}
	for _, scope := range strings.Fields(scopes) {
		if endpoint := endpoints[scope]; endpoint != "" {
			list = append(list, map[string]any{"permission": scope, "endpoint": endpoint, "capable": true, "reason": nil})
			continue
		}
		list = append(list, map[string]any{"permission": scope, "endpoint": "/" + scope, "capable": false, "reason": "SMARTCAR_NOT_CAPABLE"})
	}
	return list
}

// managed checks the management token.
func (s *Server) managed(then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "default" || password != s.ManagementToken {
			refuse(w, unauthorized)
			return
		}
		then(w, r)
	}
}

// selected are the vehicles that a request's filter names.
func (s *Server) selected(r *http.Request) []*vehicle {
	var some []*vehicle
	q := r.URL.Query()
	for _, v := range s.owned("") {
		if id := q.Get("vehicle_id"); id != "" && id != v.id {
			continue
		}
		if id := q.Get("user_id"); id != "" && id != s.UserID(v.owner) {
			continue
		}
		some = append(some, v)
	}
	return some
}

func (s *Server) connected(some []*vehicle) []map[string]string {
	list := []map[string]string{}
	for _, v := range some {
		list = append(list, map[string]string{"vehicleId": v.id, "userId": s.UserID(v.owner), "mode": "test"})
	}
	return list
}

func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"connections": s.connected(s.selected(r)), "paging": map[string]any{"cursor": nil}})
}

func (s *Server) deleteConnections(w http.ResponseWriter, r *http.Request) {
	some := s.selected(r)
	s.mu.Lock()
	for _, v := range some {
		v.disconnected = true
	}
	s.mu.Unlock()
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"connections": s.connected(some)})
}
