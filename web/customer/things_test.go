package customer_test

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui/uitest"
)

// things are the identifiers that stand in addresses.
type things map[string]string

// thingsOf are those of a household with a delivery under way, and nothing else.
func thingsOf(h *indoors.Household, d indoors.Booked, visit string) things {
	site := string(h.Site)
	return things{"site": site, "delivery": string(d.ID), "place": string(h.AccessPoint), "barrier": string(h.Barrier), "visit": visit, "camera": site + "-c1", "clip": site + "-f1",
		"consent": site + "-k1", "member": string(h.Member), "device": site + ".front", "number": "1", "name": "none.pmtiles", "maker": "volvo", "vehicle": "v1",
		"car": site + "-a9"}
}

// madeUp are identifiers that nobody ever had.
func madeUp() things {
	return things{"site": "aaaa", "delivery": "aaaa-d9", "place": "aaaa-a9", "barrier": "aaaa-b9", "visit": "aaaa-v9", "camera": "aaaa-c9", "clip": "aaaa-f9", "consent": "aaaa-k9",
		"member": "aaaa-m9", "device": "zzzz", "number": "1", "name": "none.pmtiles", "maker": "volvo", "vehicle": "v9", "car": "aaaa-a8"}
}

// furnished is a building with a household that has one of everything: a door, a car of a maker that it consented at, with
// its picture, a camera, a recording, a device that nothing was made of yet, and a delivery under way.
func furnished(t *testing.T, with ...indoors.Option) (*building, *indoors.Household, things) {
	t.Helper()
	cloud, media := newVolvos(t), indoors.Media(t)
	cloud.AddCar("paul", fakecloud.NewCar("YV1ANCTHERS000001", "VOLVO", "V60", 2024, indoors.Latitude, indoors.Longitude))
	b := build(t, append(with, cloud.here(), indoors.Filmed(media))...)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	vehicle, trunk, car := b.ownCar(t, cloud, h)
	h.PutUpCamera()
	clip := b.filmed(t, media, h, anna)
	d := b.Assigned(h, anna)
	all := thingsOf(h, d, string(anna.Approach(d)))
	home := look(t, h)
	for name, id := range map[string]string{"vehicle": vehicle, "trunk": trunk, "car": car, "clip": clip, "camera": string(home.Cameras[0].ID), "consent": string(home.Consents[0].ID),
		"device": b.spareDevice(t, h)} {
		all[name] = id
	}
	return b, h, all
}

// ownCar has a household connect its car, and leave its picture; it returns the names of the vehicle, of its trunk and of its place.
func (b *building) ownCar(t *testing.T, cloud *volvos, h *indoors.Household) (vehicle, trunk, place string) {
	t.Helper()
	me, door := b.visitor(t, h), h.Barrier
	chosen := me.consents("ana", "allow")
	action := actionBelow(t, me.page(chosen), "/home/cars/volvo/")
	proof := me.post("/home/cars/volvo", action, "opens", "trunk")
	h.Barrier = event.BarrierID(strings.TrimPrefix(me.post(proof, "/home/places/new/barrier"), "/home/barriers/"))
	cloud.workByHand(t, b, h)
	var made api.AccessPoint
	must(t, h.Call(t.Context(), "POST", "/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.Barrier, By: event.PermitRemote}}, Radius: 30,
		Position: api.Centre{Latitude: indoors.Latitude, Longitude: indoors.Longitude}, Vehicle: &api.VehicleTerms{Reveals: event.RevealsHandle}}, &made))
	trunk, h.Barrier = string(h.Barrier), door
	if a := me.sendPicture("/home/places/"+string(made.ID)+"/car/picture", photograph(t)); a.status != http.StatusSeeOther {
		t.Fatalf("the car's picture: %d", a.status)
	}
	return path.Base(action), trunk, string(made.ID)
}

// actionBelow is where the first form of a page goes whose address begins so.
func actionBelow(t testing.TB, body, prefix string) string {
	t.Helper()
	for _, f := range uitest.Tags(uitest.Parse(t, body), "form") {
		if action, _ := uitest.Attr(f, "action"); strings.HasPrefix(action, prefix) {
			return action
		}
	}
	t.Fatalf("no form goes below %s: %s", prefix, plain(t, body))
	return ""
}

// filmed has a visit from its approach to its end be filmed, and returns the clip.
func (b *building) filmed(t *testing.T, media camera.Studio, h *indoors.Household, anna *indoors.Phone) string {
	t.Helper()
	d := b.Assigned(h, anna)
	v := anna.Approach(d)
	seen := indoors.Await[event.FilmingAsked](b.Installation, h.Site)
	for media.Picture(seen.Camera).Fault != "" {
		if t.Context().Err() != nil {
			t.Fatal("the picture never counted")
		}
	}
	anna.Scan(v, d)
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	anna.Finish(d, v)
	return string(indoors.Await[event.ClipFinished](b.Installation, h.Site).Clip)
}

// spareDevice reserves a device for a household that makes nothing of it.
func (b *building) spareDevice(t *testing.T, h *indoors.Household) string {
	t.Helper()
	door, home := h.Door, h.Home
	config := h.PutUpDoor()
	h.Door, h.Home = door, home
	id := event.DeviceID(string(h.Site) + ".spare")
	register, err := config.Register("front", id)
	must(t, err)
	must(t, b.Key(auth.Operator, "swift").Call(t.Context(), "POST", "/v1/devices", api.DeviceRequest{ID: id, Site: h.Site, Connector: "mqtt", Config: register}, nil))
	return string(id)
}

var (
	named = regexp.MustCompile(`\{(\w+)\}`)
	// ofAll are names that belong to no household.
	ofAll = regexp.MustCompile(`\{(maker|name)\}`)
)

// filled puts identifiers into a pattern. names says that there was a household's among them.
func (t things) filled(pattern string) (method, path string, names bool) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.ReplaceAll(strings.ReplaceAll(path, "{$}", ""), "{place}/car", "{car}/car")
	names = named.MatchString(ofAll.ReplaceAllString(path, ""))
	return method, named.ReplaceAllStringFunc(path, func(name string) string { return t[name[1:len(name)-1]] }), names
}

// ownQuery is what pages that take an identifier beside their path need.
func ownQuery(mine things) string {
	return url.Values{"is": {"garage"}, "barrier": {mine["barrier"]}, "place": {mine["place"]}, "device": {mine["device"]}}.Encode()
}

// ask sends a form, or the same as a query; of a stream, only what it says at once.
func (v *visitor) ask(method, path string, fields url.Values) answer {
	v.t.Helper()
	if method == "POST" {
		return v.send(method, path, fields)
	}
	if !strings.HasSuffix(path, "/live") {
		return v.send(method, path+"?"+fields.Encode(), nil)
	}
	ctx, end := context.WithCancel(v.t.Context())
	defer end()
	for line := range v.live(ctx, path+"?"+fields.Encode()) {
		if strings.HasPrefix(line, "event: ") {
			return answer{body: line}
		}
	}
	return answer{}
}

// fields puts the identifiers into every field that takes one.
func (t things) fields(key string, all bool) url.Values {
	fields := url.Values{"key": {key}, "yes": {"true"}}
	if !all {
		return fields
	}
	for name, what := range map[string]string{"barrier": "barrier", "first": "barrier", "lobby": "barrier", "place": "place", "sees": "place", "device": "device",
		"replaces": "consent", "from": "consent", "visit": "visit", "cursor": "visit", "borrower": "site"} {
		fields.Set(name, t[what])
	}
	for name, value := range map[string]string{"is": "garage", "kind": "access-point/" + t["place"], "do": "add", "next": "/home/places/" + t["place"] + "/rehearsal",
		"position": "48.85, 2.29", "radius": "50", "address": "rtsp://192.0.2.7/door", "days": "1", "to": "18:00", "largest": "small", "dwell": "5", "keep": "7"} {
		fields.Set(name, value)
	}
	return fields
}

var drawn = regexp.MustCompile(`Reference: \S+|\d+ (s|min) ago`)

// shape is what an answer says and where it leads, but for the identifiers, for the reference that is drawn anew, and for
// the seconds that pass between two answers.
func (t things) shape(tb testing.TB, a answer) string {
	said := a.header.Get("Location") + " "
	if kind := a.header.Get("Content-Type"); kind == "" || strings.HasPrefix(kind, "text/html") {
		said += drawn.ReplaceAllString(plain(tb, a.body), "…") // before an identifier can be found in it
	}
	for name, id := range t {
		if name != "number" && name != "name" {
			said = strings.NewReplacer(id, "‹"+name+"›", url.QueryEscape(id), "‹"+name+"›").Replace(said)
		}
	}
	return said
}
