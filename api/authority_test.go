package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
)

// operation is one route as the description has it.
type operation struct {
	id           string
	method, path string
	schemes      []string
	body         bool
}

func operations(t testing.TB) []operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Security    []map[string][]string
			RequestBody *struct{} `json:"requestBody"`
		}
	}
	must(t, json.Unmarshal(get(os.ReadFile(described))(t), &doc))
	var all []operation
	for path, methods := range doc.Paths {
		for method, o := range methods {
			op := operation{id: o.OperationID, method: strings.ToUpper(method), path: path, body: o.RequestBody != nil}
			for _, s := range o.Security {
				for scheme := range s {
					op.schemes = append(op.schemes, scheme)
				}
			}
			all = append(all, op)
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d routes are described", len(all))
	}
	return all
}

// expected says who may ask what, apart from the code that decides it.
func expected(path string) string {
	switch {
	case path == "/v1/pair":
		return ""
	case strings.HasPrefix(path, "/v1/courier/"):
		return "deviceProof"
	case strings.HasPrefix(path, "/v1/home"):
		return "sessionCookie session"
	default:
		return "apiKey"
	}
}

func TestEveryRouteBelongsToOneKindOfPrincipal(t *testing.T) {
	for _, op := range operations(t) {
		want := expected(op.path)
		if op.path == "/v1/sessions" {
			want = map[string]string{"POST": "", "DELETE": "sessionCookie session"}[op.method]
		}
		if got := strings.Join(op.schemes, " "); got != want {
			t.Errorf("%s %s is for %q, not %q", op.method, op.path, got, want)
		}
	}
}

// filled puts real identifiers in the place of a path's parameters: what stops a stranger is not that the thing is
// unknown.
func (s *stage) filled(path string) string {
	return strings.NewReplacer("{site}", string(s.home.site), "{delivery}", string(s.delivery), "{visit}", string(s.visit),
		"{courier}", string(s.phone.courier), "{device}", string(s.home.site)+".front", "{barrier}", string(s.home.barrier),
		"{accessPoint}", string(s.home.place), "{member}", string(s.guest), "{consent}", string(s.consent),
		"{borrower}", "elsewhere", "{webhook}", "wh0", "{camera}", string(s.eye), "{clip}", string(s.home.site)+"-f9", "{number}", "1",
		"{look}", "look1", "{day}", "2027-03-01", "{file}", "index.m3u8").Replace(path)
}

// meant is a body with which the route would do something for whoever may ask it.
func (s *stage) meant(route string) any {
	_, path, _ := strings.Cut(route, " ")
	here := s.w.at(5)
	switch what := path[strings.LastIndex(path, "/")+1:]; {
	case what == "assign":
		return api.AssignRequest{Courier: s.phone.courier}
	case what == "members":
		return api.MemberRequest{Name: "Mallory"}
	case what == "answers":
		return `{"question":"alarm-off","yes":true}`
	case what == "cause":
		return api.CauseRequest{Cause: "other"}
	case what == "labels.pdf":
		return api.PrintLabels{Deliveries: []event.DeliveryID{s.delivery}}
	case what == "whep", what == "photo", what == "picture":
		return "v=0"
	case what == "spot":
		return api.SpotRequest{Spot: "by the pillar"}
	case strings.HasPrefix(route, "PUT") && what == "car":
		return api.CarLooks{Plate: "AB-123-CD"}
	case what == "too-large":
		return api.TooLargeRequest{Delivery: s.delivery}
	case what == "signal":
		return api.SignalRequest{Signal: device.SignalFlash}
	case what == "{vehicle}":
		return api.CarChoice{Opens: []event.BarrierKind{event.Trunk}}
	case what == "position":
		return here
	case what == "scan":
		return api.ScanRequest{Text: sscc(1), Position: here}
	case what == "missing":
		return api.MissingRequest{Parcel: "any", Position: here}
	case strings.HasPrefix(path, "/v1/courier/") && slices.Contains([]string{"open", "reopen", "code"}, what):
		return api.OpenRequest{Barrier: s.home.barrier, Position: here}
	case what == "open" || what == "code":
		return `{"barrier":"` + string(s.home.barrier) + `"}`
	case what == "arrive" || what == "plan-b":
		return "{}"
	default:
		return nil
	}
}

// stage is a visit under way, with everybody in place.
type stage struct {
	w        *world
	home     *home
	shop     caller
	phone    phone
	delivery event.DeliveryID
	visit    event.VisitID
	// guest is who is removed where a member is.
	guest   event.MemberID
	consent event.ConsentID
	eye     event.CameraID
}

func newStage(t testing.TB) *stage {
	t.Helper()
	w := newWorld(t)
	s := &stage{w: w, home: w.home(), shop: w.merchant("grocer"), phone: w.courier("anna")}
	s.eye = s.home.eye("rtsp://loquet:s3cr3t@192.0.2.7/door")
	s.delivery = w.book(s.shop, s.home, 1, 2).ID
	w.assign(s.delivery, s.phone.courier)
	s.visit = granted(t, s.phone.approach(s.home)).Visit.ID
	s.guest = s.home.member
	var seen api.Home
	s.home.get("/v1/home", &seen)
	s.consent = seen.Consents[0].ID
	return s
}

// Each kind of principal is refused at every route of another kind, before anything is read or changed.
func TestNobodyCrossesOver(t *testing.T) {
	s := newStage(t)
	unbound := s.w.newPhone()
	principals := map[string]struct {
		caller
		scheme string
	}{
		"an API key":        {s.w.operator(), "apiKey"},
		"a merchant's key":  {s.shop, "apiKey"},
		"a member":          {s.home.caller, "session"},
		"a courier":         {s.phone.caller, "deviceProof"},
		"an unbound device": {unbound.caller, "none"},
		"nobody":            {s.w.anybody(), "none"},
		"a wrong key":       {caller{s.w, bearing("Bearer", "lq_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")}, "none"},
		"a wrong session":   {caller{s.w, bearing("Session", "nonsense")}, "none"},
		"a key as session":  {caller{s.w, bearing("Session", "lq_x")}, "none"},
	}
	for _, role := range auth.StaffRoles() {
		in := s.w.staff(role)
		cookie := in.Cookie()
		principals["staff: "+string(role)] = struct {
			caller
			scheme string
		}{caller{s.w, func(r *http.Request, _ []byte) { r.AddCookie(&cookie) }}, "none"}
		principals["staff, as a member: "+string(role)] = struct {
			caller
			scheme string
		}{caller{s.w, bearing("Session", in.Token)}, "none"}
	}
	before := s.w.kinds(s.home.site)
	for who, p := range principals {
		for _, op := range operations(t) {
			if len(op.schemes) == 0 || strings.Contains(strings.Join(op.schemes, " "), p.scheme) {
				continue
			}
			r := p.send(op.method, s.filled(op.path), "{}")
			if r.status != http.StatusUnauthorized {
				t.Errorf("%s at %s %s: %d %s", who, op.method, op.path, r.status, r.body)
				continue
			}
			if r.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s at %s %s is not told how to sign in", who, op.method, op.path)
			}
		}
	}
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
}

// An API key without a scope is refused where the scope is needed, and nowhere says anything else.
func TestScopes(t *testing.T) {
	s := newStage(t)
	needs := map[string]auth.Scope{
		"POST /v1/sites": auth.SitesWrite, "GET /v1/sites/{site}": auth.SitesRead, "POST /v1/sites/{site}/members": auth.SitesWrite,
		"GET /v1/sites/{site}/journal": auth.JournalsRead,
		"POST /v1/devices":             auth.DevicesWrite, "GET /v1/devices/{device}": auth.DevicesWrite, "POST /v1/devices/discover": auth.DevicesWrite,
		"GET /v1/devices": auth.DeliveriesRead, "POST /v1/devices/{device}/read": auth.AlarmsWrite,
		"POST /v1/deliveries/labels.pdf": auth.DeliveriesRead,
		"GET /v1/sites/{site}/zone":      auth.DeliveriesRead,
		"GET /v1/board":                  auth.DeliveriesRead, "GET /v1/days/{day}": auth.DeliveriesRead, "GET /v1/days/{day}/deliveries": auth.DeliveriesRead,
		"GET /v1/visits/{visit}": auth.DeliveriesRead,
		"GET /v1/couriers":       auth.DeliveriesRead, "GET /v1/couriers/{courier}/round": auth.DeliveriesRead,
		"POST /v1/deliveries/check": auth.DeliveriesWrite, "GET /v1/references/{reference}": auth.DeliveriesRead,
		"POST /v1/couriers": auth.CouriersWrite, "GET /v1/couriers/{courier}": auth.CouriersWrite,
		"POST /v1/couriers/{courier}/suspend": auth.CouriersWrite, "POST /v1/couriers/{courier}/reinstate": auth.CouriersWrite,
		"POST /v1/deliveries": auth.DeliveriesWrite, "GET /v1/deliveries": auth.DeliveriesRead, "GET /v1/deliveries/{delivery}": auth.DeliveriesRead,
		"DELETE /v1/deliveries/{delivery}": auth.DeliveriesWrite, "POST /v1/deliveries/{delivery}/assign": auth.DeliveriesWrite,
		"POST /v1/deliveries/{delivery}/block": auth.DeliveriesBlock, "GET /v1/deliveries/{delivery}/events": auth.DeliveriesRead,
		"GET /v1/deliveries/{delivery}/label.pdf": auth.DeliveriesRead, "GET /v1/deliveries/{delivery}/label.png": auth.DeliveriesRead,
		"POST /v1/visits/{visit}/live/whep": auth.PicturesRead, "DELETE /v1/visits/{visit}/live/whep/{look}": auth.PicturesRead,
		"GET /v1/visits/{visit}/live/hls/{file}": auth.PicturesRead,
		"GET /v1/visits/{visit}/photo":           auth.PicturesRead, "GET /v1/deliveries/{delivery}/photo": auth.PicturesRead,
		"GET /v1/alarms": auth.JournalsRead, "POST /v1/alarms/{visit}/cause": auth.AlarmsWrite, "GET /v1/alarms/{visit}/cause": auth.StoriesRead,
		"GET /v1/deliveries/{delivery}/story": auth.JournalsRead,
		"GET /v1/visits/{visit}/receipt":      auth.JournalsRead,
		"POST /v1/visits/{visit}/acknowledge": auth.AlarmsWrite,
		"POST /v1/webhooks":                   auth.DeliveriesRead, "GET /v1/webhooks": auth.DeliveriesRead, "DELETE /v1/webhooks/{webhook}": auth.DeliveriesRead,
	}
	for _, op := range operations(t) {
		if expected(op.path) != "apiKey" || op.path == "/v1/sessions" {
			continue
		}
		scope, known := needs[op.method+" "+op.path]
		if !known {
			t.Errorf("which scope does %s %s need?", op.method, op.path)
			continue
		}
		var others []auth.Scope
		for _, other := range auth.Scopes() {
			if other != scope {
				others = append(others, other)
			}
		}
		r := s.w.key(auth.Operator, "swift", others...).send(op.method, s.filled(op.path), "{}")
		if r.status != http.StatusForbidden {
			t.Errorf("%s %s without %s: %d %s", op.method, op.path, scope, r.status, r.body)
		}
	}
}

// forOperators are the routes that are for operators alone.
var forOperators = []string{
	"GET /v1/devices", "POST /v1/devices/{device}/read", "GET /v1/couriers", "GET /v1/couriers/{courier}/round",
	"GET /v1/sites/{site}/zone", "GET /v1/board", "GET /v1/days/{day}", "GET /v1/days/{day}/deliveries", "GET /v1/visits/{visit}",
	"GET /v1/sites/{site}/journal", "POST /v1/devices/discover", "POST /v1/couriers/{courier}/suspend", "POST /v1/couriers/{courier}/reinstate",
	"POST /v1/visits/{visit}/live/whep", "DELETE /v1/visits/{visit}/live/whep/{look}", "GET /v1/visits/{visit}/live/hls/{file}",
	"POST /v1/visits/{visit}/acknowledge", "GET /v1/deliveries/{delivery}/story", "GET /v1/alarms/{visit}/cause",
	"GET /v1/visits/{visit}/photo", "GET /v1/deliveries/{delivery}/photo",
	"GET /v1/visits/{visit}/receipt", "GET /v1/alarms?day=2027-03-01", "POST /v1/alarms/{visit}/cause",
}

// What is for operators alone is refused to merchants and carriers, with every scope.
func TestOnlyOperators(t *testing.T) {
	s := newStage(t)
	for _, path := range forOperators {
		method, address, _ := strings.Cut(path, " ")
		for _, role := range []auth.Role{auth.Merchant, auth.Carrier} {
			s.w.key(role, "grocer").send(method, s.filled(address), s.meant(path)).problem(403, "forbidden")
		}
	}
}

// theirOwn are the routes for merchants at which each has only what is its own: no identifier of another's is asked for,
// or what is asked is judged in a test of its own.
var theirOwn = []string{
	"POST /v1/sites", "POST /v1/devices", "POST /v1/couriers", "POST /v1/deliveries", "POST /v1/deliveries/check", "GET /v1/deliveries",
	"GET /v1/references/{reference}", "POST /v1/webhooks", "GET /v1/webhooks",
}

// A merchant learns nothing of another's site, courier or delivery, and changes nothing there.
func TestMerchantsKeepApart(t *testing.T) {
	s := newStage(t)
	other := s.w.merchant("butcher")
	for _, op := range operations(t) {
		path := op.method + " " + op.path
		if expected(op.path) != "apiKey" || op.path == "/v1/sessions" || slices.Contains(theirOwn, path) ||
			slices.ContainsFunc(forOperators, func(f string) bool { only, _, _ := strings.Cut(f, "?"); return only == path }) {
			continue
		}
		r := other.send(op.method, s.filled(op.path), s.meant(path))
		if r.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	other.send("POST", "/v1/devices", api.DeviceRequest{ID: "x", Site: s.home.site, Connector: "fake", Config: json.RawMessage("{}")}).problem(404, "not-found")
	var theirs api.Deliveries
	other.get("/v1/deliveries", &theirs)
	if len(theirs.Deliveries) != 0 {
		t.Errorf("another's deliveries: %+v", theirs)
	}
	b := s.w.booking(s.home, 9)
	b.Merchant = "grocer"
	other.send("POST", "/v1/deliveries", b).problem(403, "forbidden")
	other.send("GET", "/v1/deliveries?merchant=grocer", nil).problem(403, "forbidden")
	other.send("GET", "/v1/deliveries?site="+string(s.home.site), nil).problem(403, "forbidden")
}

// A member of one site can't touch another's things, by any identifier.
func TestMembersKeepApart(t *testing.T) {
	s := newStage(t)
	stranger := s.w.empty(s.w.merchant("butcher"))
	before := s.w.kinds(s.home.site)
	for _, op := range operations(t) {
		if !strings.HasPrefix(op.path, "/v1/home/") || !strings.Contains(op.path, "{") {
			continue
		}
		path := op.method + " " + op.path
		if got := stranger.send(op.method, s.filled(op.path), s.meant(path)); got.status != http.StatusNotFound && got.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, more := range []string{"/v1/home/visits/{visit}/live/hls/{file}?look=look1"} {
		stranger.send("GET", s.filled(more), nil).problem(404, "not-found")
	}
	lend := api.Lending{Barrier: s.home.barrier, Borrower: stranger.site}
	if got := stranger.send("POST", "/v1/home/lending", lend); got.status != http.StatusNotFound && got.status != http.StatusForbidden {
		t.Errorf("lending another's barrier: %d %s", got.status, got.body)
	}
	bar := api.BarrierRequest{Device: event.DeviceID(string(s.home.site) + ".front"), Is: event.FrontDoor}
	stranger.send("POST", "/v1/home/barriers", bar).problem(422, "invalid")
	film := api.CameraRequest{Address: "rtsp://192.0.2.7/door", Sees: []event.AccessPointID{s.home.place}}
	stranger.send("POST", "/v1/home/cameras", film).problem(422, "invalid")
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
}

// A courier is refused at another's visit, and sees nothing of it.
func TestCouriersKeepApart(t *testing.T) {
	s := newStage(t)
	ben := s.w.courier("ben")
	ben.send("GET", "/v1/courier/visits/"+string(s.visit), nil).problem(404, "not-found")
	var stops api.Stops
	ben.get("/v1/courier/stops", &stops)
	if len(stops.Stops) != 0 {
		t.Errorf("another's stops: %+v", stops)
	}
	refused(t, ben.approach(s.home), event.WrongCourier)
	for _, op := range operations(t) {
		if !strings.HasPrefix(op.path, "/v1/courier/") || !strings.Contains(op.path, "{") {
			continue
		}
		path := op.method + " " + op.path
		r := ben.send(op.method, s.filled(op.path), s.meant(path))
		if r.status == http.StatusNotFound {
			continue
		}
		var a api.Answer
		r.want(http.StatusOK, &a)
		refused(t, a, event.WrongCourier)
	}
	if n := s.home.door.openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
}

// A site's refusal of a stranger's request must not show that stranger the visit.
func TestRefusedStrangersSeeNoVisit(t *testing.T) {
	s := newStage(t)
	ben := s.w.courier("ben")
	a := ben.scan(s.visit, 1)
	if a.Visit != nil || a.Refused.PlanB != nil {
		t.Errorf("shown to a stranger: %+v %+v", a.Visit, a.Refused.PlanB)
	}
}
