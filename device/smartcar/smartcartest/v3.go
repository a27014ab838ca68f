package smartcartest

import (
	"net/http"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

func (s *Server) routesV3(mux *http.ServeMux) {
	mux.HandleFunc("GET /v3/vehicles/{id}", s.withApplication(s.attributesV3))
	mux.HandleFunc("GET /v3/vehicles/{id}/signals", s.withApplication(s.signals))
	mux.HandleFunc("GET /v3/vehicles/{id}/signals/{code}", s.withApplication(s.signal))
	mux.HandleFunc("POST /v3/vehicles/{id}/commands/security/lock", s.withApplication(commandV3("security-lock", (*fakecloud.Car).Lock)))
	mux.HandleFunc("POST /v3/vehicles/{id}/commands/security/unlock", s.withApplication(commandV3("security-unlock", (*fakecloud.Car).Unlock)))
	mux.HandleFunc("GET /v3/connections", s.connectionsV3)
}

// withApplication checks the limit, the application's token, and in whose name it comes (sc-user-id).
func (s *Server) withApplication(then func(http.ResponseWriter, *http.Request, *vehicle)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p, ok := s.admit(s.Application, s.ClientID, overLimit); !ok {
			p.write(w, true)
			return
		}
		if g, err := s.OAuth.Who(r); err != nil || g.Account != "" {
			unauthorized.write(w, true)
			return
		}
		v := s.shared(r.PathValue("id"), s.account(r.Header.Get("sc-user-id")))
		if v == nil {
			forbidden.write(w, true)
			return
		}
		if p, ok := s.admit(s.Vehicle, v.id, overVehicle); !ok {
			p.write(w, true)
			return
		}
		then(w, r, v)
	}
}

func resource(v *vehicle) map[string]any {
	return map[string]any{
		"id": v.id, "type": "vehicle", "links": map[string]string{"self": "/vehicles/" + v.id},
		"attributes": map[string]any{"make": v.Make, "model": v.Model, "year": v.Year},
	}
}

func (s *Server) attributesV3(w http.ResponseWriter, _ *http.Request, v *vehicle) {
	fakecloud.WriteJSON(w, http.StatusOK, resource(v))
}

// signalOf is one signal in the shape that answers and webhooks share.
type signalOf struct {
	code, name, group string
	body              any
	at                time.Time
}

// signalsOf are all signals of a vehicle.
func signalsOf(v *vehicle, told fakecloud.Told) []signalOf {
	doors := []any{}
	for i := fakecloud.FrontLeft; i <= fakecloud.RearRight; i++ {
		doors = append(doors, map[string]any{"row": int(i) / 2, "column": int(i) % 2, "isOpen": told.Open[i], "isLocked": told.Locked})
	}
	where := "LAST_PARKED"
	if told.Moving {
		where = "CURRENT"
	}
	var locked any = told.Locked
	if v.Quirks().Odd {
		locked = "HALFWAY"
	}
	return []signalOf{
		{"closure-islocked", "IsLocked", "Closure", map[string]any{"value": locked}, told.LockAt},
		{"closure-doors", "Doors", "Closure", map[string]any{"values": doors, "rowCount": 2, "columnCount": 2}, told.OpenAt},
		{"closure-reartrunk", "RearTrunk", "Closure", map[string]any{"isOpen": told.Open[fakecloud.Trunk], "isLocked": told.Locked}, told.OpenAt},
		{"closure-enginecover", "EngineCover", "Closure", map[string]any{"isOpen": told.Open[fakecloud.Hood]}, told.OpenAt},
		{"location-preciselocation", "PreciseLocation", "Location", map[string]any{
			"latitude": told.Latitude, "longitude": told.Longitude, "locationType": where,
		}, told.PlaceAt},
		{"vehicleidentification-vin", "VIN", "VehicleIdentification", map[string]any{"value": v.VIN}, told.PlaceAt},
	}
}

func (o signalOf) attributes() map[string]any {
	return map[string]any{"code": o.code, "name": o.name, "group": o.group, "status": map[string]string{"value": "SUCCESS"}, "body": o.body}
}

func (o signalOf) meta() map[string]any {
	return map[string]any{"retrievedAt": time.Now().UnixMilli(), "oemUpdatedAt": o.at.UnixMilli()}
}

func (o signalOf) resource(v *vehicle) map[string]any {
	return map[string]any{
		"id": o.code, "type": "signal", "attributes": o.attributes(), "meta": o.meta(),
		"links": map[string]string{"self": "/vehicles/" + v.id + "/signals/" + o.code, "vehicle": "/vehicles/" + v.id},
	}
}

func (s *Server) signals(w http.ResponseWriter, _ *http.Request, v *vehicle) {
	told, err := v.Ask()
	if err != nil {
		of(err).write(w, true)
		return
	}
	all := signalsOf(v, told)
	data := make([]any, len(all))
	for i, o := range all {
		data[i] = o.resource(v)
	}
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{
		"data": data, "meta": map[string]int{"page": 1, "pageSize": len(data), "totalCount": len(data)},
		"included": map[string]any{"vehicle": resource(v)},
	})
}

func (s *Server) signal(w http.ResponseWriter, r *http.Request, v *vehicle) {
	told, err := v.Ask()
	if err != nil {
		of(err).write(w, true)
		return
	}
	for _, o := range signalsOf(v, told) {
		if o.code == r.PathValue("code") {
			body := o.resource(v)
			body["included"] = map[string]any{"vehicle": resource(v)}
			fakecloud.WriteJSON(w, http.StatusOK, body)
			return
		}
	}
	notFound.write(w, true)
}

func commandV3(kind string, act func(*fakecloud.Car) error) func(http.ResponseWriter, *http.Request, *vehicle) {
	return func(w http.ResponseWriter, _ *http.Request, v *vehicle) {
		if err := act(v.Car); err != nil {
			of(err).write(w, true)
			return
		}
		now := fakecloud.Time(time.Now())
		fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"data": map[string]any{
			"id": "exec_" + uuid(), "type": "command-execution",
			"attributes": map[string]any{"commandType": kind, "status": map[string]string{"value": "SUCCESS"}, "executionMode": "sync"},
			"meta":       map[string]any{"executedAt": now, "completedAt": now, "durationInSeconds": 0},
		}})
	}
}

func (s *Server) connectionsV3(w http.ResponseWriter, r *http.Request) {
	if g, err := s.OAuth.Who(r); err != nil || g.Account != "" {
		unauthorized.write(w, true)
		return
	}
	account := s.account(r.Header.Get("sc-user-id"))
	data := []any{}
	for _, v := range s.owned(account) {
		data = append(data, map[string]any{
			"id": "connection-" + v.id, "type": "connection", "attributes": map[string]any{"permissions": Scopes},
			"relationships": map[string]any{"vehicle": map[string]any{"data": map[string]string{"id": v.id, "type": "vehicle"}},
				"user": map[string]any{"data": map[string]string{"id": s.UserID(v.owner), "type": "user"}}},
		})
	}
	fakecloud.WriteJSON(w, http.StatusOK, map[string]any{"data": data})
}
