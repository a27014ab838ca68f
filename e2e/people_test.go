package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// The house stands here; nobody lives there.
const (
	latitude  = 48.8584
	longitude = 2.2945
)

// people are who speaks to a server.
type people struct {
	operator, shop *client.Caller
	// home is the household that receives; building is who owns the lobby, if there is one.
	home, building *household
	barriers       map[string]event.BarrierID
	place          event.AccessPointID
	courier        *courier
	booked         int
}

// household is a member of a site, signed in.
type household struct {
	*client.Caller
	site   event.SiteID
	member event.MemberID
}

// courier is a person with a phone whose key is bound.
type courier struct {
	*client.Caller
	id  string
	key *ecdsa.PrivateKey
}

// moveIn makes the operator, the shop, the household with its devices enrolled by hand and its consent, and a
// courier.
func (in *installation) moveIn() {
	in.operator = &client.Caller{URL: in.server.url, Authorize: client.WithSecret("Bearer", in.atMachine("key", "create", "--role", "operator", "--identity", "swift"))}
	in.shop = &client.Caller{URL: in.server.url, Authorize: client.WithSecret("Bearer", in.atMachine("key", "create", "--role", "merchant", "--identity", "grocer"))}
	in.home = in.household()
	in.barriers = make(map[string]event.BarrierID)
	var way []map[string]any
	for _, d := range in.config.Devices {
		owner := in.home
		if d.Name == "lobby" {
			in.building = in.household()
			owner = in.building
		}
		in.enrol(owner, d)
		way = append(way, map[string]any{"barrier": in.barriers[d.Name], "by": event.PermitRemote})
	}
	if in.building != nil {
		in.post(in.building, "/v1/home/lending", map[string]any{"barrier": in.barriers["lobby"], "borrower": in.home.site}, nil)
	}
	in.consent(way)
	in.courier = in.newCourier("anna")
}

// atMachine runs a local command of the server's operator.
func (in *installation) atMachine(args ...string) string {
	in.Helper()
	out, err := exec.CommandContext(in.ctx, loquet, append(args, "--data", in.data)...).CombinedOutput()
	if err != nil {
		in.Fatalf("loquet %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (in *installation) household() *household {
	in.Helper()
	var site struct {
		ID event.SiteID `json:"site"`
	}
	var member struct {
		ID event.MemberID `json:"member"`
	}
	in.must(in.shop.Call(in.ctx, "POST", "/v1/sites", map[string]any{"zone": "Europe/Paris", "address": "12 rue des Lilas"}, &site))
	in.must(in.operator.Call(in.ctx, "POST", "/v1/sites/"+string(site.ID)+"/members", map[string]any{"name": "Camille Martin"}, &member))
	h := &household{site: site.ID, member: member.ID}
	h.Caller = &client.Caller{URL: in.server.url, Authorize: client.WithSecret("Session", "")}
	var session struct {
		Token string `json:"token"`
	}
	in.must(h.Call(in.ctx, "POST", "/v1/sessions", map[string]any{"token": in.atMachine("member", "link", string(member.ID))}, &session))
	h.Authorize = client.WithSecret("Session", session.Token)
	return h
}

func (in *installation) post(h *household, path string, body, answer any) {
	in.Helper()
	in.must(h.Call(in.ctx, "POST", path, body, answer))
}

// enrol reserves the device, makes it a barrier, and works it by hand until the device has reported that.
func (in *installation) enrol(h *household, d virtual.Device) {
	in.Helper()
	id := event.DeviceID(string(h.site) + "." + d.Name)
	config, err := in.config.Register(d.Name, id)
	in.must(err)
	in.must(in.operator.Call(in.ctx, "POST", "/v1/devices", map[string]any{"id": id, "site": h.site, "connector": "mqtt", "config": config}, nil))
	var reserved struct {
		ID event.BarrierID `json:"barrier"`
	}
	in.post(h, "/v1/home/barriers", map[string]any{"device": id, "is": kindOf(d)}, &reserved)
	in.barriers[d.Name] = reserved.ID
	enrolled := func(e event.Event) bool {
		b, ok := e.Body.(event.BarrierEnrolled)
		return ok && b.Barrier == reserved.ID
	}
	for limit := time.Now().Add(patience); ; {
		in.workByHand(in.doors.Thing(d.Name))
		for last := time.Now().Add(time.Second); time.Now().Before(last); wait(in.ctx, look) {
			if slices.ContainsFunc(in.events(h.site, 0), enrolled) {
				return
			}
		}
		if time.Now().After(limit) {
			in.Fatalf("%s was worked by hand, and is not enrolled", d.Name)
		}
	}
}

// workByHand unlocks, opens, shuts and locks a barrier, each when the one before is done.
func (in *installation) workByHand(thing *virtual.Thing) {
	in.Helper()
	thing.Hand()
	_ = thing.Push() // a garage door is moved by its motor
	in.poll("the barrier is open", func() error { return unless(thing.Contact() == event.ContactOpen) })
	_ = thing.PullShut()
	thing.HandLock()
	in.poll("the barrier is shut", func() error { return unless(thing.Contact() == event.ContactClosed) })
}

func unless(holds bool) error {
	if !holds {
		return errors.New("it is not")
	}
	return nil
}

func kindOf(d virtual.Device) event.BarrierKind {
	switch {
	case d.Kind == virtual.Garage:
		return event.Garage
	case d.Name == "lobby":
		return event.Lobby
	default:
		return event.FrontDoor
	}
}

// consent makes the access point, lets deliveries in at any hour, and has an alarm raised within the test's life.
func (in *installation) consent(way []map[string]any) {
	in.Helper()
	var added struct {
		ID event.AccessPointID `json:"accessPoint"`
	}
	in.post(in.home, "/v1/home/access-points", map[string]any{"wayIn": way, "radius": 60, "name": "the bench",
		"position": map[string]any{"latitude": latitude, "longitude": longitude}}, &added)
	in.place = added.ID
	in.post(in.home, "/v1/home/consents", map[string]any{"accessPoint": in.place, "largest": "large", "inside": true,
		"hours": []map[string]any{{"days": []int{1, 2, 3, 4, 5, 6, 7}, "from": 0, "to": 1440}}}, nil)
	in.alarmAfter(45 * time.Second)
}

// alarmAfter sets how long a barrier may stay unsecured in a visit before it is an alarm.
func (in *installation) alarmAfter(dwell time.Duration) {
	in.Helper()
	in.must(in.home.Call(in.ctx, "PUT", "/v1/home/rules", map[string]any{"dwellSeconds": dwell.Seconds(), "climbSeconds": 10, "watch": true}, nil))
}

// newCourier registers a courier and binds a phone.
func (in *installation) newCourier(name string) *courier {
	in.Helper()
	c := newPhone(in.T, in.server.url)
	c.id = "swift-" + name
	in.must(in.operator.Call(in.ctx, "POST", "/v1/couriers", map[string]any{"id": c.id, "name": name}, nil))
	jwk, _, err := proof.KeyFrom(&c.key.PublicKey)
	in.must(err)
	code := in.atMachine("courier", "pair", c.id)
	in.must(c.Call(in.ctx, "POST", "/v1/pair", map[string]any{"code": code, "publicJwk": jwk}, nil))
	return c
}

// newPhone has a key that nobody knows yet.
func newPhone(t *testing.T, url string) *courier {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &courier{key: key, Caller: &client.Caller{URL: url, Authorize: client.SignedBy(key)}}
}

// phone is another caller with the courier's key, for requests side by side.
func (c *courier) phone() *courier {
	return &courier{Caller: &client.Caller{URL: c.URL, Authorize: c.Authorize}, id: c.id, key: c.key}
}

// delivery is a booked delivery.
type delivery struct {
	id     event.DeliveryID
	parcel string
}

// book has the shop book a parcel for now, and the operator name the courier.
func (in *installation) book() delivery {
	in.Helper()
	in.booked++
	d := delivery{parcel: sscc(in.booked)}
	now := time.Now()
	var booked struct {
		ID event.DeliveryID `json:"delivery"`
	}
	in.must(in.shop.Call(in.ctx, "POST", "/v1/deliveries", map[string]any{
		"site": in.home.site, "accessPoint": in.place, "carrier": "swift",
		"window":  map[string]any{"from": now.Add(-time.Minute).Format(time.RFC3339Nano), "to": now.Add(2 * time.Hour).Format(time.RFC3339Nano)},
		"parcels": []map[string]any{{"code": d.parcel, "size": "small"}},
	}, &booked))
	d.id = booked.ID
	in.must(in.operator.Call(in.ctx, "POST", "/v1/deliveries/"+string(d.id)+"/assign", map[string]any{"courier": in.courier.id}, nil))
	return d
}

// sscc makes a serial shipping container code with its check digit.
func sscc(n int) string {
	digits := fmt.Sprintf("34012345%09d", n)
	sum := 0
	for i, r := range digits {
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return fmt.Sprintf("(00)%s%d", digits, (10-sum%10)%10)
}

// answer is what the server says to a courier's request.
type answer struct {
	Refused *struct {
		Code event.Code `json:"code"`
		Text string     `json:"text"`
	} `json:"refused"`
	Visit *struct {
		ID    event.VisitID `json:"id"`
		Ended *struct {
			How event.VisitEnd `json:"how"`
		} `json:"ended"`
	} `json:"visit"`
}

func (a answer) code() event.Code {
	if a.Refused == nil {
		return ""
	}
	return a.Refused.Code
}

func position() map[string]any {
	return map[string]any{"latitude": latitude + 8.0/111_195, "longitude": longitude, "accuracy": 6, "at": time.Now().Format(time.RFC3339Nano)}
}

// requestWithin bounds one request: a phone gives up, and asks again.
const requestWithin = 15 * time.Second

// ask makes one signed request about a visit.
func (c *courier) ask(ctx context.Context, v event.VisitID, what string, body map[string]any) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	if body == nil {
		body = map[string]any{}
	}
	err = c.Call(ctx, "POST", "/v1/courier/visits/"+string(v)+"/"+what, body, &a)
	return a, err
}

// insist asks until there is an answer: each time as a new request with a new proof, as a phone does that heard
// nothing. An answer is anything that says what happened.
func (c *courier) insist(ctx context.Context, v event.VisitID, what string, body func() map[string]any) (answer, error) {
	tick := time.NewTicker(5 * look)
	defer tick.Stop()
	for {
		var said map[string]any
		if body != nil {
			said = body()
		}
		a, err := c.ask(ctx, v, what, said)
		var p *client.Problem
		switch {
		case err == nil:
			return a, nil
		case errors.As(err, &p) && p.Status < 500 && p.Status != 429:
			return a, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return a, fmt.Errorf("%s was never answered: %w", what, err)
		}
	}
}

// begin approaches, until there is a visit.
func (in *installation) begin() event.VisitID {
	in.Helper()
	var a answer
	in.must(in.courier.Call(in.ctx, "POST", "/v1/courier/approach", map[string]any{"site": in.home.site, "accessPoint": in.place,
		"eta": time.Now().Add(3 * time.Minute).Format(time.RFC3339)}, &a))
	if a.Refused != nil {
		in.Fatalf("the approach was refused: %s", a.Refused.Code)
	}
	return a.Visit.ID
}

// poll looks until f returns nil.
func (in *installation) poll(what string, f func() error) {
	in.Helper()
	tick := time.NewTicker(look)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			in.Fatalf("waited in vain until %s: %v", what, err)
		}
	}
}
