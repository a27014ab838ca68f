package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// Whatever is wrong with a request, it gets a clear error, its value is not repeated, and nothing changes.
func TestBadInput(t *testing.T) {
	s := newStage(t)
	const secret = "s3cr3t-value"
	op := s.w.operator()
	site, place, barrier := string(s.home.site), string(s.home.place), string(s.home.barrier)
	visit := "/v1/courier/visits/" + string(s.visit)
	now := `"2027-03-01T09:00:00+01:00"`
	soon := s.w.clock.now().Add(time.Hour)
	window := `"window":{"from":"` + soon.Format(time.RFC3339) + `","to":"` + soon.Add(time.Hour).Format(time.RFC3339) + `"}`
	parcels := `"parcels":[{"code":"12345678","size":"small"}]`
	booking := `"site":"` + site + `","carrier":"swift",` + parcels
	position := `"position":{"latitude":48.8,"longitude":2.3,"accuracy":5,"at":` + now + `}`
	cases := []struct {
		name   string
		who    caller
		path   string
		body   string
		status int
		code   string
		field  string
	}{
		{"no JSON", op, "POST /v1/sites", `{"zone":`, 400, "malformed", "body"},
		{"nothing", op, "POST /v1/sites", ``, 400, "malformed", ""},
		{"an array", op, "POST /v1/sites", `[]`, 422, "invalid", "body"},
		{"null", op, "POST /v1/sites", `null`, 422, "invalid", "body"},
		{"two values", op, "POST /v1/sites", `{"zone":"Europe/Paris"}{}`, 400, "malformed", "body"},
		{"unknown field", op, "POST /v1/sites", `{"zone":"Europe/Paris","` + secret[:2] + `":"` + secret + `"}`, 422, "invalid", "body.s3"},
		{"wrong type", op, "POST /v1/sites", `{"zone":17}`, 422, "invalid", "body.zone"},
		{"no such zone", op, "POST /v1/sites", `{"zone":"` + secret + `"}`, 422, "invalid", "body.zone"},
		{"the server's zone", op, "POST /v1/sites", `{"zone":"Local"}`, 422, "invalid", "body.zone"},
		{"a path as zone", op, "POST /v1/sites", `{"zone":"../../etc/passwd"}`, 422, "invalid", "body.zone"},
		{"address too long", op, "POST /v1/sites", `{"zone":"Europe/Paris","address":"` + strings.Repeat("x", 301) + `"}`, 422, "invalid", "body.address"},

		{"time without a zone", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":"2027-03-01T09:00:00","to":"2027-03-01T12:00:00+01:00"}}`, 422, "invalid", "body.window.from"},
		{"time as a number", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":17,"to":` + now + `}}`, 422, "invalid", "body.window.from"},
		{"a local time of words", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":"tomorrow","to":` + now + `}}`, 422, "invalid", "body.window.from"},
		{"window upside down", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":"2027-03-01T12:00:00+01:00","to":` + now + `}}`, 422, "invalid", "body.window"},
		{"window of ages", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":"0001-01-01T00:00:00Z","to":"9999-12-31T23:59:59Z"}}`, 422, "invalid", "body.window"},
		{"window that has passed", s.shop, "POST /v1/deliveries", `{` + booking + `,"window":{"from":"2020-03-01T09:00:00Z","to":"2020-03-01T12:00:00Z"}}`, 422, "invalid", "body.window"},
		{"no parcels", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":[],` + window + `}`, 422, "invalid", "body.parcels"},
		{"parcels of null", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":null,` + window + `}`, 422, "invalid", "body.parcels"},
		{"a parcel of null", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":[null],` + window + `}`, 422, "invalid", "body.parcels[0]"},
		{"no such size", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":[{"code":"12345678","size":"` + secret + `"}],` + window + `}`, 422, "invalid", "body.parcels[0].size"},
		{"wrong check digit", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":[{"code":"(00)340123450000000018","size":"small"}],` + window + `}`, 422, "parcel-unreadable", "body.parcels[0].code"},
		{"the same parcel twice", s.shop, "POST /v1/deliveries", `{"site":"` + site + `","carrier":"swift","parcels":[{"code":"12345678","size":"small"},{"code":"1234 5678","size":"small"}],` + window + `}`, 422, "invalid", "body.parcels"},
		{"no such site", s.shop, "POST /v1/deliveries", `{"site":"nowhere","carrier":"swift",` + parcels + `,` + window + `}`, 404, "not-found", ""},
		{"a site that can't be", s.shop, "POST /v1/deliveries", `{"site":"No Where","carrier":"swift",` + parcels + `,` + window + `}`, 404, "not-found", ""},
		{"no such access point", s.shop, "POST /v1/deliveries", `{` + booking + `,"accessPoint":"x-a1",` + window + `}`, 422, "invalid", "body.accessPoint"},
		{"no such courier", s.shop, "POST /v1/deliveries/" + string(s.delivery) + "/assign", `{"courier":"nobody"}`, 422, "invalid", "body.courier"},
		{"no such delivery", s.shop, "GET /v1/deliveries/" + site + "-d99999", ``, 404, "not-found", ""},
		{"a delivery that can't be", s.shop, "GET /v1/deliveries/..%2f..%2fetc", ``, 404, "not-found", ""},
		{"a cursor of nothing", s.shop, "GET /v1/deliveries?cursor=%21%21", ``, 422, "invalid", "query.cursor"},
		{"a limit too large", s.shop, "GET /v1/deliveries?limit=1000", ``, 422, "invalid", "query.limit"},
		{"a limit that is no number", s.shop, "GET /v1/deliveries?limit=" + secret, ``, 422, "invalid", "query.limit"},
		{"an unknown query", s.shop, "GET /v1/deliveries?" + secret[:2] + "=1", ``, 422, "invalid", "query.s3"},
		{"a journal beyond numbers", op, "GET /v1/sites/" + site + "/journal?after=18446744073709551615", ``, 422, "invalid", "query.after"},
		{"a journal before it began", op, "GET /v1/sites/" + site + "/journal?after=-1", ``, 422, "invalid", "query.after"},

		{"no such connector", op, "POST /v1/devices", `{"id":"x","site":"` + site + `","connector":"nuki","config":{}}`, 422, "invalid", "body.connector"},
		{"a configuration that can't be", op, "POST /v1/devices", `{"id":"x","site":"` + site + `","connector":"fake","config":{"password":"` + secret + `"}}`, 422, "invalid", "body.config"},
		{"an identifier with spaces", op, "POST /v1/devices", `{"id":"a b","site":"` + site + `","connector":"fake","config":{}}`, 422, "invalid", "body.id"},
		{"no address of a webhook", op, "POST /v1/webhooks", `{"url":"ftp://x/` + secret + `"}`, 422, "invalid", "body.url"},
		{"a webhook with a user", op, "POST /v1/webhooks", `{"url":"https://u:` + secret + `@x.example/"}`, 422, "invalid", "body.url"},

		{"latitude off the globe", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":90.1,"longitude":2.3,"accuracy":5,"at":` + now + `}}`, 422, "invalid", "body.position.latitude"},
		{"longitude off the globe", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":48,"longitude":-180.5,"accuracy":5,"at":` + now + `}}`, 422, "invalid", "body.position.longitude"},
		{"latitude that is no number", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":NaN,"longitude":2.3,"accuracy":5,"at":` + now + `}}`, 400, "malformed", "body"},
		{"latitude beyond numbers", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":1e999,"longitude":2.3,"accuracy":5,"at":` + now + `}}`, 400, "malformed", "body"},
		{"accuracy below nothing", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":48,"longitude":2.3,"accuracy":-1,"at":` + now + `}}`, 422, "invalid", "body.position.accuracy"},
		{"a position without a time", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":48,"longitude":2.3,"accuracy":5}}`, 422, "invalid", "body.position"},
		{"a position of a time without zone", s.phone.caller, "POST " + visit + "/arrive", `{"position":{"latitude":48,"longitude":2.3,"accuracy":5,"at":"2027-03-01T09:00:00"}}`, 422, "invalid", "body.position.at"},
		{"a scan of nothing", s.phone.caller, "POST " + visit + "/scan", `{"text":"",` + position + `}`, 422, "invalid", "body.text"},
		{"a scan of noise", s.phone.caller, "POST " + visit + "/scan", `{"text":"\u0007` + secret + `",` + position + `}`, 422, "parcel-unreadable", "body"},
		{"a symbology too long", s.phone.caller, "POST " + visit + "/scan", `{"text":"12345678","symbology":"]C11",` + position + `}`, 422, "invalid", "body.symbology"},
		{"a barrier elsewhere", s.phone.caller, "POST " + visit + "/open", `{"barrier":"elsewhere-b1",` + position + `}`, 404, "not-found", ""},
		{"a visit elsewhere", s.phone.caller, "POST /v1/courier/visits/elsewhere-v3/close", `{}`, 404, "not-found", ""},
		{"a visit that can't be", s.phone.caller, "POST /v1/courier/visits/v3/close", `{}`, 404, "not-found", ""},
		{"more than nothing", s.phone.caller, "POST " + visit + "/close", `{"force":true}`, 422, "invalid", "body.force"},
		{"an approach nowhere", s.phone.caller, "POST /v1/courier/approach", `{"site":"nowhere","accessPoint":"nowhere-a1"}`, 404, "not-found", ""},
		{"plan B of nothing", s.phone.caller, "POST /v1/courier/deliveries/" + site + "-d9999/plan-b", `{}`, 404, "not-found", ""},

		{"an access point off the globe", s.home.caller, "POST /v1/home/access-points", `{"wayIn":[{"barrier":"` + barrier + `","by":"remote"}],"radius":50,"position":{"latitude":-91,"longitude":0}}`, 422, "invalid", "body.position.latitude"},
		{"a way in of nothing", s.home.caller, "POST /v1/home/access-points", `{"wayIn":[],"radius":50,"position":{"latitude":0,"longitude":0}}`, 422, "invalid", "body.wayIn"},
		{"a way in by magic", s.home.caller, "POST /v1/home/access-points", `{"wayIn":[{"barrier":"` + barrier + `","by":"magic"}],"radius":50,"position":{"latitude":0,"longitude":0}}`, 422, "invalid", "body.wayIn.by"},
		{"rules beyond measure", s.home.caller, "PUT /v1/home/rules", `{"dwellSeconds":1e9,"climbSeconds":60}`, 422, "invalid", "body.dwellSeconds"},
		{"plan B with nobody", s.home.caller, "PUT /v1/home/rules", `{"dwellSeconds":60,"climbSeconds":60,"planB":[{"kind":"neighbour"}]}`, 422, "invalid", "body.planB.who"},
		{"consent on the eighth day", s.home.caller, "POST /v1/home/consents", `{"accessPoint":"` + place + `","largest":"small","hours":[{"days":[8],"from":0,"to":60}]}`, 422, "invalid", "body.hours.days"},
		{"consent backwards", s.home.caller, "POST /v1/home/consents", `{"accessPoint":"` + place + `","largest":"small","hours":[{"days":[1],"from":60,"to":0}]}`, 422, "invalid", "body.hours"},
		{"a device of nobody's", s.home.caller, "POST /v1/home/barriers", `{"device":"nothing","is":"front-door"}`, 422, "invalid", "body.device"},
		{"an answer to nothing", s.home.caller, "POST /v1/home/deliveries/" + string(s.delivery) + "/answers", `{"question":"alarm-off","yes":true}`, 409, "conflict", ""},
	}
	before := s.w.kinds(s.home.site)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.path, " ")
			r := c.who.send(method, path, c.body)
			r.t = t
			p := r.problem(c.status, c.code)
			if c.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != c.field) {
				t.Errorf("not about %s: %s", c.field, r.body)
			}
			if strings.Contains(string(r.body), secret) {
				t.Errorf("the value is repeated: %s", r.body)
			}
		})
	}
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
}

func TestBodyTooLarge(t *testing.T) {
	s := newStage(t)
	before := s.w.kinds(s.home.site)
	body := `{"zone":"Europe/Paris","address":"` + strings.Repeat("x", 256<<10) + `"}`
	s.w.operator().send("POST", "/v1/sites", body).problem(413, "too-large")
	s.w.anybody().send("POST", "/v1/sessions", body).problem(413, "too-large")
	s.phone.send("POST", "/v1/courier/visits/"+string(s.visit)+"/close", body).problem(413, "too-large")
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
}

func TestOtherContentTypes(t *testing.T) {
	w := newWorld(t)
	for _, ct := range []string{"text/plain", "application/x-www-form-urlencoded", "application/cbor", "multipart/form-data; boundary=x"} {
		w.operator().send("POST", "/v1/sites", `{"zone":"Europe/Paris"}`, "Content-Type", ct).problem(415, "media-type")
	}
	w.operator().send("POST", "/v1/sites", `{"zone":"Europe/Paris"}`, "Content-Type", "application/json; charset=utf-8").want(201, nil)
}

func TestNoSuchRoute(t *testing.T) {
	w := newWorld(t)
	w.anybody().send("GET", "/v1/nothing", nil).problem(404, "no-route")
	w.anybody().send("GET", "/", nil).problem(404, "no-route")
	r := w.anybody().send("PATCH", "/v1/sites", nil)
	r.problem(405, "method")
	if r.header.Get("Allow") != "POST" {
		t.Errorf("allows %q", r.header.Get("Allow"))
	}
}

// A page of another site can't use the cookie of somebody signed in here.
func TestOtherOriginsAreRefused(t *testing.T) {
	s := newStage(t)
	path := "/v1/home/deliveries/" + string(s.delivery) + "/consent"
	s.home.send("POST", path, nil, "Sec-Fetch-Site", "cross-site").problem(403, "cross-origin")
	s.home.send("POST", path, nil, "Origin", "https://evil.example").problem(403, "cross-origin")
	s.w.anybody().send("POST", "/v1/sessions", api.SignInRequest{Token: "x"}, "Sec-Fetch-Site", "same-site").problem(403, "cross-origin")
	s.home.send("POST", path, nil, "Sec-Fetch-Site", "same-origin").want(200, nil)
}

// A problem's reference is in the logs, and what went wrong inside is nowhere else.
func TestInternalsStayInside(t *testing.T) {
	s := newStage(t)
	s.w.store.fail(func(storeAppend) error { return errSecretive })
	defer s.w.store.fail(nil)
	r := s.shop.send("POST", "/v1/deliveries", s.w.booking(s.home, 7))
	p := r.problem(500, "internal")
	if strings.Contains(string(r.body), errSecretive.Error()) {
		t.Errorf("the cause is told: %s", r.body)
	}
	logs := s.w.logs.String()
	if !strings.Contains(logs, p.Reference) || !strings.Contains(logs, errSecretive.Error()) {
		t.Error("the cause can't be found in the logs")
	}
}

// Logs hold no personal data, whatever is asked.
func TestLogsHoldNothingPersonal(t *testing.T) {
	s := newStage(t)
	s.phone.scan(s.visit, 1)
	s.phone.scan(s.visit, 2)
	s.phone.finish(s.home, s.visit)
	logs := s.w.logs.String()
	for _, personal := range []string{"Camille", "Lilas", "On the bench", "48.85", "Anna", "340123450"} {
		if strings.Contains(logs, personal) {
			t.Errorf("%q is in the logs", personal)
		}
	}
	var all []byte
	for _, e := range s.w.journal(s.home.site) {
		all = append(all, get(json.Marshal(e))(t)...)
	}
	for _, personal := range []string{"Camille", "Lilas", "On the bench", "48.85", "Anna", "340123450"} {
		if strings.Contains(string(all), personal) {
			t.Errorf("%q is in the journal", personal)
		}
	}
}

func TestRefusalsSpeakTheReadersLanguage(t *testing.T) {
	s := newStage(t)
	var french, english api.Answer
	body := api.ScanRequest{Text: sscc(99), Position: s.w.at(5)}
	path := "/v1/courier/visits/" + string(s.visit) + "/scan"
	s.phone.send("POST", path, body, "Accept-Language", "fr-FR,fr;q=0.9,en;q=0.5").want(200, &french)
	s.phone.send("POST", path, body, "Accept-Language", "de").want(200, &english)
	if refused(t, french, event.WrongParcel).Title == refused(t, english, event.WrongParcel).Title {
		t.Errorf("both say %q", english.Refused.Title)
	}
}

func TestTooManyRequests(t *testing.T) {
	s := newStage(t)
	for range 200 {
		if r := s.phone.send("GET", "/v1/courier/stops", nil); r.status == http.StatusTooManyRequests {
			r.problem(429, "too-many")
			if r.header.Get("Retry-After") == "" {
				t.Error("not told how long to wait")
			}
			return
		}
	}
	t.Error("200 requests at once are let through")
}

// arrival is a connection that remembers until when it was to be read.
type arrival struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (a *arrival) SetReadDeadline(until time.Time) error {
	a.until = append(a.until, until)
	return nil
}

// TestTimeToArrive: a body has so long to arrive, and what is done with it is not ended by that.
func TestTimeToArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"zone":"Europe/Paris","address":"12 rue des Lilas, Paris"}`
	r := httptest.NewRequest(http.MethodPost, "/v1/sites", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w.merchant("grocer").sign(r, []byte(body))
	a := &arrival{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	w.api.ServeHTTP(a, r)
	if a.Code != http.StatusCreated && a.Code != http.StatusOK {
		t.Fatalf("%d: %s", a.Code, a.Body)
	}
	if len(a.until) < 2 || a.until[0].Before(began) || time.Until(a.until[0]) > time.Minute || !a.until[len(a.until)-1].IsZero() {
		t.Errorf("to be read until %v, at %v", a.until, began)
	}
}
